"""What an image shows, read from its pixels alone: things, letters, background, style, junk.

`read(image)` is the one function to call; `image` is (64, 64, 3) uint8.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from ladr.shapes.scene import BACKGROUNDS, BLUEPRINT, CANVAS, COLORS, INKS, SHADE
from ladr.shapes.templates import Fit, fit, texture

VERSION = 1  # of the evaluator: grows with every change that can change a score
SEEN = 0.80  # a thing is believed to be there
SURE = 0.86  # a thing is believed enough to be counted
LEAST = 24  # pixels; less is dirt, never a thing
MIXED = 60.0  # RGB distance beyond which a pixel has no colour of its own
_EIGHT = np.ones((3, 3), bool)
_GROUNDS = {**BACKGROUNDS, "blueprint": BLUEPRINT}
_GROUND_RGB = np.float32(list(_GROUNDS.values()))
_GROUND_NAMES = tuple(_GROUNDS)
# How far from the background a pixel must be to be foreground; on black the shades are near.
_FAINT = {"white": 60.0, "grey": 40.0, "black": 26.0, "blueprint": 60.0, None: 60.0}
_NAMES = (*COLORS, *INKS)
_BRIGHT = np.float32([*COLORS.values(), *INKS.values()])
_SHADES = np.float32(list(COLORS.values())) * SHADE
_PALETTE = np.concatenate([_BRIGHT, _SHADES])
_HUES = len(COLORS)
_BLACK, _WHITE = _HUES, _HUES + 1
_DARK = len(_BRIGHT)  # labels from here on are shades


@dataclass(frozen=True)
class Detection:
    """One thing or letter. `shape` is None where no template agrees: it is still something."""

    shape: str | None
    letter: str | None
    score: float  # agreement with the template, [0, 1]
    color: str
    purity: float  # share of its coloured pixels that have `color`
    texture: str
    texture_score: float
    hollow: bool  # an outline
    box: tuple[int, int, int, int]  # y, x, height, width, pixels
    mask: np.ndarray = field(repr=False, compare=False)  # (64, 64) bool

    @property
    def centre(self) -> tuple[float, float]:
        y, x, h, w = self.box
        return y + h / 2, x + w / 2

    @property
    def size(self) -> str:
        side = max(self.box[2:])
        return "small" if side <= 13 else "medium" if side <= 21 else "big"

    @property
    def sure(self) -> bool:
        return self.score >= SURE


@dataclass(frozen=True)
class Reading:
    """Everything that was read. Letters run from left to right; `?` is ink in their line that is no letter."""

    things: tuple[Detection, ...]  # those without a shape too
    letters: tuple[Detection, ...]
    text: str
    text_color: str | None
    background: str | None  # None: no one colour
    style: str | None  # None: nothing there, or things that disagree
    junk: float  # share of the foreground that no detection explains

    @property
    def known(self) -> tuple[Detection, ...]:
        return tuple(d for d in self.things if d.shape is not None)

    @property
    def unknown(self) -> int:
        return len(self.things) - len(self.known)


@dataclass(frozen=True)
class _Pixels:
    """The image as the front end sees it, everything (64, 64)."""

    rgb: np.ndarray  # (64, 64, 3) float32
    ground: np.ndarray  # (3,) the background's colour
    name: str | None
    far: np.ndarray  # distance to the background
    label: np.ndarray  # nearest palette entry, -1 for mixtures
    front: np.ndarray  # bool


def read(image: np.ndarray) -> Reading:
    """Read `image`, (64, 64, 3) uint8: a pure function of its pixels."""
    if image.shape != (CANVAS, CANVAS, 3) or image.dtype != np.uint8:
        raise ValueError(f"image is {image.dtype} {image.shape}, expected uint8 ({CANVAS}, {CANVAS}, 3)")
    pixels = _pixels(image)
    found: list[Detection] = []
    for region in _regions(pixels.front):
        found += _detections(pixels, region)
    letters, things = _line(found)
    explained = np.zeros((CANVAS, CANVAS), bool)
    for d in found:
        if d.shape or d.letter:
            explained |= d.mask
    explained = ndimage.binary_dilation(explained, _EIGHT)
    front = int(pixels.front.sum())
    return Reading(
        things=tuple(sorted(things, key=lambda d: (-d.score, d.box))),
        letters=tuple(d for d in letters if d.letter),
        text="".join(d.letter or "?" for d in letters),
        text_color=_most([d.color for d in letters]),
        background=pixels.name,
        style=_style(pixels, things),
        junk=float((pixels.front & ~explained).sum()) / front if front else 0.0,
    )


def _pixels(image: np.ndarray) -> _Pixels:
    rgb = image.astype(np.float32)
    edge = np.concatenate([rgb[:2].reshape(-1, 3), rgb[-2:].reshape(-1, 3), rgb[2:-2, :2].reshape(-1, 3)])
    edge = np.concatenate([edge, rgb[2:-2, -2:].reshape(-1, 3)])
    distance = _distances(edge, _GROUND_RGB)
    nearest = np.where(distance.min(1) < 45, distance.argmin(1), -1)
    counts = np.bincount(nearest[nearest >= 0], minlength=len(_GROUND_NAMES))
    winner = int(counts.argmax())
    if counts[winner] >= 0.6 * len(edge):
        name, ground = _GROUND_NAMES[winner], edge[nearest == winner].mean(0)
    else:
        name, ground = None, np.median(edge, 0)
    far = _distances(rgb.reshape(-1, 3), ground[None])[:, 0].reshape(CANVAS, CANVAS)
    palette = _distances(rgb.reshape(-1, 3), _PALETTE)
    palette[:, _distances(_PALETTE, ground[None])[:, 0] < 40] = np.inf
    label = np.where(palette.min(1) < MIXED, palette.argmin(1), -1).reshape(CANVAS, CANVAS)
    return _Pixels(rgb, ground, name, far, label, far > _FAINT[name])


def _distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Euclidean, (points, centres)."""
    square = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)
    return np.sqrt(np.maximum(square, 0))


