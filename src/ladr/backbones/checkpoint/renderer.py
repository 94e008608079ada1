"""Draws tokens without the weights that only decode: a score job needs no transformer."""

from pathlib import Path

from torch import Tensor

from ladr import backbones
from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.checkpoint.hub import embedded, folder_of
from ladr.backbones.checkpoint.vq import Pixels
from ladr.backbones.lumina.dimoo import HUB, Layout

KINDS = ("shapes", "lumina-dimoo")


class Drawing:
    """The VQ model of a checkpoint folder in Lumina-DiMOO's layout."""

    def __init__(self, folder: Path, device: str = "cpu"):
        path = folder / "config.json"
        layout = Layout.of(checkpoint.read_json(path).get("ladr", {}), path)
        self.pixels = Pixels(folder, layout.codebook, layout.vq_factor, device)

    def render(self, tokens: Tensor):
        """tokens (B,H,W) -> uint8 array (B,h,w,3)."""
        return self.pixels.decode(tokens).cpu().numpy()


def drawing(name: str, **settings):
    """Something with the `render` of the backbone of that name and those settings."""
    if name not in KINDS:
        return backbones.load(name, **settings)
    given = settings.get("folder") or settings.get("source")
    given = given or (embedded("shapes") if name == "shapes" else HUB)
    return Drawing(folder_of(given, settings.get("revision")), settings.get("device", "cpu"))
