"""Attention over sequences laid end to end, and the rotation of its queries and keys."""

from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


def pure() -> bool:
    """Whether values must not be overwritten: a gradient wants them, or a compiler does that better."""
    return torch.is_grad_enabled() or torch.compiler.is_compiling()


class Turn(NamedTuple):
    """The rotary angles of some positions: cos and sin (n, 1, D) of both halves, -sin in the first."""

    cos: Tensor
    sin: Tensor

    @classmethod
    def by(cls, angle: Tensor) -> "Turn":
        """The rotation by angle (n, 1, D/2)."""
        cos, sin = angle.cos(), angle.sin()
        return cls(torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1))

    def at(self, index: Tensor) -> "Turn":
        return Turn(self.cos[index], self.sin[index])

    def __call__(self, x: Tensor) -> Tensor:
        """x (n, heads, D) rotated half against half, in float32. Unless `pure()`, x may be overwritten."""
        wide = x.float()
        a, b = wide.chunk(2, -1)
        swapped = torch.cat((b, a), -1).mul_(self.sin)
        if pure():
            return swapped.add_(wide * self.cos).to(x.dtype)
        return wide.mul_(self.cos).add_(swapped).to(x.dtype)


class Stages(NamedTuple):
    """What a layer does before its attention and after it, as functions of tensors (`compiled.py`)."""

    before: Callable[..., tuple[Tensor, Tensor, Tensor]]
    after: Callable[..., Tensor]


class SameLength(NamedTuple):
    """`rows` neighbouring sequences of one length, each with `queries` queries over `keys` keys."""

    rows: int
    queries: int
    keys: int


def grouped(queries: list[int], keys: list[int]) -> list[SameLength]:
    """Sequences end to end, as runs of equal (queries, keys): one attention call each, no mask."""
    return [SameLength(len(list(run)), *pair) for pair, run in groupby(zip(queries, keys, strict=True))]


def attend(q: Tensor, k: Tensor, v: Tensor, groups: list[SameLength]) -> Tensor:
    """q (n,heads,D), k and v (m,heads,D), all sequences end to end -> (n, heads * D)."""
    out = []
    i = j = 0  # the first query and the first key of the group
    for rows, queries, keys in groups:
        parts = (q[i : i + rows * queries], k[j : j + rows * keys], v[j : j + rows * keys])
        i += rows * queries
        j += rows * keys
        if queries:
            query, key, value = (part.view(rows, -1, *part.shape[1:]).transpose(1, 2) for part in parts)
            mixed = functional.scaled_dot_product_attention(query, key, value)
            out.append(mixed.transpose(1, 2).reshape(rows * queries, -1))
    return out[0] if len(out) == 1 else torch.cat(out)
