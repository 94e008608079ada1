"""Proposition 1 (neighbours say more than distant cells) and the paper's Remark on it, on exact fields.

Every estimate is a mean of exact quantities over exact samples x of the field. The observed cells show x, so
only the choice of x and of the cells is random. Information is in nats, with its standard error.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ladr.backbones.exact.field import Field
from ladr.backbones.exact.transfer import Transfer
from ladr.decoding.frontier import dilate, frontier

READINGS = ("marginal", "joint", "own entropy")
FAR = 3  # Chebyshev distance from which a cell counts as distant


def mean_se(values: Tensor) -> tuple[float, float]:
    """Mean and standard error of independent values (n,)."""
    return float(values.mean()), float(values.std() / len(values) ** 0.5)


def entropy_of(log_p: Tensor) -> Tensor:
    """Entropy in nats over the last axis."""
    return -(log_p.exp() * log_p).sum(-1)


def random_subset(pool: Tensor, size: int, stream: torch.Generator) -> Tensor:
    """(n,H,W) bool: `size` random cells of each pool (n,H,W), all of it where it is smaller."""
    key = torch.rand(pool.shape, generator=stream).masked_fill(~pool, 2.0).flatten(1)
    order = key.argsort(1).argsort(1).view_as(pool)
    return pool & (order < size)


def locality(truth: Transfer, observed: int, samples: int, seed: int) -> dict:
    """I(x_i; S | observed) for two sets S: the unobserved 3x3 neighbourhood of a central cell i, and an
    equally large random set at Chebyshev distance >= FAR. `observed` random cells (never i) are revealed.

    It uses I = E KL(p(x_i | o, s) || p(x_i | o)), in which every term is exact and none is negative.
    """
    stream = torch.Generator().manual_seed(seed)
    shape = (samples, *_grid(truth))
    x = truth.sample(torch.rand(shape, generator=stream))
    i = torch.zeros(shape, dtype=torch.bool)
    i[:, (shape[1] - 1) // 2, (shape[2] - 1) // 2] = True
    revealed = random_subset(~i, observed, stream)
    near = dilate(i) & ~i & ~revealed
    far_pool = ~dilate(i, 2 * FAR - 1) & ~revealed
    sizes = torch.minimum(near.sum((1, 2)), far_pool.sum((1, 2)))
    far = _subset_sized(far_pool, sizes, stream)
    near = _subset_sized(near, sizes, stream)
    base = _at(truth, x, revealed, i)
    gain = {name: _kl(_at(truth, x, revealed | s, i), base) for name, s in (("near", near), ("far", far))}
    (near_mean, near_se), (far_mean, far_se) = mean_se(gain["near"]), mean_se(gain["far"])
    return {
        "observed": observed, "size": float(sizes.double().mean()), "near": near_mean, "near_se": near_se,
        "far": far_mean, "far_se": far_se, "ratio": near_mean / max(far_mean, 1e-12),
    }  # fmt: skip


def frontier_gain(truth: Transfer, observed: int, samples: int, seed: int) -> list[dict]:
    """What revealing one frontier cell says about the rest, compared with a masked cell off the frontier.

    There is one row per reading, and each is exact for the sample. `marginal` is the entropy that the
    marginals of the other cells lose in sum: this is what helps the next parallel pass. `joint` is
    I(x_a; all other masked cells | o). `own entropy` is the entropy of the revealed cell: how uncertain the
    commit is.
    """
    stream = torch.Generator().manual_seed(seed)
    shape = (samples, *_grid(truth))
    x = truth.sample(torch.rand(shape, generator=stream))
    revealed = random_subset(torch.ones(shape, dtype=torch.bool), observed, stream)
    edge = frontier(~revealed)
    both = edge.flatten(1).any(1) & (~revealed & ~edge).flatten(1).any(1)
    x, revealed, edge = x[both], revealed[both], edge[both]
    before = truth.log_marginals(torch.where(revealed, x, -1))
    gains = {}
    for name, pool in (("frontier", edge), ("isolated", ~revealed & ~edge)):
        gains[name] = _gain(truth, x, revealed, random_subset(pool, 1, stream), before)
    out = []
    for reading in READINGS:
        edge_gain, inner_gain = gains["frontier"][reading], gains["isolated"][reading]
        difference, se = mean_se(edge_gain - inner_gain)
        row = {"observed": observed, "reading": reading, "draws": len(x), "frontier": float(edge_gain.mean())}
        out.append(row | {"isolated": float(inner_gain.mean()), "difference": difference, "se": se})
    return out


def _gain(truth: Transfer, x: Tensor, revealed: Tensor, cell: Tensor, before: Tensor) -> dict[str, Tensor]:
    """The three readings (n,) of revealing `cell` (n,H,W), one cell per grid."""
    own = before[cell]
    rest = ~revealed & ~cell
    marginal = (entropy_of(before) * rest).sum((1, 2))
    for code in range(truth.K):
        tokens = torch.where(revealed, x, -1).masked_fill(cell, code)
        after = (entropy_of(truth.log_marginals(tokens)) * rest).sum((1, 2))
        marginal = marginal - own[:, code].exp() * after
    joint = _kl(truth.local_log_probs(x)[cell], own)  # conditional on all other cells: the whole information
    return {"joint": joint, "marginal": marginal, "own entropy": entropy_of(own)}


def _grid(truth: Transfer) -> tuple[int, int]:
    return (truth.W, truth.H) if truth.flipped else (truth.H, truth.W)


def _at(truth: Transfer, x: Tensor, revealed: Tensor, cell: Tensor) -> Tensor:
    """log p(x_cell | x on the revealed cells) -> (n,K)."""
    return truth.log_marginals(torch.where(revealed, x, -1))[cell]


def _kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def _subset_sized(pool: Tensor, sizes: Tensor, stream: torch.Generator) -> Tensor:
    return torch.stack([random_subset(p[None], int(n), stream)[0] for p, n in zip(pool, sizes, strict=True)])


REGIMES: Sequence[tuple[float, float]] = [
    (0.3, 0.5),
    (0.6, 0.5),
    (0.9, 0.5),
    (1.2, 0.5),
    (0.9, 0.0),
    (2.0, 0.0),
]


def rows(quick: bool = False) -> list[dict]:
    """`locality` on 7x7 grids with 3 codes for each of REGIMES.

    At coupling 2 without an external field the whole grid is ordered, and the proposition fails.
    """
    grid, samples = ((6, 6), 30) if quick else ((7, 7), 150)
    return [
        {"coupling": beta, "external": external}
        | locality(Field(grid, 3, coupling=beta, external=external).truth(), observed, samples, seed=1)
        for beta, external in REGIMES
        for observed in (0, 4)
    ]


def remark_rows(quick: bool = False) -> list[dict]:
    """`frontier_gain` on 6x6 grids with 3 codes over couplings and numbers of observed cells."""
    samples = 30 if quick else 400
    return [
        {"coupling": beta} | row
        for beta in (0.6, 0.9)
        for observed in (1, 2, 4)
        for row in frontier_gain(Field((6, 6), 3, coupling=beta).truth(), observed, samples, seed=2)
    ]
