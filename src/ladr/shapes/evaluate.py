"""Judge an image by a spec, from pixels alone.

`satisfies(spec, image)` answers every question that the spec lets one ask; `strict(spec, image)` says
whether all of them hold and nothing else is there. `read` is the front end. Images are (64, 64, 3) uint8.
"""

from collections.abc import Mapping

import numpy as np

from ladr.shapes.detect import VERSION, Detection, Reading, read
from ladr.shapes.questions import Question, answer, questions
from ladr.shapes.spec import Spec

__all__ = ["VERSION", "Detection", "Reading", "answers", "read", "satisfies", "strict", "zeroed"]


def satisfies(spec: Spec, image: np.ndarray) -> dict[str, bool]:
    """Question id ("color 0", "count 0", "relation 0", "text 0", ...) -> whether the image says yes.

    Raw answers: a question whose parent fails may still hold; see `zeroed`.
    """
    return answers(spec, read(image))


def strict(spec: Spec, image: np.ndarray) -> bool:
    """Every stated fact holds, and there is not one thing or letter more than the spec asks for."""
    reading = read(image)
    wanted = sum(item.count for item in spec.items)
    letters = spec.word.letters if spec.word else ""
    alone = len(reading.things) == wanted and reading.text == letters
    return alone and all(answers(spec, reading).values())


def answers(spec: Spec, reading: Reading) -> dict[str, bool]:
    """`satisfies` for an image that has been read already."""
    return {q.id: answer(q, spec, reading) for q in questions(spec)}


def zeroed(asked: tuple[Question, ...], raw: Mapping[str, bool]) -> dict[str, bool]:
    """No child holds whose parent does not, transitively; `asked` lists parents before children."""
    held: dict[str, bool] = {}
    for q in asked:
        held[q.id] = raw[q.id] and all(held[p] for p in q.parents)
    return held
