"""Samples of the shape world, made on the fly from a seed and a number."""

from dataclasses import replace
from typing import Any

import numpy as np

from ladr.backbones.exact.patches import cut, distinct_patches
from ladr.shapes.caption import caption
from ladr.shapes.place import realise
from ladr.shapes.practice import FIRST, TRAINING, propose
from ladr.shapes.propose import pick
from ladr.shapes.render import render
from ladr.shapes.scene import BACKGROUNDS, Scene
from ladr.shapes.spec import Spec
from ladr.training.data import OTHERS, UNCONDITIONAL, Sample


def sample(seed: int, number: int, early: int = 0) -> tuple[Spec, str, Scene]:
    """The `number`-th (spec, caption, scene) of the stream `seed`, of whose samples the first `early` are of
    the kinds that are practised first."""
    rng = np.random.default_rng([seed, number])
    shares: Any = FIRST if number < early else TRAINING
    spec = propose(rng, shares)
    return spec, caption(spec, rng), realise(spec, rng)


def has_others(number: int, early: int = 0) -> bool:
    """Does this sample come with other images of its spec?

    All of the first `early` samples do. After them two of every four consecutive ones do, so that each of
    two shards has the same share.
    """
    return number < early or number // 2 % 2 == 0


def finished(seed: int, number: int, early: int = 0) -> Sample:
    """Sample `number` as the model is to see it, but for the ids of its words and patches."""
    drop = np.random.default_rng([seed, number, 1]).random() < UNCONDITIONAL
    spec, words, scene = sample(seed, number, early)
    scenes = [scene]
    if has_others(number, early) and not drop:
        rng = np.random.default_rng([seed, number, 2])
        scenes += [realise(spec, rng) for _ in range(OTHERS)]
    grid = cut(np.stack([render(each) for each in scenes]))
    patches, cells = distinct_patches(grid.reshape(-1, grid.shape[-1]))
    return Sample(None if drop else words, patches, cells.reshape(grid.shape[:3]).astype(np.uint16))


def scene(seed: int, number: int) -> Scene:
    """The `number`-th scene of the tokenizer's data: every kind and every background equally often."""
    rng = np.random.default_rng([seed, number])
    spec = pick(TRAINING, rng)(rng)
    if spec.style != "blueprint":
        spec = replace(spec, background=pick(BACKGROUNDS, rng))
    return realise(spec, rng, unseen=True)


def images(seed: int, numbers: range) -> np.ndarray:
    """What the tokenizer is trained on: the scenes of these numbers, (n, 64, 64, 3) uint8."""
    return np.stack([render(scene(seed, number)) for number in numbers])
