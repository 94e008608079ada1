"""Cells that hardly look at each other, by the network's own attention, are committed together."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import ranks
from ladr.decoding.policies.allowed import within
from ladr.decoding.policies.base import Policy
from ladr.decoding.view import View


def coupled(among: Tensor, coupling: float) -> Tensor:
    """(n, n) bool: pairs of n masked cells that look at each other more than `coupling` times as much as at
    the others of them on average, the mean of both directions; symmetric, nothing with itself.

    among (n, n): how much the row's cell looks at the column's.
    """
    others = among.clone()
    others.fill_diagonal_(0)
    even = others.sum(1, keepdim=True) / max(1, len(among) - 1)
    share = others / even.clamp_min(torch.finfo(others.dtype).tiny)
    return (share + share.T > 2 * coupling).fill_diagonal_(False)


def apart(worth: Tensor, near: Tensor) -> Tensor:
    """(n,) bool: walk down the cells by worth (n,), no two of which are equal, and take every cell that is
    not near, (n, n) bool and symmetric, to one taken yet: a maximal set of which no two are near."""
    # As in `frontier.independent`: what wins a round would be reached before any of its neighbours.
    taken, alive = torch.zeros_like(worth, dtype=torch.bool), torch.arange(len(worth), device=worth.device)
    while len(alive):
        live = worth[alive]
        won = live > torch.where(near, live, -torch.inf).amax(1)
        taken[alive[won]] = True
        free = ~(won | near[:, won].any(1))
        alive, near = alive[free], near[free][:, free]
    return taken


@dataclass(frozen=True)
class Uncoupled(Policy):
    """Masked cells of which no two look at each other more than `coupling` times as much as at masked cells
    on average, likeliest draws first, and with them every cell that is at least so `sure`.

    DAPD (arXiv 2603.12996; its code: licence not known), which commits an independent set of a graph made of
    attention, and the like of DAWN (arXiv 2602.06953; its code: no licence given), which lets sure cells go
    first; both are one-dimensional there. Written from their abstracts, no code was taken, and which layers
    theirs look at was not checked. Here it is the last layer before guidance, a mean over its heads: its
    queries and keys are at hand. coupling: 0 commits one cell in a pass, infinity all at once.
    """

    name: ClassVar[str] = "uncoupled"
    attends: ClassVar[bool] = True
    coupling: float = 1.0
    sure: float = 1.0

    def __post_init__(self) -> None:
        within("coupling", self.coupling, 0)
        within("sure", self.sure, 0, 1)

    def __call__(self, view: View) -> Tensor:
        if view.attention is None:
            raise LadrError(f"policy {self.name!r} needs the attention between cells, and this view has none")
        take = (view.masked & (view.top1 >= self.sure)).flatten(1)
        pool = view.masked.flatten(1)
        worth = -ranks(view.drawn_prob, view.masked).flatten(1).float()  # exact: fewer than 2**24 cells
        for row, attention in enumerate(view.attention):
            cells = pool[row].nonzero()[:, 0]
            near = coupled(attention[cells][:, cells], self.coupling)
            free = ~take[row, cells]
            chosen = apart(worth[row, cells[free]], near[free][:, free])
            take[row, cells[free]] = chosen
        return take.view_as(view.masked)
