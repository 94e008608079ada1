"""A picture world of a few coloured shapes, made in the test: no package of emoji is needed."""

import numpy as np

from ladr.benchmarks.mini.pictures.words import STYLES
from ladr.training.pictures.concepts import Concept
from ladr.training.pictures.make import write

NAMES = ("tiger", "tiger face", "owl", "grapes", "cup with straw", "rose")


def drawn(count: int = len(NAMES), side: int = 16) -> np.ndarray:
    """(count, styles, side, side, 4) uint8: a rough square per concept, with other colours in every style."""
    rng = np.random.default_rng(0)
    pictures = np.zeros((count, len(STYLES), side, side, 4), np.uint8)
    for row in pictures:
        top, left = 4 * rng.integers(0, 2, 2)
        for picture in row:
            square = picture[top : top + 12, left : left + 12]
            square[..., :3] = rng.integers(20, 236, 3) + rng.integers(-20, 20, (12, 12, 3))
            square[..., 3] = 255
    return pictures


def picture_world(folder, codes: int = 64):
    """Write the data set of NAMES into `folder`."""
    concepts = [Concept(name, f"1f4{number:02}", "animals-nature") for number, name in enumerate(NAMES)]
    return write(folder, concepts, drawn(), codes, seed=0, groups=("animals-nature",))
