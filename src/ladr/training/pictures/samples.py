"""Samples of the picture world: a caption, and the codes of all pictures that it allows."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from ladr.benchmarks.mini.pictures.templates import seen, templates_of
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, STYLES
from ladr.training.data import UNCONDITIONAL, Sample
from ladr.training.pictures.captions import STATED, caption
from ladr.training.pictures.make import DRAWINGS
from ladr.training.pictures.render import over


def sample(folder: Path, seed: int, number: int, early: int = 0) -> Sample:
    """Sample `number` of the stream `seed`, of a concept and one of its combinations that training shows."""
    world = templates_of(folder)
    rng = np.random.default_rng([seed, number])
    index = int(rng.integers(len(world.names)))
    pairs = np.argwhere(seen(len(world.names))[index])
    chosen = pairs[rng.integers(len(pairs))]
    states_style, states_background, drops_caption = rng.random(3) < (STATED, STATED, UNCONDITIONAL)
    if drops_caption:
        return Sample(None, [], world.codes[index, chosen[0], chosen[1]][None])
    style = STYLES[chosen[0]] if states_style else None
    background = [*BACKGROUNDS][chosen[1]] if states_background else None
    words = caption(world.names[index], style, background, rng)
    allowed = (pairs == chosen) | ~np.array([states_style, states_background])
    others = pairs[allowed.all(1) & (pairs != chosen).any(1)]
    shown = np.concatenate([chosen[None], others])
    return Sample(words, [], world.codes[index, shown[:, 0], shown[:, 1]])


def images(folder: Path, seed: int, numbers: range) -> np.ndarray:
    """Pictures over backgrounds at random, (n, h, w, 3) uint8: what the VQ model is trained on."""
    stored = _drawings(folder / DRAWINGS)
    shown = []
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        index, style = rng.integers(len(stored)), rng.integers(len(STYLES))
        shown.append(over(stored[index, style], [*BACKGROUNDS][rng.integers(len(BACKGROUNDS))]))
    return np.stack(shown)


@lru_cache(maxsize=1)
def _drawings(path: Path) -> np.ndarray:
    return load_file(path)["pictures"]
