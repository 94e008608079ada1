"""A backbone that is exactly right: Potts or Ising grids whose conditionals come from a transfer matrix.

No weights, no training, milliseconds per pass. Every predicted marginal is the true one, so whatever goes
wrong when such a grid is decoded is the decoder's doing alone.
"""

import colorsys
import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.exact.transfer import Transfer
from ladr.backbones.pages import keep_pages
from ladr.base.errors import LadrError, nearest
from ladr.decoding.checks import check_texts, grids_of
from ladr.decoding.denoiser import Denoiser

PIXELS = 16  # side of a rendered cell


@dataclass(frozen=True)
class FieldSpec:
    """One random grid. Without an external field the critical coupling is log(1 + sqrt(codes))."""

    coupling: float = 0.8  # bond of two equal 4-neighbours, in nats; 0 makes the cells independent
    external: float = 0.5  # standard deviation of the external field, one normal draw per cell and code
    contrast: float = 0.0  # the left half couples (1 + contrast) times as much, the right (1 - contrast)
    seed: int = 0  # of the external field

    @classmethod
    def parse(cls, prompt: str, default: "FieldSpec") -> "FieldSpec":
        """Read `coupling=0.9 seed=3 any other words`; other words choose the seed unless it is given."""
        settings = dict(re.findall(r"(\w+)\s*=\s*([^\s,;]+)", prompt))
        words = " ".join(re.sub(r"\w+\s*=\s*[^\s,;]+|[,;]", " ", prompt).split())
        types: dict[str, Any] = {f.name: f.type for f in fields(cls)}
        changes: dict = {}
        for name, text in settings.items():
            if name not in types:
                raise LadrError(f"prompt {prompt!r}: no setting {name!r}{nearest(name, types)}")
            try:
                changes[name] = types[name](text)
            except ValueError:
                kind = types[name].__name__
                raise LadrError(f"prompt {prompt!r}: {name} must be {kind}, got {text!r}") from None
        if words and "seed" not in changes:
            changes["seed"] = int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big")
        return replace(default, **changes)

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())

    def parameters(self, grid: tuple[int, int], codes: int) -> tuple[Tensor, Tensor, Tensor]:
        """The unary (H,W,K), down (H-1,W) and right (H,W-1) terms of this grid, float64, in nats."""
        H, W = grid
        stream = torch.Generator().manual_seed(self.seed)
        unary = self.external * torch.randn(H, W, codes, generator=stream, dtype=torch.float64)
        side = torch.where(torch.arange(W) < W / 2, 1 + self.contrast, 1 - self.contrast).double()
        bond = (self.coupling * side).expand(H, W)
        return unary, bond[1:], bond[:, :-1]


class Field:
    """The backbone. `settings` (see FieldSpec) hold for every prompt that does not say otherwise."""

    def __init__(self, grid: tuple[int, int] = (6, 6), codes: int = 3, **settings: Any):
        if codes < 2 or min(grid) < 1:
            raise LadrError(
                f"a field needs at least 2 codes and a grid of at least 1x1, got {codes} codes on {grid}"
            )
        self.grid, self.codes = (int(grid[0]), int(grid[1])), int(codes)
        for name in settings:
            if name not in (names := [f.name for f in fields(FieldSpec)]):
                raise LadrError(f"field: no setting {name!r}{nearest(name, names)}")
        self.spec = FieldSpec(**settings)
        keep_pages()

    def truth(self, prompts: Sequence[str] = ("",)) -> Transfer:
        """The distributions that these prompts name: exact partition functions, samples, entropies."""
        specs = [FieldSpec.parse(prompt, self.spec) for prompt in prompts]
        parts = [spec.parameters(self.grid, self.codes) for spec in specs]
        return Transfer(*(torch.stack(part) for part in zip(*parts, strict=True)))

    def bind(self, prompts: Sequence[str]) -> "FieldDenoiser":
        """The conditionals of the grids that the prompts name."""
        check_texts(prompts)
        return FieldDenoiser(self.truth(prompts))

    def render(self, tokens: Tensor) -> np.ndarray:
        """tokens (B,H,W) -> uint8 images (B,16H,16W,3), one hue per code, grey where masked."""
        tokens = grids_of(tokens, self.codes, masked=True)
        hues = [colorsys.hsv_to_rgb(k / self.codes, 0.55, 0.9) for k in range(self.codes)]
        palette = torch.tensor([*hues, (0.5, 0.5, 0.5)])  # index -1, masked, is the grey at the end
        cells = (palette[tokens.cpu()] * 255).to(torch.uint8)
        return cells.repeat_interleave(PIXELS, 1).repeat_interleave(PIXELS, 2).numpy()


class FieldDenoiser(Denoiser):
    """Exact log marginals of bound grids. Time and cache plans are ignored: there is nothing to save."""

    def __init__(self, truth: Transfer):
        self.truth = truth

    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        """log p(x_i | observed cells) -> (B,H,W,K) float64, the same state computed once."""
        key = torch.cat([rows[:, None].to(tokens), tokens.flatten(1)], 1)
        state, which = key.unique(dim=0, return_inverse=True)
        state = state.to(self.truth.unary.device)
        marginals = self.truth[state[:, 0]].log_marginals(state[:, 1:].view(-1, *tokens.shape[1:]))
        return marginals.to(tokens.device)[which]
