"""Soft templates of shapes and letters, and how well a patch of coverage agrees with them.

Coverage is stored in whole 64ths, so that every sum of products stays below 2^24. Then float32 sums are exact
in whatever order a BLAS library adds, and a score is the same on every machine.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ladr.shapes.render import coverage
from ladr.shapes.scene import CANVAS, CELL, LETTER_HEIGHT, LETTER_WIDTH, LETTERS, SHAPES

REACH = 2  # pixels: the largest offset of a template from the middle of the box
PERIOD = 2 * CELL  # pixels, of every texture
FEW = 0.06  # share of dark pixels below which a thing is solid
_PHASE_ZERO = 3  # so many patterns, the first ones, begin where the thing begins
LEVELS = 64  # of coverage
SIDES = (12, 14, 16, 18, 20, 24, 28, 32)  # pixels: the sides of the templates


@dataclass(frozen=True)
class Fit:
    """The best template: its name, its agreement in [0, 1], and its box (y, x, height, width) in pixels."""

    name: str
    kind: str  # "shape" | "outline" | "letter"
    score: float
    margin: float  # over the best template of another name
    box: tuple[int, int, int, int]
    mask: np.ndarray  # (64, 64) bool, where the template covers more than half a pixel


@dataclass(frozen=True)
class _Bank:
    names: tuple[tuple[str, str, int, int, int, int], ...]  # name, kind, height, width, dy, dx
    group: np.ndarray  # (templates,) the same number for the same name
    window: int  # side of the patch that these templates live in
    values: np.ndarray  # (templates, window^2)
    energy: np.ndarray  # (templates,)


def fit(cover: np.ndarray, box: tuple[int, int, int, int]) -> Fit:
    """The template that agrees best with `cover`, (64, 64) in [0, 1]; `box` bounds its pixels above 0.5."""
    cover = np.rint(cover * LEVELS)
    y0, x0, height, width = box
    bank = _bank(_near(max(height, width)), 15 <= height <= 25 and 7 <= width <= 17)
    top, left = y0 + height // 2 - bank.window // 2, x0 + width // 2 - bank.window // 2
    patch = _cut(cover, top, left, bank.window)
    shared = (bank.values @ patch.ravel()).astype(np.float64)
    agreement = 2 * shared / (bank.energy + float((cover * cover).sum()))
    best = int(agreement.argmax())
    name, kind, h, w, dy, dx = bank.names[best]
    y, x = top + (bank.window - h) // 2 + dy, left + (bank.window - w) // 2 + dx
    stamp = bank.values[best].reshape(bank.window, bank.window) > LEVELS / 2
    margin = agreement[best] - agreement[bank.group != bank.group[best]].max()
    mask = _cut(stamp, -top, -left, CANVAS)
    return Fit(name, kind, float(agreement[best]), float(margin), (y, x, h, w), mask)


def _near(side: int) -> tuple[int, ...]:
    """The sides of templates to try for something that is `side` pixels long."""
    return tuple(s for s in SIDES if abs(s - side) <= 2) or (min(SIDES, key=lambda s: abs(s - side)),)


def _cut(plane: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """The square of `plane` that begins at (top, left); it is zero where it lies outside the plane."""
    height, width = plane.shape
    square = np.zeros((side, side), plane.dtype)
    y0, y1, x0, x1 = max(top, 0), min(top + side, height), max(left, 0), min(left + side, width)
    if y0 < y1 and x0 < x1:
        square[y0 - top : y1 - top, x0 - left : x1 - left] = plane[y0:y1, x0:x1]
    return square


@lru_cache(maxsize=64)
def _bank(sides: tuple[int, ...], letters: bool) -> _Bank:
    """Every template of those sides at every offset within REACH."""
    stamps = [(s, "shape", coverage(s, side)) for s in SHAPES for side in sides]
    stamps += [(s, "outline", coverage(s, side, True)) for s in SHAPES for side in sides]
    window = max(sides) + 2 * REACH
    if letters:
        window = max(window, LETTER_HEIGHT * CELL + 2 * REACH)
        stamps += [(letter, "letter", glyph(letter)) for letter in LETTERS]
    names, values = [], []
    for name, kind, stamp in stamps:
        h, w = stamp.shape
        for dy in range(-REACH, REACH + 1):
            for dx in range(-REACH, REACH + 1):
                plane = np.zeros((window, window), np.float32)
                y, x = (window - h) // 2 + dy, (window - w) // 2 + dx
                plane[y : y + h, x : x + w] = stamp
                names.append((name, kind, h, w, dy, dx))
                values.append(plane.ravel())
    stacked = np.rint(np.stack(values) * LEVELS)
    group = np.unique([name for name, *_ in names], return_inverse=True)[1]
    return _Bank(tuple(names), group, window, stacked, (stacked * stacked).sum(1, dtype=np.float64))


@lru_cache(maxsize=32)
def glyph(letter: str) -> np.ndarray:
    """(20, 12) in {0, 1}: the pixels of a written letter."""
    cells = np.array([[bit == "1" for bit in row] for row in LETTERS[letter]], np.float32)
    assert cells.shape == (LETTER_HEIGHT, LETTER_WIDTH)
    return cells.repeat(CELL, 0).repeat(CELL, 1)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, ...], np.ndarray]:
    """Every texture at every phase, phase zero first: names, and periods (patterns, 8, 8) in {0, 1}."""
    y, x = np.indices((PERIOD, PERIOD))
    names, planes = [], []
    for dy in range(PERIOD):
        for dx in range(PERIOD):
            r, c = (y - dy) % PERIOD // CELL, (x - dx) % PERIOD // CELL
            candidates = {"checkered": (r + c) % 2, "dotted": r & c}
            if dx == 0:
                candidates["striped"] = r
            names += candidates
            planes += candidates.values()
    return tuple(names), np.stack(planes).astype(np.float32)


def texture(dark: np.ndarray, core: np.ndarray, corner: tuple[int, int]) -> tuple[str, float]:
    """Name and certainty in [0, 1] of the pattern that the `dark` pixels make on `core`, both (64, 64) bool.

    `corner` is where the thing's box begins; patterns that begin there get a small bonus. The agreement is
    the correlation of two sets of pixels.
    """
    y, x = np.nonzero(core)
    inside = dark[y, x].astype(np.float32)
    size, filled = len(y), float(inside.sum())
    if filled < FEW * size or not size:
        return "solid", 1.0 - (filled / size / FEW / 2 if size else 0)
    names, planes = _patterns()
    laid = planes[:, (y - corner[0]) % PERIOD, (x - corner[1]) % PERIOD]
    area = laid.sum(1, dtype=np.float64)
    both = (laid @ inside).astype(np.float64)
    spread = np.sqrt(area * (size - area) * filled * (size - filled))
    agreement = (size * both - area * filled) / np.maximum(spread, 1)
    agreement[:_PHASE_ZERO] += 0.05
    best = int(agreement.argmax())
    score = min(1.0, float(agreement[best]))
    return (names[best], score) if score >= 0.5 else ("other", score)
