"""torch.compile where a pass has the same shape as the one before it: in all layers but the last."""

from collections.abc import Callable

import torch
from torch import Tensor

from ladr.backbones.lumina.attention import SameLength, Turn
from ladr.backbones.lumina.llada import LLaDA
from ladr.base.errors import LadrError, nearest

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
GRAPHS = ("reduce-overhead", "max-autotune")  # on a GPU these replay a pass as one CUDA graph

Front = Callable[[Tensor, Turn, list[SameLength]], Tensor]


def front_of(model: LLaDA, compile: bool | str) -> Front | None:
    """What runs all layers but the last, or None where they are to run as they are.

    compile: False, True (`reduce-overhead` on a GPU, else `default`) or a mode of torch.compile. It is
    compiled in the first pass, once more when lengths change, and left alone after many other shapes.
    The last layer answers at masked cells only, and a cache recomputes other places in every pass: both
    have a new shape each time and are never compiled.
    """
    if compile is False:
        return None
    cuda = model.body["wte"].weight.is_cuda
    mode = ("reduce-overhead" if cuda else "default") if compile is True else compile
    if mode not in MODES:
        raise LadrError(f"compile: {compile!r} is not allowed; true, false or a mode{nearest(mode, MODES)}")
    *blocks, _ = model.body["blocks"]

    def layers(x: Tensor, turn: Turn, groups: list[SameLength]) -> Tensor:
        for block in blocks:
            x = block(x, turn, groups)
        return x

    return _in_steps(torch.compile(layers, mode=mode), cuda and mode in GRAPHS)


def _in_steps(layers: Callable, graphs: bool) -> Front:
    def front(x: Tensor, turn: Turn, groups: list[SameLength]) -> Tensor:
        if graphs:
            torch.compiler.cudagraph_mark_step_begin()  # what the pass before returned may be overwritten
        return layers(x, turn, groups)

    return front
