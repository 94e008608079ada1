"""torch.compile for what a pass does beside attention: two functions for all layers and lengths."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ladr.backbones.lumina.attention import SameLength, Stages, Turn
from ladr.backbones.lumina.llada import LLaDA
from ladr.base.errors import LadrError, nearest

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
GRAPHS = ("reduce-overhead", "max-autotune")  # on a GPU these replay a pass as one CUDA graph

Front = Callable[[Tensor, Turn, list[SameLength]], Tensor]


class Compiled(NamedTuple):
    """How a pass runs: `stages` are the compiled parts of a layer, `front` is one compiled function of all
    layers but the last. None: as written."""

    stages: Stages | None = None
    front: Front | None = None


def compiled(model: LLaDA, compile: bool | str) -> Compiled:
    """compile: False, True (the same as `default`) or a mode of torch.compile.

    The stages take any number of places, so they are compiled once, in the first pass; caches and the last
    layer, whose shapes change in every pass, use them too. The two modes that replay a pass as one CUDA
    graph compile all layers but the last for one shape, once more when lengths change, and are left alone
    after many other shapes; they do nothing for cached passes.
    """
    if compile is False:
        return Compiled()
    mode = "default" if compile is True else compile
    if mode not in MODES:
        raise LadrError(f"compile: {compile!r} is not allowed; true, false or a mode{nearest(mode, MODES)}")
    if mode in GRAPHS:
        return Compiled(front=_front(model, mode))
    before = torch.compile(_before, mode=mode, dynamic=True)
    after = torch.compile(_after, mode=mode, dynamic=True)
    return Compiled(stages=Stages(before, after))


def _before(
    x: Tensor, scale: Tensor, eps: float, projections: tuple[Tensor, Tensor, Tensor], turn: Turn
) -> tuple[Tensor, Tensor, Tensor]:
    """x (n, d) -> queries and keys, rotated, and values, each (n, heads, D)."""
    n = _norm(x, scale, eps)
    q, k, v = (functional.linear(n, weight).unflatten(-1, (-1, turn.cos.shape[-1])) for weight in projections)
    return _rotated(q, turn), _rotated(k, turn), v


def _after(
    x: Tensor, mixed: Tensor, scale: Tensor, eps: float, products: tuple[Tensor, Tensor, Tensor, Tensor]
) -> Tensor:
    """x and the attention's answer `mixed` (n, d) -> the layer's answer (n, d)."""
    out, gate, up, down = products
    x = x + functional.linear(mixed, out)
    n = _norm(x, scale, eps)
    wide = functional.silu(functional.linear(n, gate)) * functional.linear(n, up)
    return x + functional.linear(wide, down)


def _norm(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    return functional.rms_norm(x.float(), scale.shape, None, eps).to(x.dtype) * scale.to(x.dtype)


def _rotated(x: Tensor, turn: Turn) -> Tensor:
    wide = x.float()
    a, b = wide.chunk(2, -1)
    return (wide * turn.cos + torch.cat((b, a), -1) * turn.sin).to(x.dtype)


def _front(model: LLaDA, mode: str) -> Front:
    *blocks, _ = model.body["blocks"]

    def layers(x: Tensor, turn: Turn, groups: list[SameLength]) -> Tensor:
        for block in blocks:
            x = block(x, turn, groups)
        return x

    run, graphs = torch.compile(layers, mode=mode), model.body["wte"].weight.is_cuda

    def front(x: Tensor, turn: Turn, groups: list[SameLength]) -> Tensor:
        if graphs:
            torch.compiler.cudagraph_mark_step_begin()  # what the pass before returned may be overwritten
        return run(x, turn, groups)

    return front
