"""Proposition 2: reading the time off the mask ratio keeps a decode on the curve; a step counter does not.

Measured in real decodes: what time the network is told in every pass, beside the mask that it sees. The curve
fixes how many cells are masked, not which: training masks are uniform, those of a rescue are in one piece.
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
    """A backbone that passes everything on and notes (image, time told, mask ratio, outline) in each pass."""

    backbone: Field
    seen: list[tuple[int, float, float, float]] = field(default_factory=list)

    def __post_init__(self):
        self.codes, self.grid = self.backbone.codes, self.backbone.grid

    def bind(self, prompts: Sequence[str]) -> "Watched":
        self.denoiser = self.backbone.bind(prompts)
        return self

    def logits(self, tokens, rows, *, t=None, recompute=None):
        masked = tokens == MASK
        ratio = masked.double().mean((1, 2))
        self.seen += zip(rows.tolist(), t.tolist(), ratio.tolist(), outline(masked).tolist(), strict=True)
        return self.denoiser.logits(tokens, rows, t=t, recompute=recompute)


def outline(masked: Tensor) -> Tensor:
    """(B,): 4-neighbour pairs of which one cell is masked, over the mean of uniform masks of the same ratio.

    1 as in training, less for a mask in large pieces, more for a finely spread one; nan for none or all.
    """
    cells = masked[0].numel()
    mixed = torch.cat(
        [(masked[:, 1:] ^ masked[:, :-1]).flatten(1), (masked[:, :, 1:] ^ masked[:, :, :-1]).flatten(1)], 1
    )
    n = masked.flatten(1).sum(1).double()
    return mixed.double().mean(1) / (2 * n * (cells - n) / (cells * (cells - 1)))


def on_the_curve(backbone: Field, policy: Policy, steps: int, images: int, seed: int = 0) -> dict:
    """Largest distance |gamma(time) - mask ratio| over all passes of `images` decodes, by two clocks.

    told: the time that the network was given, gamma^-1(mask ratio). counter: what a counter of steps,
    step / T, would have told it. passes: mean number of forward passes; outline: mean over passes, see there.
    """
    watched = Watched(backbone)
    seeds = [seed + i for i in range(images)]
    done = decode(watched, [""] * images, policy, steps=steps, seeds=seeds, batch_size=images)
    told = max(abs(schedule.gamma(t) - ratio) for _, t, ratio, _ in watched.seen)
    counter, step = 0.0, [0] * images
    for image, _, ratio, _ in watched.seen:
        counter = max(counter, abs(schedule.gamma(step[image] / steps) - ratio))
        step[image] += 1
    passes = torch.tensor([float(i.passes) for i in done.trace.images]).mean()
    shape = torch.tensor([o for *_, o in watched.seen]).nanmean()
    return {
        "steps": steps, "passes": float(passes), "told": told, "counter": counter, "outline": float(shape)
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
    """`on_the_curve` for the rules on a 10x10 grid of 2 codes, T = 32."""
    backbone = Field((10, 10), 2, coupling=0.6)
    images = 4 if quick else 16
    return [{"rule": name} | on_the_curve(backbone, policy, 32, images) for name, policy in RULES.items()]


def drift(cells: int, steps: int) -> int:
    """Passes that the inverse schedule takes without any rescue: floor makes it run ahead on small grids."""
    masked, step = cells, 0
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
