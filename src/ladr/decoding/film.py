"""Film strips: how the images of a decode appeared, for a notebook."""

import base64
import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from numbers import Integral
from typing import Any

import numpy as np
from torch import Tensor

from ladr.base.errors import LadrError, shown
from ladr.decoding.trace import Trace

FRAMES, MOST_IMAGES, MOST_PASSES = 6, 8, 1 << 31
SIDE, GAP = 128, 4  # of a frame, and between frames, in pixels
MASKED, KNOWN, NOW = (128, 128, 128), (30, 100, 200), (245, 200, 40)
WHITE = 255


def moments(passes: int) -> list[int]:
    """Up to FRAMES numbers of passes, evenly spread, of which the last is all of them."""
    return sorted({round(passes * (k + 1) / FRAMES) for k in range(FRAMES)} - {0}) or [0]


@dataclass(frozen=True, eq=False)
class Film:
    """The images of one decode: tokens and settled (N, H, W), their trace, and what draws tokens, or None."""

    tokens: Tensor
    settled: Tensor
    trace: Trace
    render: Callable[[Tensor], Any] | None

    def html(self) -> str:
        """Every image as a film strip whose last frame is the picture, with its numbers below."""
        parts = []
        for i, image in enumerate(self.trace.images[:MOST_IMAGES]):
            data = base64.b64encode(_png(self.strip(i))).decode()
            text = html.escape(f"image {i}: {image}; frames after {moments(image.passes)} passes")
            image_tag = f'<img alt="{text}" src="data:image/png;base64,{data}">'
            parts.append(f"<figure>{image_tag}<figcaption>{text}</figcaption></figure>")
        if len(self.trace.images) > MOST_IMAGES:
            parts.append(f"<p>and {len(self.trace.images) - MOST_IMAGES} more images</p>")
        return "".join(parts)

    def png(self) -> bytes:
        """The film strips of the images below each other, as a PNG file."""
        strips = [self.strip(i) for i in range(min(MOST_IMAGES, len(self.tokens)))]
        widest = max(strip.shape[1] for strip in strips)
        rooms = [((0, 0), (0, widest - strip.shape[1]), (0, 0)) for strip in strips]
        padded = [
            np.pad(strip, room, constant_values=WHITE) for strip, room in zip(strips, rooms, strict=True)
        ]
        return _png(np.concatenate(padded))

    def strip(self, i: int) -> np.ndarray:
        """The film strip of image i, (h, w, 3) uint8: masked cells are grey; cells without pixels are blue,
        and yellow in the frame of the pass that committed them."""
        _require_whole("image", i, -len(self.tokens), len(self.tokens) - 1)
        frames = []
        for done in moments(self.trace.images[i].passes):
            frames += [self.frame(i, done), np.full((SIDE, GAP, 3), WHITE, np.uint8)]
        row = np.concatenate(frames[:-1], axis=1)
        return np.pad(row, ((0, GAP), (0, 0), (0, 0)), constant_values=WHITE)

    def frame(self, i: int, done: int) -> np.ndarray:
        """Image i after `done` passes, (SIDE, w, 3) uint8."""
        _require_whole("image", i, -len(self.tokens), len(self.tokens) - 1)
        _require_whole("done", done, 0, MOST_PASSES)
        settled = self.settled[i].cpu().numpy()  # (H, W)
        picture = self.pictures[i]
        if picture is None:
            picture = np.where((settled == done - 1)[..., None], NOW, KNOWN).astype(np.uint8)
        masked = settled >= done
        frame = _resized(picture, masked.shape).copy()
        frame[_resized(masked, masked.shape)] = MASKED
        return frame

    @cached_property
    def pictures(self) -> list[np.ndarray | None]:
        """The pixels (h, w, 3) of the first images; None where the backbone cannot draw."""
        shown = self.tokens[:MOST_IMAGES]
        if self.render is None:
            return [None] * len(shown)
        try:
            return list(np.asarray(self.render(shown)))
        except LadrError:
            return [None] * len(shown)


def _require_whole(name: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or not low <= int(value) <= high:
        raise LadrError(f"{name}: {shown(value)} is not allowed; a whole number from {low} to {high}")


def _resized(array: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """The array (h, w, ...) at SIDE pixels of height and the width that the grid (H, W) asks for."""
    H, W = grid
    width = max(1, SIDE * W // H)
    rows, columns = np.arange(SIDE) * len(array) // SIDE, np.arange(width) * array.shape[1] // width
    return array[rows[:, None], columns]


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    held = BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()
