"""What committing cells together can cost: a bound by their doubts, and how near to it a decode comes.

A pass draws the cells of a set S independently, each from its own marginal; exact sampling would draw them
from their joint distribution. Let d be the doubt of a cell, 1 - the probability of its likeliest code, and D
the sum over S. Both distributions leave the likeliest codes with probability at most D (union bound), so they
are no further apart than D in total variation; and because the marginals agree, one cell costs nothing,
whence the second bound, 2 (D - the largest doubt). The distances of the passes add up to at most that of the
whole decode. In nats, the cost of a pass is the total correlation of S, at most the sum of its entropies less
the largest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.exact.field import Field
from ladr.decoding.loop import decode
from ladr.decoding.policies import LADR, Doubt, FreeRiders, Policy, build
from ladr.decoding.view import View
from ladr.paper.theory.teacher import READS, Teacher, likelihood


def distance_bound(doubts: Sequence[float]) -> float:
    """The largest total variation between drawing cells with these doubts together and one after another."""
    total = math.fsum(doubts)
    return min(1.0, total, 2 * (total - max(doubts, default=0.0)))


def riders_bound(riders: Sequence[float], deciding: Sequence[float] = ()) -> float:
    """The largest total variation between drawing cells one after another, and drawing the deciding ones
    together while the riders show their likeliest codes, with these doubts.

    Whatever the deciding cells show, on average over it the riders show another code with probability at
    most the sum of their doubts; so one deciding cell costs nothing.
    """
    return min(1.0, math.fsum(riders) + distance_bound(deciding))


def nats_bound(entropies: Sequence[float]) -> float:
    """The largest total correlation, in nats, of cells with these entropies."""
    return math.fsum(entropies) - max(entropies, default=0.0)


def entropy_of_doubt(doubt: float, K: int) -> float:
    """The largest entropy, in nats, of a cell with K codes and this doubt (Fano): the rest spread evenly."""
    if not 0 < doubt < 1:
        return 0.0
    own = -doubt * math.log(doubt) - (1 - doubt) * math.log1p(-doubt)
    return own + doubt * math.log(max(1, K - 1))


def tries_bound(tries: int) -> float:
    """The largest total variation between the picture of one try and the one kept of `tries`, however chosen.

    A set of pictures of which one try shows one with probability u is shown by at least one of n tries with
    1 - (1 - u)^n; the difference is largest where its derivative vanishes.
    """
    if tries == 1:
        return 0.0
    missed = tries ** (-1 / (tries - 1))  # 1 - u
    return missed - missed**tries


def distance(p: np.ndarray, q: np.ndarray) -> float:
    """Total variation of two distributions over the same outcomes."""
    return float(np.abs(p - q).sum() / 2)


def independent(marginals: Sequence[np.ndarray]) -> np.ndarray:
    """The joint distribution of cells that are drawn independently, one axis per cell."""
    out = np.ones(())
    for p in marginals:
        out = np.multiply.outer(out, p)
    return out


def all_or_none(n: int, doubt: float) -> np.ndarray:
    """n cells of 2 codes that show the likely code all together or not at all: the case that comes nearest
    to the bound. Its distance from independent draws is 1 - (1 - d)^n - d^n; over n d that tends to 1."""
    out = np.zeros((2,) * n)
    out[(0,) * n], out[(1,) * n] = 1 - doubt, doubt
    return out


def worst_distance(marginals: Sequence[np.ndarray]) -> float:
    """The largest total variation of any joint distribution with these marginals from independent draws.

    A linear programme for every set of outcomes: the distance is the most by which a joint can favour one.
    """
    from scipy.optimize import linprog

    drawn = independent(marginals)
    outcomes = np.indices(drawn.shape).reshape(drawn.ndim, -1)
    rows = [outcomes[i] == code for i, p in enumerate(marginals) for code in range(len(p))]
    sides = [mass for p in marginals for mass in p]
    best = 0.0
    for favoured in product((0.0, 1.0), repeat=drawn.size):
        solution = linprog(-np.array(favoured), A_eq=np.array(rows, float), b_eq=sides, bounds=(0, 1))
        best = max(best, -solution.fun - float(np.dot(favoured, drawn.ravel())))
    return best


@dataclass
class _Bounds:
    """Adds up, image by image, what the commits of each pass can cost: (N,) float64 each."""

    distance: Tensor
    nats: Tensor

    @staticmethod
    def of(images: int) -> "_Bounds":
        """Nothing committed yet."""
        return _Bounds(*(torch.zeros(images, dtype=torch.float64) for _ in range(2)))

    def __call__(self, view: View, take: Tensor) -> None:
        log_p = view.predictions.marginals.logits.double().log_softmax(-1)
        doubts, entropies = 1 - log_p.exp().amax(1), torch.special.entr(log_p.exp()).sum(1)
        row = view.masked.nonzero()[:, 0]
        taken = take[view.masked]
        for i, image in enumerate(view.images):
            mine = taken & (row == i)
            self.distance[image] += distance_bound(doubts[mine].tolist())
            self.nats[image] += nats_bound(entropies[mine].tolist())


def whole_decode(backbone: Field, policy: Policy, steps: int) -> dict:
    """How far a rule's grids are from the field's own, over every grid there is, and what the bounds allow.

    The field is small, the rule chooses cells before their tokens are drawn and without noise of its own, so
    nothing is estimated. `distance` and `kl` (nats) are those of sampler and truth, `bound` and `nats` what
    the doubts and the entropies of the cells, summed over passes, allow.
    """
    H, W = backbone.grid
    x = torch.tensor(list(product(range(backbone.codes), repeat=H * W))).view(-1, H, W)
    many, seeds = [""] * len(x), range(len(x))
    forced = likelihood(backbone, many, policy, x, steps=steps, seeds=seeds, batch_size=256, average=False)
    if forced.reads != READS[0]:
        raise ValueError(f"{policy!r}: it uses {forced.reads}; one path is not its likelihood")
    bounds = _Bounds.of(len(x))
    decode(backbone, many, policy, steps=steps, noise=Teacher(seeds, x), batch_size=256, on_step=bounds)
    truth = backbone.truth([""])
    log_p = (truth.score(x) - truth.log_partition()).double()
    p, q = log_p.exp(), (-forced.nll).exp()
    return {
        "passes": float((q * forced.passes).sum()),
        "distance": distance(p.numpy(), q.numpy()), "bound": float((q * bounds.distance).sum()),
        "kl": float((p * (log_p + forced.nll)).sum()), "nats": float((p * bounds.nats).sum()),
    }  # fmt: skip


def pass_rows(quick: bool = False) -> list[dict]:
    """One pass: the worst joint distribution that a linear programme finds against the bound."""
    sizes = [(2, 0.05), (3, 0.05)] if quick else [(2, 0.05), (2, 0.2), (3, 0.01), (3, 0.05), (3, 0.2)]
    return [
        {
            "cells": n, "doubt": d, "bound": distance_bound([d] * n),
            "worst": worst_distance([np.array([1 - d, d])] * n),
            "all_or_none": distance(all_or_none(n, d), independent([np.array([1 - d, d])] * n)),
        }
        for n, d in sizes
    ]  # fmt: skip


def rules() -> dict[str, Policy]:
    """The rules that are measured: all choose before they look at tokens."""
    riders = {f"free riders, budget {b}": FreeRiders(b, likeliest=False) for b in (0.03, 0.1, 0.3, 1.0)}
    return riders | {
        "doubt, budget 0.1, by top-1": Doubt(0.1, rank="top1", noise=0, likeliest=False),
        "threshold 0.9": build({"policy": "threshold", "level": 0.9, "schedule": "none"}),
        "entropy bound 0.3": build({"policy": "entropy_bound", "bound": 0.3, "schedule": "none"}),
        "Halton": build({"policy": "halton", "schedule": "fixed"}),
        "LADR, top-1": LADR(select="top1", noise=0),
    }


def ordered_row() -> dict:
    """Free riders on a field so strongly coupled that its cells vary together or not at all."""
    field = Field((3, 3), 2, coupling=3.0, external=0.8, seed=4)
    row = whole_decode(field, FreeRiders(0.3, likeliest=False), 4)
    return {"coupling": 3.0, "rule": "free riders, budget 0.3, ordered field", **row}


def decode_rows(quick: bool = False) -> list[dict]:
    """`whole_decode` of every rule on a 3x3 grid whose cells are mostly sure (2x3 when quick)."""
    grid = (2, 3) if quick else (3, 3)
    out = []
    for coupling in (0.9,) if quick else (0.6, 1.2):
        backbone = Field(grid, 2, coupling=coupling, external=2.0)
        for name, policy in rules().items():
            out.append({"coupling": coupling, "rule": name, **whole_decode(backbone, policy, 4)})
    return [*out, ordered_row()]
