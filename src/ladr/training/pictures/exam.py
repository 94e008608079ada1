"""The exam of the picture world: prompts of all three facts, one of which is judged in each column."""

from functools import partial
from pathlib import Path

import numpy as np

from ladr.benchmarks.mini.pictures.templates import seen, templates_of
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, STYLES, prompt
from ladr.training.question import Question

SEED = 2_000_003
COLUMNS = {"concept": 0.60, "style": 0.90, "background": 0.95, "all three, unseen": 0.0}


def questions(folder: Path, column: str, count: int) -> list[Question]:
    """`count` prompts of combinations that training shows, or, in the last column, of the others."""
    names = templates_of(folder).names
    shown = seen(len(names))
    combinations = np.argwhere(~shown if column == "all three, unseen" else shown)
    rng = np.random.default_rng([SEED, *column.encode()])
    order = rng.permutation(len(combinations))
    chosen = [combinations[order[n % len(order)]].tolist() for n in range(count)]
    backgrounds = [*BACKGROUNDS]
    return [
        Question(
            prompt(names[index], STYLES[style], backgrounds[background]),
            partial(_right, folder, column, (names[index], STYLES[style], backgrounds[background])),
        )
        for index, style, background in chosen
    ]


def _right(folder: Path, column: str, stated: tuple[str, str, str], image: np.ndarray) -> bool:
    reading = templates_of(folder).read(image)
    read = (reading.concept, reading.style, reading.background)
    if column in ("concept", "style", "background"):
        place = ("concept", "style", "background").index(column)
        return read[place] == stated[place]
    return read == stated
