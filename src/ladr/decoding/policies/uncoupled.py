"""Cells that hardly look at each other, by the network's own attention, are committed together."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import ranks
from ladr.decoding.policies.allowed import within
from ladr.decoding.policies.base import Policy
from ladr.decoding.view import View


def coupled(attention: Tensor, masked: Tensor, coupling: float) -> Tensor:
    """(B, N, N) bool: pairs of masked cells that look at each other more than `coupling` times as much as at
    masked cells on average, the mean of both directions; symmetric, nothing with itself.

    attention (B, N, N): how much the row's cell looks at the column's; masked (B, N) bool.
    """
    pairs = masked[:, :, None] & masked[:, None, :]
    pairs.diagonal(dim1=1, dim2=2).fill_(False)
    among = attention * pairs
    even = among.sum(2, keepdim=True) / pairs.sum(2, keepdim=True).clamp_min(1)
    share = among / even.clamp_min(torch.finfo(among.dtype).tiny)
    return pairs & (share + share.transpose(1, 2) > 2 * coupling)


def apart(score: Tensor, pool: Tensor, edges: Tensor) -> Tensor:
    """(B, H, W) bool: walk down the pool by score and take every cell that has no edge to one taken yet.

    score, pool (B, H, W); edges (B, N, N) bool, symmetric. The result is a maximal set without an edge.
    """
    # As in `frontier.independent`: what wins a round would be reached before any of its neighbours.
    worth = (score[0].numel() - ranks(score, pool)).flatten(1).float()
    alive, taken = pool.flatten(1).clone(), torch.zeros_like(pool).flatten(1)
    while bool(alive.any()):
        live = worth * alive
        won = alive & (live > torch.where(edges, live[:, None, :], 0).amax(2))
        taken |= won
        alive &= ~(won | (edges & won[:, None, :]).any(2))
    return taken.view_as(pool)


@dataclass(frozen=True)
class Uncoupled(Policy):
    """Masked cells of which no two look at each other more than `coupling` times as much as at masked cells
    on average, likeliest draws first, and with them every cell that is at least so `sure`.

    DAPD (arXiv 2603.12996), which commits an independent set of a graph made of attention, and the like of
    DAWN (arXiv 2602.06953), which lets sure cells go first; both are one-dimensional there. Written from
    their abstracts, no code was taken (DAWN's names no licence). Theirs is an average over layers; here it
    is the last layer's attention before guidance, a mean over its heads, the only one that costs no second
    look at every layer. coupling: 0 commits one cell in a pass, infinity all at once.
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
        edges = coupled(view.attention, view.masked.flatten(1), self.coupling)
        sure = view.masked & (view.top1 >= self.sure)
        return sure | apart(view.drawn_prob, view.masked & ~sure, edges)
