"""A backbone that is exactly right about pictures: a mixture of seeded scenes that satisfy the prompt.

p(x) = 1/M sum_m prod_i [(1 - epsilon) 1(x_i = x_mi) + epsilon / K] over the token grids x_m of M scenes. No
weights, no training, a millisecond or two per pass; whatever a decoded picture gets wrong is the decoder's
doing alone.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.checkpoint.vq import VQPixels
from ladr.backbones.exact.bank import Banks, cache_folder
from ladr.backbones.exact.patches import CODEBOOK, PatchCodes
from ladr.backbones.exact.scenes import stated
from ladr.backbones.pages import keep_pages
from ladr.base.errors import LadrError, shown
from ladr.base.models import embedded
from ladr.decoding.checks import check_prompts, grids_of
from ladr.decoding.denoiser import Denoiser
from ladr.shapes.parse import parse
from ladr.shapes.place import UnsatisfiableError, realise
from ladr.shapes.scene import CELL, GRID
from ladr.shapes.spec import Spec
from ladr.shapes.spec_json import spec_from_json

RENDERERS = ("mosaic", "vq")
GREY = 128  # of a masked cell


class Mixture:
    """The backbone.

    scenes: M, per prompt. epsilon: chance that a cell shows any code at all instead of its scene's.
    guidance s: (1 + s) log p(cell | prompt) - s log p(cell), the second from M scenes of all kinds.
    pixels: `mosaic`, every code its mean patch, or `vq`, through the trained decoder. folder: of the
    embedded checkpoint, for its codebook and its decoder. cache: keep banks on disk (LADR_CACHE).
    """

    grid = (GRID, GRID)

    def __init__(
        self,
        scenes: int = 1024,
        epsilon: float = 1e-3,
        seed: int = 0,
        guidance: float = 0.0,
        pixels: str = "mosaic",
        folder: str | Path | None = None,
        cache: bool = True,
    ):
        _check(scenes, epsilon, guidance, pixels)
        self.folder = Path(folder) if folder else embedded("shapes", CODEBOOK)
        self.patches = PatchCodes.load(_codebook(self.folder))
        self.codes = self.patches.codes
        self.epsilon, self.guidance, self.pixels = float(epsilon), float(guidance), pixels
        self.banks = Banks(self.patches, scenes, seed, cache_folder() if cache else None)
        keep_pages()

    @property
    def penalty(self) -> float:
        """What one observed cell that differs costs a scene, in nats."""
        return math.log((1 - self.epsilon + self.epsilon / self.codes) / (self.epsilon / self.codes))

    def bind(self, prompts: Sequence[Any]) -> "MixtureDenoiser":
        """The conditionals of these prompts: sentences, Specs, or prompts with a spec in their `meta`."""
        check_prompts(prompts)
        return MixtureDenoiser(self, [spec_of(prompt, f"prompts[{i}]") for i, prompt in enumerate(prompts)])

    def render(self, tokens: Tensor) -> np.ndarray:
        """tokens (B, H, W) -> uint8 (B, 4H, 4W, 3); masked cells are grey."""
        codes = grids_of(tokens, self.codes, masked=True).cpu()
        masked = codes < 0
        if self.pixels == "vq":
            images = VQPixels(self.folder, self.codes, CELL).decode(codes.clamp_min(0)).cpu().numpy()
        else:
            images = self.patches.mosaic(codes.clamp_min(0).numpy())
        images[masked.numpy().repeat(CELL, 1).repeat(CELL, 2)] = GREY
        return images


class MixtureDenoiser(Denoiser):
    """Exact log marginals of bound prompts. Time is ignored, and so is a cache's plan but for its strength of
    guidance: the branch without a prompt is left out where that is 0 for all images, and nothing else can be
    saved.

    `conditional` (M, K): the last pass's logits before guidance, None without guidance.
    """

    def __init__(self, model: Mixture, specs: Sequence[Spec]):
        self.model, self.specs = model, list(specs)
        self.conditional: Tensor | None = None

    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        """tokens (B, H, W) -> (M, K) float32 for the masked cells in row-major order."""
        grids = tokens.flatten(1).cpu().numpy()
        conditional = self._log_marginals([self.specs[row] for row in rows.tolist()], grids)
        if not self.model.guidance:
            return conditional
        self.conditional = conditional
        strength = None if recompute is None else recompute.strength
        if strength is not None and not bool(strength.any()):
            return conditional
        free = self._log_marginals([None] * len(grids), grids)
        s = self._guidance(tokens, strength)
        return torch.mul(conditional, 1 + s).sub_(free.mul_(s))

    def _guidance(self, tokens: Tensor, strength: Tensor | None) -> Tensor | float:
        """(M, 1): the model's guidance times the strength (B,) of the row of each masked cell of tokens."""
        if strength is None:
            return self.model.guidance
        rows = (tokens < 0).nonzero()[:, 0].cpu()
        return self.model.guidance * strength.cpu().expand(len(tokens))[rows, None]

    def _log_marginals(self, specs: Sequence[Spec | None], grids: np.ndarray) -> Tensor:
        """log p(code | observed cells) at the masked cells of grids (B, N), one spec each: (M, K) float32."""
        masked = grids < 0
        last = np.cumsum(masked.sum(1))
        out = np.full((last[-1], self.model.codes), math.log(self._floor), np.float32)
        for spec, grid, part in zip(specs, grids, np.split(out, last[:-1]), strict=True):
            self._write(part, spec, grid)
        return torch.from_numpy(out)

    @property
    def _floor(self) -> float:
        return self.model.epsilon / self.model.codes

    def _write(self, out: np.ndarray, spec: Spec | None, grid: np.ndarray) -> None:
        """Put the codes that scenes show at the masked cells of grid (N,) into out (n, K)."""
        model = self.model
        bank = model.banks[spec]
        shown = bank.shown
        mass = shown.mass(bank.weights(grid, model.penalty))
        masked = grid < 0
        row = np.cumsum(masked) - 1
        hidden = np.flatnonzero(masked[shown.cell])
        out[row[shown.cell[hidden]], shown.code[hidden]] = np.log(
            (1 - model.epsilon) * mass[hidden] + self._floor
        )


