"""Matrix products of the layers, in few sizes where the library keeps code for each of them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ladr.backbones.lumina.attention import pure

ROWS = 64


def product(x: Tensor, weight: Tensor) -> Tensor:
    """x (n,d) times weight (m,d) -> (n,m).

    For bfloat16 on a CPU, oneDNN compiles code for every n that it meets and keeps it: a decode, which masks
    its own number of cells in every pass, would fill the memory. So there n is rounded up to `filled`.
    """
    if x.dtype != torch.bfloat16 or x.dim() != 2 or x.is_cuda or pure():
        return functional.linear(x, weight)
    rows = filled(len(x))
    if rows == len(x):
        return functional.linear(x, weight)
    more = x.new_zeros(rows, x.shape[1])
    more[: len(x)] = x
    return functional.linear(more, weight)[: len(x)]


def filled(rows: int) -> int:
    """The next of few numbers of rows: multiples of `ROWS`, from 1,024 on eight between two powers of two, so
    that at most an eighth is filled in vain."""
    step = max(ROWS, 1 << max(0, (rows - 1).bit_length() - 4))
    return -(-rows // step) * step


class Linear(nn.Linear):
    """A linear layer without bias, by `product`."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        return product(input, self.weight)