def _regions(mask: np.ndarray) -> list[np.ndarray]:
    """Connected parts of `mask`, joined over gaps of up to two pixels; dirt left out."""
    grown = ndimage.binary_dilation(mask, _EIGHT)
    labels, count = ndimage.label(grown, _EIGHT)
    labels = np.where(mask, labels, 0)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    return [labels == i for i in range(1, count + 1) if areas[i] >= LEAST]


def _detections(pixels: _Pixels, region: np.ndarray) -> list[Detection]:
    """The things of one connected region: one per colour, and more where one colour holds several."""
    groups = _groups(pixels, region)
    if len(groups) <= 1:
        color = groups[0] if groups else None
        return _things(pixels, region, color, pixels.ground)
    owner = _owners(pixels, region, groups)
    found: list[Detection] = []
    for color in groups:
        for part in _regions(region & (owner == color)):
            parent = _parent(part, owner, region)
            if parent is not None:
                found += _things(pixels, part, color, _BRIGHT[parent], inner=True)
            else:
                found += _things(pixels, ndimage.binary_fill_holes(part) & region, color, pixels.ground)
    return found


def _groups(pixels: _Pixels, region: np.ndarray) -> list[int]:
    """The colours that a region really holds: labels of things, not of blends at the seam of two colours."""
    label = np.where(region, pixels.label, -1)
    counts = np.bincount(label[label >= 0], minlength=len(_PALETTE))
    bright = [k for k in (*range(_HUES), _WHITE) if counts[k] >= LEAST // 2]
    if len(bright) > 1:
        thick = {k: int(ndimage.binary_erosion(label == k, _EIGHT[:2, :2]).sum()) for k in bright}
        first = max(bright, key=lambda k: counts[k])
        bright = [k for k in bright if k == first or thick[k] >= max(8, 0.35 * counts[k])]
    if bright:
        return bright
    if counts[_BLACK] + counts[_DARK:].sum() < LEAST // 2:
        return []
    middle = np.median(pixels.rgb[(label == _BLACK) | (label >= _DARK)], 0)
    dark = [_BLACK, *range(_DARK, len(_PALETTE))]
    nearest = dark[int(_distances(middle[None], _PALETTE[dark]).argmin())]
    return [nearest if nearest < _DARK else nearest - _DARK]


def _owners(pixels: _Pixels, region: np.ndarray, groups: list[int]) -> np.ndarray:
    """For every pixel of the region the colour of the nearest pixel that has one of `groups`; -1 outside."""
    named = region & np.isin(pixels.label, groups)
    near = ndimage.distance_transform_edt(~named, return_distances=False, return_indices=True)
    return np.where(region, pixels.label[tuple(near)], -1)


def _parent(part: np.ndarray, owner: np.ndarray, region: np.ndarray) -> int | None:
    """The colour that surrounds `part`, if one does."""
    ring = ndimage.binary_dilation(part, _EIGHT) & ~part
    around = Counter(np.where(region, owner, -1)[ring].tolist())
    color, count = around.most_common(1)[0]
    return color if color >= 0 and count >= 0.9 * ring.sum() else None


def _things(
    pixels: _Pixels, part: np.ndarray, color: int | None, base: np.ndarray, inner: bool = False
) -> list[Detection]:
    """Fit templates to a part of one colour, cutting it in two where that explains it better."""
    cover = _cover(pixels, part, color, base, inner)
    pieces = _pieces(cover, depth=2)
    return [_detection(pixels, piece, found, color) for piece, found in pieces]


def _cover(pixels: _Pixels, part: np.ndarray, color: int | None, base: np.ndarray, inner: bool) -> np.ndarray:
    """How much of each pixel the part covers, (64, 64) in [0, 1]."""
    near = ndimage.binary_dilation(part, _EIGHT)
    if color is None:
        return part.astype(np.float32)
    axis = _BRIGHT[color] - base
    if inner:
        along = (pixels.rgb - base) @ axis / float(axis @ axis)
        return np.where(near, np.clip(along, 0, 1), 0).astype(np.float32)
    cover = np.clip(pixels.far / np.sqrt(float(axis @ axis)), 0, 1)
    if pixels.name == "black" and color < _HUES:
        dark = ndimage.binary_opening(part & (pixels.label >= _DARK), _EIGHT[:2, :2])
        cover = np.where(dark, 1, cover)
    return np.where(part, cover, 0).astype(np.float32)


def _box(cover: np.ndarray) -> tuple[int, int, int, int]:
    solid = cover > 0.5
    rows, cols = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        rows, cols = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
    return int(rows[0]), int(cols[0]), int(rows[-1] - rows[0] + 1), int(cols[-1] - cols[0] + 1)


def _pieces(cover: np.ndarray, depth: int) -> list[tuple[np.ndarray, Fit]]:
    """The part as it is, or cut at a waist across its longer side where both halves fit better."""
    y, x, h, w = box = _box(cover)
    whole = fit(cover, box)
    if depth == 0 or whole.score >= 0.9 or max(h, w) < 1.3 * min(h, w) or max(h, w) < 20:
        return [(cover, whole)]
    axis, start, length = (0, y, h) if h > w else (1, x, w)
    widths = cover.sum(1 - axis)[start : start + length]
    places = np.arange(length // 4, length - length // 4)
    best = [(cover, whole)]
    for cut in places[np.argsort(widths[places], kind="stable")[:4]]:
        first, second = np.split(cover, [start + int(cut)], axis)
        blank = np.zeros_like
        halves = (
            np.concatenate([first, blank(second)], axis),
            np.concatenate([blank(first), second], axis),
        )
        parts = [piece for half in halves if half.sum() >= LEAST for piece in _pieces(half, depth - 1)]
        if len(parts) > 1 and min(f.score for _, f in parts) > max(min(f.score for _, f in best), SEEN):
            best = parts
    return best


def _detection(pixels: _Pixels, cover: np.ndarray, found: Fit, color: int | None) -> Detection:
    part = cover > 0.5
    label = pixels.label[part & found.mask] if found.score >= SEEN else pixels.label[part]
    bright = label[(label >= 0) & (label < _DARK) & (label != _BLACK)]
    ink = color is not None and color >= _HUES
    own = (label == color).sum() if color is not None else 0
    total = (label >= 0).sum() if ink else len(bright)
    accepted = found.score >= SEEN
    kind = found.kind if accepted else None
    pattern, certainty = "solid", 1.0
    if kind == "shape" and not ink:
        core = ndimage.binary_erosion(found.mask, _EIGHT)
        dark = (pixels.label >= _DARK) | (pixels.label == _BLACK) | ((pixels.label < 0) & _dim(pixels, color))
        pattern, certainty = texture(dark & part, core & part, found.box[:2])
    return Detection(
        shape=found.name if kind in ("shape", "outline") else None,
        letter=found.name if kind == "letter" else None,
        score=found.score,
        color=_NAMES[color] if color is not None else "other",
        purity=float(own / total) if total else 0.0,
        texture=pattern,
        texture_score=certainty,
        hollow=kind == "outline",
        box=found.box if accepted else _box(cover),
        mask=found.mask if accepted else part,
    )


def _dim(pixels: _Pixels, color: int) -> np.ndarray:
    """Pixels nearer to the shade of `color` than to the colour."""
    halfway = (1 + SHADE) / 2
    axis = _BRIGHT[color]
    return pixels.rgb @ axis < halfway * float(axis @ axis)


def _line(found: list[Detection]) -> tuple[list[Detection], list[Detection]]:
    """Letters from left to right, with unreadable ink in their line, and everything else."""
    letters = [d for d in found if d.letter]
    if not letters:
        return [], found
    ink = _most([d.color for d in letters])
    low, high = min(d.centre[0] for d in letters), max(d.centre[0] for d in letters)
    smudges = [
        d
        for d in found
        if d.letter is None and d.shape is None and d.color == ink and low - 8 <= d.centre[0] <= high + 8
    ]
    line = sorted(letters + smudges, key=lambda d: d.centre[1])
    return line, [d for d in found if d.letter is None and d not in smudges]


def _most(names: list[str]) -> str | None:
    return Counter(sorted(names)).most_common(1)[0][0] if names else None


def _style(pixels: _Pixels, things: list[Detection]) -> str | None:
    """The one style that all things share."""
    known = [d for d in things if d.shape is not None]
    if not known:
        return None
    if pixels.name == "blueprint":
        return "blueprint" if all(d.hollow and d.color == "white" for d in known) else None
    if all(d.hollow for d in known):
        return "outline"
    if any(d.hollow for d in known):
        return None
    black = [d.color == "black" for d in known]
    return "silhouette" if all(black) else None if any(black) else "flat"
