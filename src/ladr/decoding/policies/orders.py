"""Orders fixed before anything is seen: controls, and the rivals that spread cells out."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import top
from ladr.decoding.policies.allowed import one_of
from ladr.decoding.policies.counted import Counted
from ladr.decoding.view import View

ORDERS = ("halton", "quincunx", "random", "raster")


@lru_cache(maxsize=32)
def halton(H: int, W: int) -> tuple[int, ...]:
    """Rank of each cell, row-major: when the Halton sequence in bases 2 (rows) and 3 (columns) first visits
    it."""
    from scipy.stats import qmc

    sequence, total = qmc.Halton(d=2, scramble=False), H * W
    seen: dict[int, None] = {}
    while len(seen) < total:
        points = sequence.random(4 * total)
        cells = (points[:, 0] * H).astype(int) * W + (points[:, 1] * W).astype(int)
        seen.update(dict.fromkeys(cells.tolist()))
    return tuple(np.argsort(list(seen)).tolist())


def level(i: int, j: int) -> int:
    """The finest-to-coarsest level of a cell: 2m+1 if (i, j) / 2^m are integers of even sum, 2m if only
    integers."""
    if i == j == 0:
        return 1 << 30
    m = 0
    while i % 2 == 0 and j % 2 == 0:
        i, j, m = i // 2, j // 2, m + 1
    return 2 * m + ((i + j) % 2 == 0)


@lru_cache(maxsize=32)
def quincunx(H: int, W: int) -> tuple[int, ...]:
    """Rank of each cell, row-major: coarse checkerboards before finer ones, Halton's order within a level."""
    inner = halton(H, W)
    cells = sorted(range(H * W), key=lambda c: (-level(c // W, c % W), inner[c]))
    return tuple(np.argsort(cells).tolist())


@dataclass(frozen=True)
class Order(Counted):
    """The due number of cells, in a fixed order: `halton`, `quincunx` (hierarchical checkerboard), `random`
    (an order of each image's own) or `raster`. The choice never looks at predictions.

    Halton's order for masked image models is that of Halton-MaskGIT (arXiv 2503.17076; its code: MIT),
    written from its description; no code was taken. There the number of cells follows another curve. The
    other orders are controls of this project.
    """

    name: ClassVar[str] = "order"
    order: str = "halton"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("order", self.order, ORDERS)

    def __call__(self, view: View) -> Tensor:
        return top(-self.place(view), self.due(view), view.masked)

    def place(self, view: View) -> Tensor:
        """(B, H, W) float32: lower comes first."""
        H, W = view.grid
        if self.order == "random":
            return view.keys("order", per_step=False)
        rank = (
            range(H * W)
            if self.order == "raster"
            else {"halton": halton, "quincunx": quincunx}[self.order](H, W)
        )
        place = torch.tensor(list(rank), dtype=torch.float32, device=view.tokens.device)
        return place.view(1, H, W).expand(view.tokens.shape)
