"""Judge an image by a spec, from pixels alone.

`satisfies(spec, image)` answers every question that follows from the spec. `strict(spec, image)` says whether
all answers are yes and the image shows nothing else. `read` is the front end. Images are (64, 64, 3) uint8.
"""

from collections.abc import Mapping

import numpy as np

from ladr.shapes.detect import VERSION, Detection, Reading, read
from ladr.shapes.questions import SpecQuestion, answer, questions
from ladr.shapes.spec import Spec

__all__ = ["VERSION", "Detection", "Reading", "answers", "read", "satisfies", "strict", "zeroed"]


def satisfies(spec: Spec, image: np.ndarray) -> dict[str, bool]:
    """Question id ("color 0", "count 0", "relation 0", "text 0", ...) -> whether the image says yes.

    The answers are raw: the answer to a question may be yes though that to its parent is no; see `zeroed`.
    """
    return answers(spec, read(image))


def strict(spec: Spec, image: np.ndarray) -> bool:
    """Whether every stated fact holds, and no thing or letter is there that the spec does not state."""
    reading = read(image)
    stated = sum(item.count for item in spec.items)
    letters = spec.word.letters if spec.word else ""
    alone = len(reading.things) == stated and reading.text == letters
    return alone and all(answers(spec, reading).values())


def answers(spec: Spec, reading: Reading) -> dict[str, bool]:
    """`satisfies` for an image that has been read already."""
    return {q.id: answer(q, spec, reading) for q in questions(spec)}


def zeroed(listed: tuple[SpecQuestion, ...], raw: Mapping[str, bool]) -> dict[str, bool]:
    """The answers, with no wherever the answer to a parent is no; `listed` has parents before children."""
    held: dict[str, bool] = {}
    for q in listed:
        held[q.id] = raw[q.id] and all(held[p] for p in q.parents)
    return held
