"""Matrix products of the layers, in few sizes where the library keeps code for each of them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ladr.backbones.lumina.attention import pure

ROWS = 64


def product(x: Tensor, weight: Tensor) -> Tensor:
    """x (n,d) times weight (m,d) -> (n,m).

    For bfloat16 on a CPU, oneDNN compiles code for every n that it meets and keeps it: a decode, which masks
    its own number of cells in every pass, would fill the memory. So n is rounded up to a multiple of `ROWS`.
    """
    short = -len(x) % ROWS
    if x.dtype != torch.bfloat16 or x.dim() != 2 or not short or x.is_cuda or pure():
        return functional.linear(x, weight)
    filled = x.new_zeros(len(x) + short, x.shape[1])
    filled[: len(x)] = x
    return functional.linear(filled, weight)[: len(x)]


class Linear(nn.Linear):
    """A linear layer without bias, by `product`."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        return product(input, self.weight)
