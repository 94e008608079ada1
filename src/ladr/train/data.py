"""Training samples made on the fly: the sample with number n is the same on every machine."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ladr.backbones.patches import PatchCodes
from ladr.shapes.caption import caption
from ladr.shapes.place import realise
from ladr.shapes.practice import propose
from ladr.shapes.render import render
from ladr.shapes.scene import Scene
from ladr.shapes.spec import Spec

UNCONDITIONAL = 0.1  # share of samples whose prompt is dropped, for guidance


def sample(seed: int, number: int) -> tuple[Spec, str, Scene]:
    """The `number`-th (spec, caption, scene) of the stream `seed`."""
    rng = np.random.default_rng([seed, number])
    spec = propose(rng)
    return spec, caption(spec, rng), realise(spec, rng)


@dataclass(frozen=True)
class Batch:
    """`text` (B, n) ids of equally long prompts and `codes` (B, H, W) of their images."""

    text: np.ndarray
    codes: np.ndarray
    numbers: tuple[int, ...]


class Stream:
    """Batches of `size` samples whose prompts have equally many ids.

    The state to resume from is `next_number` and `waiting` (the numbers that wait for company).
    """

    def __init__(self, seed: int, shard: int, shards: int, size: int, encode_text, patches: PatchCodes):
        self.seed, self.size = seed, size
        self.shards = shards
        self.encode_text, self.patches = encode_text, patches
        self.next_number = shard
        self.waiting: dict[int, list[int]] = defaultdict(list)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            number = self.next_number
            self.next_number += self.shards
            length = len(self._text(number))
            self.waiting[length].append(number)
            if len(self.waiting[length]) >= self.size:
                ready = self.waiting.pop(length)
                self.waiting[length] = ready[self.size :]
                yield self._batch(ready[: self.size])

    def _text(self, number: int) -> list[int]:
        drop = np.random.default_rng([self.seed, number, 1]).random() < UNCONDITIONAL
        return self.encode_text(None if drop else sample(self.seed, number)[1])

    def _batch(self, numbers: list[int]) -> Batch:
        images = np.stack([render(sample(self.seed, n)[2]) for n in numbers])
        text = np.array([self._text(n) for n in numbers], np.int64)
        return Batch(text, self.patches.encode(images), tuple(numbers))

    def state(self) -> dict:
        return {"next_number": self.next_number, "waiting": {str(k): v for k, v in self.waiting.items() if v}}

    def restore(self, state: dict) -> None:
        self.next_number = state["next_number"]
        self.waiting = defaultdict(list)
        for number in sorted(n for numbers in state["waiting"].values() for n in numbers):
            self.waiting[len(self._text(number))].append(number)
