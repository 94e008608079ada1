"""The embedded tokenizer's encoder: a cell's code depends on its own 4x4 pixels and on nothing else."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from ladr.base.errors import LadrError
from ladr.base.files import write_bytes

CODEBOOK = "patches.safetensors"
CELL = 4


def cut(images: np.ndarray) -> np.ndarray:
    """(B, h, w, 3) uint8 -> (B, h/4, w/4, 48) uint8, one row of pixels per cell."""
    b, h, w, _ = images.shape
    if h % CELL or w % CELL:
        raise LadrError(f"image size {h}x{w}: both sides must be a multiple of {CELL}")
    cells = images.reshape(b, h // CELL, CELL, w // CELL, CELL, 3).transpose(0, 1, 3, 2, 4, 5)
    return cells.reshape(b, h // CELL, w // CELL, -1)


def paste(cells: np.ndarray) -> np.ndarray:
    """The inverse of `cut`."""
    b, h, w, _ = cells.shape
    pixels = cells.reshape(b, h, w, CELL, CELL, 3).transpose(0, 1, 3, 2, 4, 5)
    return pixels.reshape(b, h * CELL, w * CELL, 3)


def distinct_patches(flat: np.ndarray) -> tuple[list[bytes], np.ndarray]:
    """The distinct rows of flat (n, 48) uint8 as sorted bytes, and each row's index among them, (n,)."""
    keys = np.ascontiguousarray(flat).view(np.dtype((np.void, flat.shape[1]))).ravel()
    distinct, inverse = np.unique(keys, return_inverse=True)
    return [key.tobytes() for key in distinct], inverse.ravel()


class PatchCodes:
    """Nearest of K mean patches; `means` is (K, 48) float32 in 0..255."""

    def __init__(self, means: np.ndarray):
        self.means = np.ascontiguousarray(means, np.float32)
        self._half_norm = 0.5 * (self.means**2).sum(1)
        self._known: dict[bytes, int] = {}

    @property
    def codes(self) -> int:
        return len(self.means)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """(B, h, w, 3) uint8 -> codes (B, h/4, w/4) int64; a tie goes to the lower code."""
        cells = cut(np.asarray(images))
        flat = np.ascontiguousarray(cells.reshape(-1, cells.shape[-1]))
        # Scenes are made of few distinct patches: look each up once.
        distinct, inverse = distinct_patches(flat)
        return self.look_up(distinct)[inverse].reshape(cells.shape[:3])

    def look_up(self, patches: list[bytes]) -> np.ndarray:
        """The codes (n,) int64 of n patches, each the bytes of its row of `cut`."""
        fresh = [patch for patch in patches if patch not in self._known]
        if fresh:
            pixels = np.frombuffer(b"".join(fresh), np.uint8).reshape(len(fresh), -1)
            nearest = np.argmax(pixels.astype(np.float32) @ self.means.T - self._half_norm, 1)
            self._known.update((patch, int(c)) for patch, c in zip(fresh, nearest, strict=True))
        return np.array([self._known[patch] for patch in patches], np.int64)

    def mosaic(self, codes: np.ndarray) -> np.ndarray:
        """Codes (B, H, W) -> the mean patches side by side, (B, 4H, 4W, 3) uint8."""
        return paste(np.rint(self.means[codes]).astype(np.uint8))

    def save(self, path: str | Path) -> None:
        write_bytes(Path(path), save({"means": self.means}))

    @classmethod
    def load(cls, path: str | Path) -> "PatchCodes":
        return cls(load_file(str(path))["means"])
