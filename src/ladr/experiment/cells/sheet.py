"""The contact sheet of a cell: some of its images in one picture, so that a person can look at them."""

from typing import Any

import numpy as np

from ladr.base.late import torch

ACROSS = 8  # images in a row
TILES = 24  # images of a sheet
SIDE = 256  # no image is shown larger than this, in pixels


def spread(count: int, tiles: int = TILES) -> list[int]:
    """Up to `tiles` of the numbers below `count`, evenly spread."""
    return torch.linspace(0, count - 1, min(tiles, count)).long().tolist()


def sheet(images: np.ndarray) -> Any:
    """Images (N, h, w, 3) as one PIL picture."""
    from PIL import Image

    shown = _small(images)
    n, h, w, _ = shown.shape
    rows = -(-n // ACROSS)
    canvas = np.full((rows * h, min(n, ACROSS) * w, 3), 255, np.uint8)
    for i, image in enumerate(shown):
        y, x = i // ACROSS * h, i % ACROSS * w
        canvas[y : y + h, x : x + w] = image
    return Image.fromarray(canvas)


def _small(images: np.ndarray) -> np.ndarray:
    """(N, h, w, 3) with every n-th pixel, so that no side is longer than SIDE."""
    step = -(-max(images.shape[1:3]) // SIDE)
    return images[:, ::step, ::step]