def spec_of(prompt: Any, where: str = "prompt") -> Spec:
    """What a prompt states; LadrError if it cannot be read, or if no scene can show it."""
    if isinstance(prompt, Spec):
        spec = prompt
    elif isinstance(prompt, str):
        spec = parse(prompt)
    else:
        meta = getattr(prompt, "meta", None)
        if meta is None:
            raise LadrError(f"{where}: {shown(prompt)} is not allowed; a sentence, a Spec or a Prompt")
        spec = spec_from_json(meta["spec"]) if "spec" in meta else parse(prompt.text)
    try:
        realise(spec, np.random.default_rng(0))
    except UnsatisfiableError as error:
        raise LadrError(f"{where}: {getattr(prompt, 'text', prompt)!r} cannot be drawn ({error})") from None
    return stated(spec)


def _codebook(folder: Path) -> Path:
    path = folder / CODEBOOK
    if not path.is_file():
        raise LadrError(f"mixture: no {CODEBOOK} in {folder}; give the folder of the embedded checkpoint")
    return path


def _check(scenes: Any, epsilon: Any, guidance: Any, pixels: Any) -> None:
    if isinstance(scenes, bool) or not isinstance(scenes, int) or scenes < 1:
        raise LadrError(f"mixture: scenes {scenes!r} is not allowed; an integer >= 1")
    if not 0 < epsilon < 1:
        raise LadrError(f"mixture: epsilon {epsilon!r} is not allowed; a number between 0 and 1")
    if not 0 <= guidance < math.inf:
        raise LadrError(f"mixture: guidance {guidance!r} is not allowed; a number >= 0")
    if pixels not in RENDERERS:
        raise LadrError(f"mixture: pixels {pixels!r} is not allowed; {' or '.join(RENDERERS)}")
