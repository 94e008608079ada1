"""Geometry of the token grid: dilation, the frontier of the observed region, and sets without neighbours.

Masks are boolean tensors (B, H, W); what lies outside the grid counts as not set.
"""

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.base.late import functional as nn


def check_kernel(kernel: int) -> None:
    """Raise unless `kernel` is the side of a square with a middle."""
    if isinstance(kernel, bool) or not isinstance(kernel, int) or kernel < 1 or kernel % 2 == 0:
        raise LadrError(f"kernel: {kernel!r} is not allowed; it must be an odd integer >= 1")


def dilate(mask: Tensor, kernel: int = 3) -> Tensor:
    """(B, H, W) bool: cells within the kernel x kernel square around a set cell (itself included)."""
    check_kernel(kernel)
    return nn.max_pool2d(mask[:, None].float(), kernel, stride=1, padding=kernel // 2)[:, 0] > 0


def frontier(masked: Tensor, kernel: int = 3) -> Tensor:
    """(B, H, W) bool: the masked cells that touch an observed cell, diagonals included for kernel 3."""
    return masked & dilate(~masked, kernel)


def parity(grid: tuple[int, int], colour: Tensor) -> Tensor:
    """(B, H, W) bool: the cells of one checkerboard colour, (h + w + colour) even, colour (B,) int."""
    H, W = grid
    h = torch.arange(H, device=colour.device)[:, None]
    w = torch.arange(W, device=colour.device)[None]
    return (h + w + colour[:, None, None]) % 2 == 0


def ranks(score: Tensor, pool: Tensor) -> Tensor:
    """(B, H, W) int64: 0 for the best-scoring cell of the pool of each image, then 1, ...

    Ties go to the lower cell index; cells outside the pool come last, in index order.
    """
    flat = score.masked_fill(~pool, -torch.inf).flatten(1)
    order = flat.argsort(dim=1, descending=True, stable=True)
    place = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, place).view_as(score)


def top(score: Tensor, count: Tensor, pool: Tensor) -> Tensor:
    """(B, H, W) bool: the `count` (B,) best-scoring cells of the pool, all of it where count exceeds it."""
    return (ranks(score, pool) < count[:, None, None]) & pool


def precise(values: Tensor) -> Tensor:
    """The values in float64, for sums of many; on the CPU where their device has no float64 (Apple's)."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def _around(values: Tensor) -> Tensor:
    """The largest of the four neighbours' values, 0 where there is none."""
    padded = nn.pad(values, (1, 1, 1, 1))
    rows = torch.maximum(padded[:, :-2, 1:-1], padded[:, 2:, 1:-1])
    return torch.maximum(rows, torch.maximum(padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]))


def independent(score: Tensor, pool: Tensor) -> Tensor:
    """(B, H, W) bool: walk down the pool by score and take every cell that has no 4-neighbour taken yet.

    The result is a maximal set without two 4-adjacent cells. Its best `count` cells by score are what the
    same walk gives when it stops after `count`, so `top(score, count, independent(score, pool))` is that
    walk.
    """
    # Local winners of each round are cells that the walk would reach before any of their neighbours.
    worth = (score[0].numel() - ranks(score, pool)).float()  # exact: a grid has fewer than 2**24 cells
    alive = pool.clone()
    taken = torch.zeros_like(pool)
    while bool(alive.any()):
        live = worth * alive
        won = alive & (live > _around(live))
        taken |= won
        alive &= ~(won | (_around(won.float()) > 0))
    return taken
