"""Attention over sequences laid end to end, and the rotation of its queries and keys."""

from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Turn(NamedTuple):
    """The rotary angles of some positions: cos and sin (n, 1, D/2), or both as one complex tensor."""

    cos: Tensor | None
    sin: Tensor | None
    both: Tensor | None

    def at(self, index: Tensor) -> "Turn":
        return Turn(*(None if t is None else t[index] for t in self))

    def parts(self) -> tuple[Tensor, Tensor]:
        """cos and sin, from either form."""
        return (self.cos, self.sin) if self.both is None else (self.both.real, self.both.imag)

    def __call__(self, x: Tensor) -> Tensor:
        """x (n, heads, D) rotated half against half. The complex form computes the same, faster, within x."""
        a, b = x.chunk(2, -1)
        if self.both is not None:
            turned = torch.complex(a.float(), b.float()).mul_(self.both)
            a.copy_(turned.real)
            b.copy_(turned.imag)
            return x
        a, b = a.float(), b.float()
        cos, sin = self.cos, self.sin
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class Group(NamedTuple):
    """`rows` neighbouring sequences, each with `queries` queries over `keys` keys."""

    rows: int
    queries: int
    keys: int


def grouped(queries: list[int], keys: list[int]) -> list[Group]:
    """Sequences end to end, as runs of equal (queries, keys): one attention call each, no mask."""
    return [Group(len(list(run)), *pair) for pair, run in groupby(zip(queries, keys, strict=True))]


def attend(q: Tensor, k: Tensor, v: Tensor, groups: list[Group]) -> Tensor:
    """q (n,heads,D), k and v (m,heads,D), all sequences end to end -> (n, heads * D)."""
    out, i, j = [], 0, 0
    for rows, queries, keys in groups:
        parts = (q[i : i + rows * queries], k[j : j + rows * keys], v[j : j + rows * keys])
        i, j = i + rows * queries, j + rows * keys
        if queries:
            split = (part.unflatten(0, (rows, -1)).transpose(1, 2) for part in parts)
            out.append(
                functional.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2).flatten(0, 1)
            )
    return out[0] if len(out) == 1 else torch.cat(out)
