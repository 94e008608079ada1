"""Batches of numbered samples: the sample with number n is the same on every machine."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ladr.backbones.exact.patches import PatchCodes

UNCONDITIONAL = 0.1  # share of samples whose prompt is dropped, for guidance
OTHERS = 24  # other images of a sample's spec, where it has any


class Sample(NamedTuple):
    """One image with its caption (None where it is dropped), and other images that the caption allows.

    `patches` are the distinct patches of all, in order, and `cells` (1 + others, H, W) says which of them
    stands in each cell. A data set that is already encoded has no patches: its cells hold the codes.
    """

    caption: str | None
    patches: list[bytes]
    cells: np.ndarray


@dataclass(frozen=True)
class TrainingBatch:
    """`text` (B, n) ids of equally long prompts and `codes` (B, H, W) of their images.

    `others` (B, OTHERS, H, W): codes of other images that the caption allows, -1 where there are no more.
    Samples that have some stand first.
    """

    text: np.ndarray
    codes: np.ndarray
    others: np.ndarray
    numbers: tuple[int, ...]


class Stream:
    """Batches of `size` samples whose prompts have equally many ids.

    `make` makes the sample of a number. `source` does the same for the numbers of this shard in their order,
    ahead of time in other processes (`workers.py`). The state to resume from is `next_number` and `waiting`
    (the numbers that wait for company).
    """

    def __init__(
        self,
        make: Callable[[int], Sample],
        shard: int,
        shards: int,
        size: int,
        encode_text: Callable[[str | None], list[int]],
        patches: PatchCodes,
        source: Callable[[int], Sample] | None = None,
    ):
        self.make, self.source = make, source or make
        self.shards, self.size = shards, size
        self.encode_text, self.patches = encode_text, patches
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
        codes = [_codes(each, code) for _, each in made]
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
            self.waiting[self._keep(number, self.make(number))].append(number)


def _codes(made: Sample, code: dict[bytes, int]) -> np.ndarray:
    """The sample's codes (1 + others, H, W), its patches looked up in `code`."""
    if not made.patches:
        return made.cells.astype(np.int64)
    return np.array([code[patch] for patch in made.patches])[made.cells]
