"""What a benchmark scores, the decoded images of one cell, and what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ladr.base.late import Tensor
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row

TOGETHER = 64  # images that are rendered at once where all of them are wanted
NEIGHBOURS = 16  # images that are rendered at once where they are wanted one by one


def silent(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Means:
    """What may be used for scoring: the settings under `official` of params.yaml, and how many processes.
    `say` tells a person how far the scoring is."""

    official: Any = None
    processes: int = 1
    say: Callable[[str], None] = silent


@dataclass(frozen=True, eq=False)
class Submission:
    """The images of one cell.

    `tokens` (N, H, W) int64 are in the order of the prompts, `images_per_prompt` for each. `backbone()` gives
    the model, `renderer()` what draws tokens without the rest of the model; each is loaded at its first call.
    `folder` is the cell's: a benchmark may keep its answers there from one run to the next. `origin` says
    where the images come from: cell, sha256 of the tokens, sampler, backbone, seed.
    """

    prompts: tuple[Prompt, ...]
    images_per_prompt: int
    tokens: Tensor
    backbone: Callable[[], Any]
    renderer: Callable[[], Any]
    folder: Path
    origin: Mapping[str, Any]
    means: Means = Means()

    @property
    def keys(self) -> list[tuple[str, int]]:
        """(prompt id, image number from 0) of every image, in the order of the tokens."""
        return [(prompt.id, number) for prompt in self.prompts for number in range(self.images_per_prompt)]

    @cached_property
    def pixels(self) -> np.ndarray:
        """(N, h, w, 3) uint8: all images."""
        starts = range(0, len(self.tokens), TOGETHER)
        return np.concatenate([self._rendered(start, TOGETHER) for start in starts])

    def one_by_one(self) -> Callable[[int, int], np.ndarray]:
        """A function from a prompt's position and an image number to that image, (h, w, 3) uint8. It renders
        neighbours together and keeps only these."""
        kept: dict[int, np.ndarray] = {}

        def image(prompt: int, number: int) -> np.ndarray:
            place = prompt * self.images_per_prompt + number
            start = place // NEIGHBOURS * NEIGHBOURS
            if start not in kept:
                kept.clear()
                kept[start] = self._rendered(start, NEIGHBOURS)
            return kept[start][place - start]

        return image

    def some(self, places: Sequence[int]) -> np.ndarray:
        """The images at these positions among all, (n, h, w, 3) uint8. Where `pixels` has been asked for,
        they are taken from there; else these alone are rendered."""
        if "pixels" in self.__dict__:
            return self.pixels[list(places)]
        return np.asarray(self.renderer().render(self.tokens[list(places)]))

    def _rendered(self, start: int, count: int) -> np.ndarray:
        return np.asarray(self.renderer().render(self.tokens[start : start + count]))


@dataclass(frozen=True)
class BenchmarkScores:
    """All judgements of a cell and the lines of its table.

    `parts` says which scorer judged which part of the benchmark, or why none did. Leave it out where one
    scorer judges everything.
    """

    rows: Sequence[Row]
    lines: Sequence[Mapping[str, Any]]
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
