"""All pictures of the picture world as codes, and the reading of an image: the nearest of them.

The files lie in the folder of a training run and in the checkpoint folder, so that an image is read without
the packages that the pictures come from. A code stands for a patch of 4 x 4 pixels, the mean of its cluster.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from ladr.base.errors import LadrError
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, STYLES, thing

TEMPLATES, WORLD, PATCHES = "templates.safetensors", "pictures.json", "patches.safetensors"
CELL = 4  # pixels of a code's side


@dataclass(frozen=True)
class PictureReading:
    """What an image shows, in the words of the nearest template.

    `distance` is the root-mean-square difference from the nearest template, in grey levels, and `own` that
    of this template from the picture which it encodes.
    """

    concept: str
    style: str
    background: str
    distance: float
    own: float

    @property
    def intact(self) -> bool:
        """Whether the image is as near to the template as the template is to its picture."""
        return self.distance <= self.own

    @property
    def said(self) -> dict[str, str]:
        """Column -> what the image shows there, in words."""
        apart = f"{self.distance:.0f} grey levels off, {self.own:.0f} would do"
        return {
            "Concept": thing(self.concept),
            "Style": f"{self.style} style",
            "Background": f"{self.background} background",
            "Intact": "intact" if self.intact else apart,
        }


def seen(concepts: int) -> np.ndarray:
    """(concepts, styles, backgrounds) bool: the combinations that training shows.

    One style of every twentieth concept is held out, and one background of every fourth.
    """
    shown = np.ones((concepts, len(STYLES), len(BACKGROUNDS)), bool)
    for place, index in enumerate(range(0, concepts, 20)):
        shown[index, place % len(STYLES)] = False
    for place, index in enumerate(range(2, concepts, 4)):
        shown[index, :, place % len(BACKGROUNDS)] = False
    return shown


class Templates:
    """The templates of a folder.

    `names` are those of the concepts, `codes` (concepts, styles, backgrounds, H, W) the templates, `means`
    (K, 48) the patch of every code, and `own` the distance of every template from its picture.
    """

    def __init__(self, folder: Path):
        self.names = _names(folder / WORLD)
        (self.means,) = _tensors(folder / PATCHES, "means")
        path = folder / TEMPLATES
        self.codes, self.own = _tensors(path, "codes", "own")
        shape = (len(self.names), len(STYLES), len(BACKGROUNDS))
        if self.codes.shape[:3] != shape or self.own.shape != shape:
            raise LadrError(f"{path}: codes are {self.codes.shape[:3]}; {WORLD} names {shape}")

    def image(self, concept: int, style: int, background: int) -> np.ndarray:
        """One template in pixels, (h, w, 3) uint8."""
        return self.mosaic(self.codes[concept, style, background])

    def mosaic(self, codes: np.ndarray) -> np.ndarray:
        """The mean patches of codes (H, W) side by side, (4H, 4W, 3) uint8."""
        height, width = codes.shape
        pixels = self.means[codes.astype(np.int64)].reshape(height, width, CELL, CELL, 3)
        image = pixels.transpose(0, 2, 1, 3, 4).reshape(height * CELL, width * CELL, 3)
        return np.rint(image).astype(np.uint8)

    def read(self, image: np.ndarray) -> PictureReading:
        """The template nearest to an image (h, w, 3) uint8, by the sum of squared differences of pixels."""
        height, width = (CELL * side for side in self.codes.shape[3:])
        if image.shape != (height, width, 3):
            raise LadrError(f"image: shape is {image.shape}, the templates are {(height, width, 3)}")
        cells = image.reshape(height // CELL, CELL, width // CELL, CELL, 3).transpose(0, 2, 1, 3, 4)
        cells = cells.reshape(-1, self.means.shape[1]).astype(np.float32)
        apart = (cells**2).sum(1)[:, None] - 2 * cells @ self.means.T + (self.means**2).sum(1)
        flat = self.codes.reshape(-1, len(cells))
        total = apart[np.arange(len(cells)), flat].sum(1)
        best = int(total.argmin())
        concept, style, background = (int(i) for i in np.unravel_index(best, self.own.shape))
        distance = float(np.sqrt(max(0.0, total[best]) / cells.size))
        own = float(self.own[concept, style, background])
        return PictureReading(self.names[concept], STYLES[style], [*BACKGROUNDS][background], distance, own)


def _names(path: Path) -> list[str]:
    try:
        return [concept["name"] for concept in json.loads(path.read_text(encoding="utf-8"))["concepts"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LadrError(f"{path}: no list of concepts can be read ({error})") from error


def _tensors(path: Path, *names: str) -> list[np.ndarray]:
    try:
        tensors = load_file(path)
        return [tensors[name] for name in names]
    except (OSError, SafetensorError, KeyError) as error:
        raise LadrError(f"{path}: no templates can be read ({error})") from error


@lru_cache(maxsize=2)
def templates_of(folder: Path) -> Templates:
    """The templates of a folder, read once per process."""
    return Templates(folder)
