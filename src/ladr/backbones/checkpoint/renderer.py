"""Draws tokens without the weights that only decode: a score job needs no transformer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ladr.backbones import Kind
from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.checkpoint.hub import folder_of
from ladr.backbones.checkpoint.pixels import pixels_of
from ladr.backbones.lumina.dimoo import Layout
from ladr.base.models import embedded


class Drawing:
    """The VQ model, or the mean patches, of a checkpoint folder in Lumina-DiMOO's layout."""

    def __init__(self, folder: Path, device: str = "cpu", pixels: str = "vq"):
        path = folder / "config.json"
        layout = Layout.of(checkpoint.read_json(path).get("ladr", {}), path)
        self.pixels = pixels_of(pixels, folder, layout.codebook, layout.vq_factor, device)

    def render(self, tokens: Tensor) -> np.ndarray:
        """tokens (B,H,W) -> uint8 array (B,h,w,3)."""
        return self.pixels.decode(tokens).cpu().numpy()


def of_dimoo(kind: Kind, settings: Mapping[str, Any]) -> Drawing:
    """The VQ model of the checkpoint in Lumina-DiMOO's layout that the settings name."""
    named = settings.get("folder") or settings.get("source") or kind.hub or embedded(kind.name)
    folder = folder_of(named, settings.get("revision"))
    return Drawing(folder, settings.get("device", "cpu"), settings.get("pixels", "vq"))
