"""Training samples made on the fly: the sample with number n is the same on every machine."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ladr.backbones.exact.patches import PatchCodes, cut, distinct_patches
from ladr.shapes.caption import caption
from ladr.shapes.place import realise
from ladr.shapes.practice import FIRST, TRAINING, propose
from ladr.shapes.render import render
from ladr.shapes.scene import Scene
from ladr.shapes.spec import Spec

UNCONDITIONAL = 0.1  # share of samples whose prompt is dropped, for guidance
OTHERS = 24  # other images of a sample's spec, where it has any


def sample(seed: int, number: int, early: int = 0) -> tuple[Spec, str, Scene]:
    """The `number`-th (spec, caption, scene) of the stream `seed`, of whose samples the first `early` are of
    the kinds that are practised first."""
    rng = np.random.default_rng([seed, number])
    shares: Any = FIRST if number < early else TRAINING
    spec = propose(rng, shares)
    return spec, caption(spec, rng), realise(spec, rng)


class Sample(NamedTuple):
    """One image with its caption (None where it is dropped), and other images of the same spec: the distinct
    patches of all, in order, and which of them stands in each cell, `cells` (1 + others, H, W)."""

    caption: str | None
    patches: list[bytes]
    cells: np.ndarray


def has_others(number: int, early: int = 0) -> bool:
    """Of the first `early` samples all come with other images of their spec, then two of four consecutive
    ones: half of either shard's."""
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


@dataclass(frozen=True)
class TrainingBatch:
    """`text` (B, n) ids of equally long prompts and `codes` (B, H, W) of their images.

    `others` (B, OTHERS, H, W): codes of other images of the same spec, -1 where a sample has none. Samples
    that have some stand first.
    """

    text: np.ndarray
    codes: np.ndarray
    others: np.ndarray
    numbers: tuple[int, ...]


class Stream:
    """Batches of `size` samples whose prompts have equally many ids.

    The state to resume from is `next_number` and `waiting` (the numbers that wait for company). `source`
    makes the sample of a number: here, or ahead of time in other processes (`workers.py`).
    """

    def __init__(
        self,
        seed: int,
        shard: int,
        shards: int,
        size: int,
        encode_text: Callable[[str | None], list[int]],
        patches: PatchCodes,
        early: int = 0,
        source: Callable[[int], Sample] | None = None,
    ):
        self.seed, self.size = seed, size
        self.shards = shards
        self.encode_text, self.patches = encode_text, patches
        self.early = early
        self.source = source or partial(finished, seed, early=early)
        self.next_number = shard
        self.waiting: dict[int, list[int]] = defaultdict(list)
        self.made: dict[int, tuple[list[int], Sample]] = {}

    def __iter__(self) -> Iterator[TrainingBatch]:
        while True:
            number = self.next_number
            self.next_number += self.shards
            length = self._keep(number, self.source(number))
            self.waiting[length].append(number)
            if len(self.waiting[length]) >= self.size:
                ready = self.waiting.pop(length)
                self.waiting[length] = ready[self.size :]
                yield self._batch(ready[: self.size])

    def _keep(self, number: int, made: Sample) -> int:
        """Keep the sample until its batch is full; the length of its prompt."""
        text = self.encode_text(made.caption)
        self.made[number] = text, made
        return len(text)

    def _batch(self, numbers: list[int]) -> TrainingBatch:
        numbers = sorted(numbers, key=lambda number: len(self.made[number][1].cells) == 1)
        made = [self.made.pop(number) for number in numbers]
        distinct = sorted({patch for _, each in made for patch in each.patches})
        code = dict(zip(distinct, self.patches.look_up(distinct).tolist(), strict=True))
        codes = [np.array([code[patch] for patch in each.patches])[each.cells] for _, each in made]
        first = np.stack([images[0] for images in codes])
        others = np.full((len(made), OTHERS, *first.shape[1:]), -1, first.dtype)
        for row, images in zip(others, codes, strict=True):
            row[: len(images) - 1] = images[1:]
        return TrainingBatch(np.array([text for text, _ in made], np.int64), first, others, tuple(numbers))

    def state(self) -> dict:
        return {"next_number": self.next_number, "waiting": {str(k): v for k, v in self.waiting.items() if v}}

    def restore(self, state: dict) -> None:
        self.next_number = state["next_number"]
        self.waiting = defaultdict(list)
        self.made = {}
        for number in sorted(n for numbers in state["waiting"].values() for n in numbers):
            made = finished(self.seed, number, self.early)
            self.waiting[self._keep(number, made)].append(number)
