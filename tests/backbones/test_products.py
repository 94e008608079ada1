"""Products in bfloat16 on a CPU: few sizes, and the numbers that any other size would give."""

import pytest
import torch
from torch._dynamo.testing import CompileCounter
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from ladr import decode
from ladr.backbones.lumina.dimoo import shapes
from ladr.backbones.lumina.products import ROWS, Linear, filled, product


class _Rows(TorchDispatchMode):
    """Collects how many rows the matrix products have."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.mm.default:
            self.seen.add(len(args[0]))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("dtype", "few"), [("bfloat16", True), ("float32", False)])
def test_a_decode_meets_few_sizes_in_bfloat16(dtype, few):
    backbone = shapes(guidance=1.0, pixels="mosaic", dtype=dtype)
    with _Rows() as rows:
        decode(backbone, ["a red circle", "three green squares"], "doubt", steps=5, seeds=[0, 1])
    assert rows.seen
    assert all(count % ROWS == 0 for count in rows.seen) is few


def test_rows_are_rounded_to_few_numbers_and_by_an_eighth_at_most():
    counts = range(1, 10_000)
    assert all(n <= filled(n) <= max(n + ROWS - 1, 9 * n / 8) for n in counts)
    assert len({filled(n) for n in counts}) < 45
    assert all(filled(filled(n)) == filled(n) for n in counts)


@pytest.mark.parametrize("count", [1, 7, ROWS - 1, ROWS, ROWS + 1])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@torch.no_grad()
def test_a_product_has_its_own_rows_alone(count, dtype):
    stream = torch.Generator().manual_seed(count)
    x, weight = torch.randn(count, 24, generator=stream), torch.randn(40, 24, generator=stream)
    found = product(x.to(dtype), weight.to(dtype))
    assert found.shape == (count, 40)
    assert found.dtype == dtype
    exact = functional.linear(x.to(dtype).double(), weight.to(dtype).double())
    assert torch.allclose(found.double(), exact, rtol=1e-2, atol=1e-2)
    assert product(x[:0].to(dtype), weight.to(dtype)).shape == (0, 40)


def test_gradients_pass_through():
    x, weight = torch.randn(3, 8, dtype=torch.bfloat16), torch.randn(4, 8, dtype=torch.bfloat16)
    weight.requires_grad_()
    product(x, weight).sum().backward()
    assert torch.equal(weight.grad, x.sum(0).expand(4, 8))


@torch.no_grad()
def test_a_compiler_makes_one_graph_for_every_number_of_rows():
    layer = Linear(24, 40).to(torch.bfloat16)
    made = CompileCounter()
    compiled = torch.compile(layer, dynamic=True, fullgraph=True, backend=made)
    for count in (3, 70, 1500, 2100):
        x = torch.randn(count, 24, generator=torch.Generator().manual_seed(count)).to(torch.bfloat16)
        assert torch.equal(compiled(x), functional.linear(x, layer.weight))
    assert made.frame_count == 1
