"""The exam of the shape world, column by column, on prompts that training never draws."""

from collections.abc import Callable
from functools import partial

import numpy as np

from ladr.shapes import propose
from ladr.shapes.caption import caption
from ladr.shapes.evaluate import satisfies
from ladr.shapes.spec import Spec
from ladr.training.question import Question

SEED = 2_000_003  # no training or validation sample is drawn from this stream
KINDS: dict[str, Callable[[np.random.Generator], Spec]] = {
    "single object": propose.single,
    "two objects": propose.two,
    "counting": propose.counting,
    "colors": propose.colors,
    "position": propose.position,
    "attribute binding": propose.attribute,
    "texture": propose.texture,
    "text": propose.text,
}
COLUMNS = dict(zip(KINDS, (0.85, 0.85, 0.70, 0.85, 0.70, 0.70, 0.70, 0.50), strict=True))


def prompts(column: str, count: int) -> list[tuple[Spec, str]]:
    """`count` captions of a column with their specs, the same ones every time.

    They differ as long as the column has other captions; then they come again, for other images.
    """
    kind = KINDS[column]
    rng = np.random.default_rng([SEED, *column.encode()])
    drawn: dict[str, Spec] = {}
    for _ in range(20 * count):
        spec = kind(rng)
        drawn.setdefault(caption(spec, rng), spec)
        if len(drawn) == count:
            break
    different = [(spec, words) for words, spec in drawn.items()]
    return [different[n % len(different)] for n in range(count)]


def questions(column: str, count: int) -> list[Question]:
    """The prompts of a column; an image is right when every stated fact is read from its pixels."""
    return [Question(words, partial(_satisfied, spec)) for spec, words in prompts(column, count)]


def _satisfied(spec: Spec, image: np.ndarray) -> bool:
    return all(satisfies(spec, image).values())
