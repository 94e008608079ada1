"""Who draws the codes of a checkpoint: its VQ model, or the mean patches that define the codes."""

from pathlib import Path

import torch
from torch import Tensor

from ladr.backbones.checkpoint.vq import VQPixels
from ladr.backbones.exact.patches import CELL, CODEBOOK, PatchCodes
from ladr.base.errors import LadrError, nearest
from ladr.decoding.checks import grids_of

PIXELS = ("vq", "mosaic")


class Mosaic:
    """The mean patch of every code, side by side. It needs no diffusers; only the embedded models have it."""

    def __init__(self, folder: Path, codebook: int, factor: int):
        path = Path(folder) / CODEBOOK
        if not path.is_file():
            raise LadrError(f"pixels: mosaic needs {path}, which only the embedded models have; leave it out")
        self.patches = PatchCodes.load(path)
        if (self.patches.codes, CELL) != (codebook, factor):
            raise LadrError(
                f"{path}: {self.patches.codes} patches of {CELL} pixels; the transformer was made for "
                f"{codebook} codes of {factor} pixels"
            )

    def numbers(self) -> int:
        """How many numbers the patches hold."""
        return self.patches.means.size

    def decode(self, tokens: Tensor) -> Tensor:
        """tokens (B,H,W) codes -> (B, H * factor, W * factor, 3) uint8."""
        return torch.from_numpy(self.patches.mosaic(grids_of(tokens, self.patches.codes).cpu().numpy()))

    def encode(self, images: Tensor) -> Tensor:
        """images (B,h,w,3) uint8 -> codes (B,H,W) int64."""
        return torch.from_numpy(self.patches.encode(images.cpu().numpy()))


def pixels_of(
    name: str, folder: Path, codebook: int, factor: int, device: str | torch.device = "cpu"
) -> VQPixels | Mosaic:
    """What draws the codes of the checkpoint in `folder`. name: one of PIXELS."""
    if name not in PIXELS:
        raise LadrError(f"pixels: {name!r} is not allowed{nearest(name, PIXELS)}")
    if name == "mosaic":
        return Mosaic(folder, codebook, factor)
    return VQPixels(folder, codebook, factor, device)
