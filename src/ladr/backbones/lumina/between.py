"""How much image cells look at each other in the last layer."""

import math

import torch
from torch import Tensor

from ladr.backbones.lumina.packing import Pack


class LastLayer:
    """The rotated queries and keys of the last layer in one pass: q (n, heads, D) of the places that ask,
    k (total, heads, D) of all."""

    q: Tensor
    k: Tensor

    def __call__(self, q: Tensor, k: Tensor) -> None:
        self.q, self.k = q, k


def between(asking: list[Tensor], k: Tensor, pack: Pack, cells: Tensor) -> Tensor:
    """(B, N, N) float32: how much each of the cells (B, N) bool looks at every image cell, a mean over heads;
    rows of other cells are 0. What is missing to 1 in a row goes to the text.

    asking: of each of the B conditional sequences, which `pack` has first, the queries (m, heads, D) of its m
    cells; k (total, heads, D): the packed keys.
    """
    B, N = cells.shape
    out = torch.zeros(B, N, N, device=k.device)
    lengths = dict(zip(pack.order, pack.lengths, strict=True))
    for b, q in enumerate(asking):
        start = pack.starts[b]
        out[b, cells[b]] = _looks(q, k[start : start + lengths[b]], pack.cells[b] - start)
    return out


def _looks(q: Tensor, k: Tensor, columns: Tensor) -> Tensor:
    """(m, N): the mean over heads of softmax(q k / sqrt(D)), at these columns. One head at a time: all heads
    of a large image would not fit into memory."""
    heads = q.shape[1]
    total = q.new_zeros(len(q), len(columns), dtype=torch.float32)
    for head in range(heads):
        scores = (q[:, head] @ k[:, head].T).float() / math.sqrt(q.shape[2])
        total += scores.softmax(-1)[:, columns]
    return total / heads
