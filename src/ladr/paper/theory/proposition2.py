"""Proposition 2: a time computed from the mask ratio keeps a decode on the curve; a step counter does not.

It is measured in real decodes, which note the time that the network gets in every pass, beside the mask that
it gets. The curve says how many cells are masked, and not which: training masks are uniform, while the cells
that a rescue leaves masked lie in one piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ladr.backbones.exact.field import Field
from ladr.decoding import schedule
from ladr.decoding.loop import decode
from ladr.decoding.policies import LADR, Policy, build
from ladr.decoding.view import MASK


@dataclass
class Watched:
    """A backbone that calls another one and notes (image, time, mask ratio, outline) in each pass."""

    backbone: Field
    notes: list[tuple[int, float, float, float]] = field(default_factory=list)

    def __post_init__(self):
        self.codes, self.grid = self.backbone.codes, self.backbone.grid

    def bind(self, prompts: Sequence[str]) -> "Watched":
        self.denoiser = self.backbone.bind(prompts)
        return self

    def logits(self, tokens, rows, *, t=None, recompute=None):
        masked = tokens == MASK
        ratio = masked.double().mean((1, 2))
        self.notes += zip(rows.tolist(), t.tolist(), ratio.tolist(), outline(masked).tolist(), strict=True)
        return self.denoiser.logits(tokens, rows, t=t, recompute=recompute)


def outline(masked: Tensor) -> Tensor:
    """(B,): 4-neighbour pairs with one masked cell, relative to the mean of uniform masks of the same ratio.

    It is 1 as in training, less for a mask in large pieces, more for a finely spread one, and nan where no
    cell or every cell is masked.
    """
    cells = masked[0].numel()
    mixed = torch.cat(
        [(masked[:, 1:] ^ masked[:, :-1]).flatten(1), (masked[:, :, 1:] ^ masked[:, :, :-1]).flatten(1)], 1
    )
    n = masked.flatten(1).sum(1).double()
    return mixed.double().mean(1) / (2 * n * (cells - n) / (cells * (cells - 1)))


def on_the_curve(backbone: Field, policy: Policy, steps: int, images: int, seed: int = 0) -> dict:
    """Largest distance |gamma(time) - mask ratio| over all passes of `images` decodes, by two clocks.

    told: for the time that the network gets, gamma^-1(mask ratio). counter: for a counter of steps, step / T.
    passes: mean number of forward passes. outline: mean of `outline` over passes.
    """
    watched = Watched(backbone)
    seeds = [seed + i for i in range(images)]
    done = decode(watched, [""] * images, policy, steps=steps, seeds=seeds, batch_size=images)
    by_ratio = max(abs(schedule.gamma(t) - ratio) for _, t, ratio, _ in watched.notes)
    counter = 0.0
    step = [0] * images
    for image, _, ratio, _ in watched.notes:
        counter = max(counter, abs(schedule.gamma(step[image] / steps) - ratio))
        step[image] += 1
    passes = torch.tensor([float(i.passes) for i in done.trace.images]).mean()
    shape = torch.tensor([o for *_, o in watched.notes]).nanmean()
    return {
        "steps": steps, "passes": float(passes), "told": by_ratio, "counter": counter, "outline": float(shape)
    }  # fmt: skip


RULES = {
    "cosine, fixed schedule": build({"policy": "cosine"}),
    "inverse schedule, no rescue": build({"policy": "scheduled"}),
    "LADR": LADR(),
    "LADR, delayed rescue": LADR(phases={"exploration": {"alpha": 0.0}}),
    "LADR, fixed schedule": LADR(schedule="fixed"),
    "LADR, independent": LADR(where="independent"),
    "random": build({"policy": "random"}),
    "Halton": build({"policy": "halton"}),
}


def rows(quick: bool = False) -> list[dict]:
    """`on_the_curve` for the rules on a 10x10 grid of 2 codes (6x6 when quick), T = 32."""
    grid, images = ((6, 6), 1) if quick else ((10, 10), 16)
    backbone = Field(grid, 2, coupling=0.6)
    return [{"rule": name} | on_the_curve(backbone, policy, 32, images) for name, policy in RULES.items()]


def drift(cells: int, steps: int) -> int:
    """Passes of the inverse schedule without any rescue: rounding down makes it fast on small grids."""
    masked = cells
    step = 0
    while masked:
        masked = min(masked - 1, schedule.stay_inverse(masked, cells, steps, step))
        step += 1
    return step


def drift_rows(quick: bool = False) -> list[dict]:
    """`drift` for small and large grids."""
    return [
        {"cells": n, "steps": T, "passes": drift(n, T)}
        for n, T in ((16, 64), (64, 64), (256, 64), (1024, 64), (4096, 64), (36, 16))
    ]
