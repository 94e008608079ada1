"""Floating-point operations of one guided pass over one image, from config.json alone, without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ladr.base import files
from ladr.base.models import embedded

if TYPE_CHECKING:
    from ladr.backbones import Kind

PUBLIC = {"d_model": 4096, "n_layers": 32, "mlp_hidden_size": 12288}  # Lumina-DiMOO, 8 billion parameters
PIXELS, SIZE, WORDS = 16, 1024, 60  # of the public model: of a cell, of an image, and tokens of a prompt
AMUSED = 2 * 2 * 6.0e8 * 256.0  # two branches of 0.6 billion parameters over 256 cells


def of_embedded(kind: "Kind", settings: Mapping[str, Any]) -> float:
    """Of a model whose checkpoint lies in a folder."""
    folder = settings.get("folder") or settings.get("source") or embedded(kind.name)
    config = files.read_json(Path(folder) / "config.json")
    height, width = config["ladr"]["grid"]
    return of_layers(config, height * (width + 1) + WORDS // 2)


def of_public(kind: "Kind", settings: Mapping[str, Any]) -> float:
    """Of the public 8B model, at the size that the settings name."""
    height, width = settings.get("size") or (SIZE, SIZE)
    return of_layers(PUBLIC, (height // PIXELS) * (width // PIXELS + 1) + WORDS)


def of_amused(kind: "Kind", settings: Mapping[str, Any]) -> float:
    return AMUSED


def of_layers(config: Mapping[str, Any], length: int) -> float:
    """Both branches of guidance over sequences of `length` tokens; the head is not counted."""
    d, hidden = config["d_model"], config["mlp_hidden_size"]
    each = 2 * (4 * d * d + 3 * d * hidden) + 4 * length * d
    return 2.0 * config["n_layers"] * length * each
