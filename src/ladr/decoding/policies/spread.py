"""Rivals that keep the cells of a pass apart by their place: half a checkerboard first, and strata."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.late import Tensor, torch
from ladr.decoding import schedule as schedules
from ladr.decoding.frontier import parity, ranks, top
from ladr.decoding.policies.allowed import count, one_of, within
from ladr.decoding.policies.base import Policy
from ladr.decoding.policies.counted import Counted
from ladr.decoding.policies.scheduled import RANKS, log_score
from ladr.decoding.view import View

PLACES = ("random", *RANKS)


@dataclass(frozen=True)
class Checkerboard(Policy):
    """Generation then reconstruction: one colour of the checkerboard by a cosine schedule, then the other
    colour, each of whose cells now has known neighbours on all sides, in the last `rest` of the T passes.

    GtR (arXiv 2510.17171; licence of its code not known), written from its description; no code was taken.
    rank: the order within a colour, `random` as there, or as `Scheduled` ranks.
    """

    name: ClassVar[str] = "checkerboard"
    rest: int = 1
    rank: str = "random"
    noise: float = 1.0

    def __post_init__(self) -> None:
        count("rest", self.rest, 1)
        one_of("rank", self.rank, PLACES)
        within("noise", self.noise, 0)

    def __call__(self, view: View) -> Tensor:
        first = parity(view.grid, torch.zeros(len(view.images), dtype=torch.int64, device=view.tokens.device))
        halves = [view.masked & first, view.masked & ~first]
        sizes = [half.flatten(1).sum(1).tolist() for half in halves]
        due = [
            self.due(step, slow, fast, view.steps) for step, slow, fast in zip(view.step, *sizes, strict=True)
        ]
        score = view.keys("checkerboard") if self.rank == "random" else self.noise * view.gumbel
        if self.rank != "random":
            score = score + log_score(view, self.rank)
        slow, fast = torch.tensor(due, device=view.tokens.device).T
        return top(score, slow, halves[0]) | top(score, fast, halves[1])

    def due(self, step: int, slow: int, fast: int, steps: int) -> tuple[int, int]:
        """How many cells of the two colours an image commits in its pass `step`, of those still masked."""
        first = max(1, steps - self.rest)
        if step < first and slow:
            share = schedules.gamma((step + 1) / first) / max(1e-9, schedules.gamma(step / first))
            return max(1, slow - int(slow * share)), 0
        return slow, -(-fast // max(1, steps - max(step, first)))


@dataclass(frozen=True)
class Stratified(Counted):
    """The due number of cells, in an order that fills the quarters of the grid in turn, then their
    quarters, and so on; within a quarter at random, in an order of each image's own.

    Stratified random sampling of LaViDa-O (arXiv 2509.19244; its code is not free: Adobe Research License),
    from the idea alone.
    """

    name: ClassVar[str] = "stratified"

    def __call__(self, view: View) -> Tensor:
        return top(-strata(view.keys("strata", per_step=False)), self.due(view), view.masked)


def strata(keys: Tensor) -> Tensor:
    """(B, H, W) float32 places from uniform keys (B, H, W): before any quarter of a level gets its second
    cell, every quarter of that level has its first."""
    B, H, W = keys.shape
    rows, columns = (torch.arange(n, device=keys.device) for n in (H, W))
    order = ranks(-keys, torch.ones_like(keys, dtype=torch.bool)).flatten(1)
    level = torch.full_like(order, -1)
    size, depth = 1, 0
    while bool((level < 0).any()):
        region = (rows * size // H)[:, None] * size + columns * size // W
        region = region.flatten().expand(B, -1)
        held = torch.zeros(B, size * size + 1, dtype=torch.bool, device=keys.device)
        held.scatter_(1, torch.where(level >= 0, region, size * size), True)
        first = torch.full((B, size * size), H * W, device=keys.device)
        first.scatter_reduce_(1, region, order, "amin")
        new = (order == first.gather(1, region)) & ~held.gather(1, region) & (level < 0)
        level = torch.where(new, depth, level)
        size, depth = 2 * size, depth + 1
        if size > 2 * max(H, W):
            level = torch.where(level < 0, depth, level)
    return (level * H * W + order).float().view(B, H, W)
