"""Upstream's own decoder on our weights, from a checkout that the user names; and the shapes to measure."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ladr.backbones.lumina.dimoo import Layout
from ladr.backbones.lumina.llada import LLaDA
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.base.errors import LadrError

SEED = 0


class Shape(NamedTuple):
    """A model's sizes, its layout, and how many ids the text takes."""

    config: LLaDAConfig
    layout: Layout
    words: int = 60


def _small(d: int, heads: int, layers: int, m: int, grid: int, codes: int) -> Shape:
    """As the 8B model but smaller; text ids 0..127, image codes after them."""
    marks: dict[str, Any] = {
        "mask": 120,
        "newline": 121,
        "boi": 122,
        "eoi": 123,
        "uncond": 124,
        "boa": 125,
        "eoa": 126,
    }
    layout = Layout(**marks, image_offset=128, codebook=codes, grid=(grid, grid), vq_factor=16)
    return Shape(LLaDAConfig(d, heads, layers, m, 5e5, 1e-5, 128 + codes, 8192), layout, 40)


SHAPES = {
    "8b": Shape(LLaDAConfig(), Layout()),
    "medium": _small(384, 6, 6, 1152, 24, 1024),
    "vocabulary": Shape(
        LLaDAConfig(192, 3, 6, 512, 5e5, 1e-5, 134548, 8192), replace(Layout(), grid=(16, 16))
    ),
    "medium-vocabulary": Shape(
        LLaDAConfig(384, 6, 6, 1152, 5e5, 1e-5, 134548, 8192), replace(Layout(), grid=(24, 24))
    ),
    "tiny": _small(64, 4, 2, 128, 8, 64),
}

# Written as a checkpoint in the hub's layout, then loaded and run (`full_size.py`).
FOLDERS = {
    "lumina": LLaDAConfig(),
    "lumina-tiny": LLaDAConfig(d_model=16, n_heads=2, n_layers=4, mlp_hidden_size=32),
}


class UpstreamWords:
    """Stands in for a tokenizer: any prompt is `count` ids, the unconditional text four fewer."""

    def __init__(self, count: int):
        self.count = count

    def ids(self, text: str, where: str = "") -> list[int]:
        return list(range(self.count - 4 * ("<uncondition>" in text)))


@contextmanager
def _importable(checkout: Path) -> Iterator[None]:
    """Inside this context the modules of the checkout can be imported; afterwards nothing of it is left.

    Upstream prints while it decodes, and its model switches one attention kernel off for the whole process:
    prints go to stderr, and the kernel is switched back.
    """
    before = set(sys.modules)
    kernel = torch.backends.cuda.mem_efficient_sdp_enabled()
    sys.path.insert(0, str(checkout))
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        torch.backends.cuda.enable_mem_efficient_sdp(kernel)
        sys.path.remove(str(checkout))
        for name in set(sys.modules) - before:
            if str(checkout) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


def upstream_decode(checkout: Path, shape: Shape, model: LLaDA, steps: int) -> Callable[[], Tensor]:
    """Upstream's own function on the weights of `model`, as a call that gives (1, N) codes.

    The code is imported from the user's checkout; nothing of it is part of this package.
    """
    if not (checkout / "generators" / "image_generation_generator.py").is_file():
        raise LadrError(
            f"upstream: {checkout} is no checkout of https://github.com/Alpha-VLLM/Lumina-DiMOO "
            "(no generators/image_generation_generator.py)"
        )
    weight = model.body["wte"].weight
    with _importable(checkout):
        generate = import_module("generators.image_generation_generator").generate_image
        model_class = import_module("model.modeling_xllmx_dimoo").LLaDAForMultiModalGeneration
        settings = import_module("model.configuration_llada").LLaDAConfig(**shape.config.to_json())
        network = model_class(settings).to(weight)
    network.load_state_dict(model.state_dict())
    words = UpstreamWords(shape.words)
    layout = shape.layout
    text, blank = (torch.tensor([words.ids(t)], device=weight.device) for t in ("x", layout.uncondition))
    tail = layout.frame(layout.grid, weight.device).tail
    greedy = weight.device.type != "cpu"

    def call() -> Tensor:
        return generate(
            network.eval(), torch.cat([text, tail[None]], 1), seq_len=layout.grid[0] * layout.grid[1],
            newline_every=layout.grid[1], timesteps=steps, mask_token_id=layout.mask,
            newline_id=layout.newline, temperature=0.0 if greedy else 1.0, cfg_scale=4.0, uncon_ids=blank,
            code_start=text.shape[1] + 2, codebook_size=layout.codebook,
            generator=None if greedy else torch.Generator().manual_seed(SEED),
        ) - layout.image_offset  # fmt: skip

    return call
