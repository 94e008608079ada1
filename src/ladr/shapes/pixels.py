"""From raw pixels to regions, colours and coverage: the front end of the evaluator."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ladr.base.late import Late
from ladr.shapes.scene import BACKGROUNDS, BLUEPRINT, CANVAS, COLORS, INKS, SHADE

ndimage = Late("scipy.ndimage")
LEAST = 24  # pixels: a smaller region is dirt and not a thing
MIXED = 60.0  # RGB distance: a pixel that is farther from every colour is a mixture
NEAR = 45.0  # RGB distance: a pixel of the border that is nearer to a background belongs to it
PLAIN = 0.6  # so large a share of the border must belong to the background
EIGHT = np.ones((3, 3), bool)
_GROUNDS = {**BACKGROUNDS, "blueprint": BLUEPRINT}
_GROUND_RGB = np.float32(list(_GROUNDS.values()))
_GROUND_NAMES = tuple(_GROUNDS)
# A pixel that is farther from the background is foreground; on black the shades are near.
_FAINT = {"white": 60.0, "grey": 40.0, "black": 26.0, "blueprint": 60.0, None: 60.0}
NAMES = (*COLORS, *INKS)
BRIGHT = np.float32([*COLORS.values(), *INKS.values()])
_SHADES = np.rint(np.float32(list(COLORS.values())) * SHADE)
_PALETTE = np.concatenate([BRIGHT, _SHADES])
HUES = len(COLORS)
BLACK, WHITE = HUES, HUES + 1
DARK = len(BRIGHT)  # labels from here on are shades


@dataclass(frozen=True)
class Pixels:
    """The front end's view of an image; arrays are (64, 64) unless a comment says otherwise."""

    rgb: np.ndarray  # (64, 64, 3) float32
    ground: np.ndarray  # (3,) the background's colour
    name: str | None
    plain: bool  # whether the border has one colour: only then can things stand out from it
    far: np.ndarray  # distance to the background
    label: np.ndarray  # nearest palette entry, -1 for mixtures
    front: np.ndarray  # bool


def look(image: np.ndarray) -> Pixels:
    """Background and labels of `image`, (64, 64, 3) uint8. Colours are whole numbers, so sums are exact."""
    rgb = image.astype(np.float32)
    edge = np.concatenate([rgb[:2].reshape(-1, 3), rgb[-2:].reshape(-1, 3), rgb[2:-2, :2].reshape(-1, 3)])
    edge = np.concatenate([edge, rgb[2:-2, -2:].reshape(-1, 3)])
    distance = _distances(edge, _GROUND_RGB)
    nearest = np.where(distance.min(1) < NEAR, distance.argmin(1), -1)
    counts = np.bincount(nearest[nearest >= 0], minlength=len(_GROUND_NAMES))
    winner = int(counts.argmax())
    if counts[winner] >= PLAIN * len(edge):
        name, ground = _GROUND_NAMES[winner], np.rint(edge[nearest == winner].mean(0))
    else:
        name, ground = None, np.rint(np.median(edge, 0))
    plain = bool((_distances(edge, ground[None]) < NEAR).mean() >= PLAIN)
    far = _distances(rgb.reshape(-1, 3), ground[None])[:, 0].reshape(CANVAS, CANVAS)
    palette = _distances(rgb.reshape(-1, 3), _PALETTE)
    palette[:, _distances(_PALETTE, ground[None])[:, 0] < 40] = np.inf
    label = np.where(palette.min(1) < MIXED, palette.argmin(1), -1).reshape(CANVAS, CANVAS)
    return Pixels(rgb, ground, name, plain, far, label, far > _FAINT[name])


def _distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Euclidean distances (points, centres)."""
    square = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)
    return np.sqrt(np.maximum(square, 0))


def grow(mask: np.ndarray) -> np.ndarray:
    """The mask and every pixel beside it, corners too."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def regions(mask: np.ndarray) -> list[np.ndarray]:
    """Connected parts of `mask`, joined over gaps of up to two pixels, without dirt."""
    grown = grow(mask)
    labels, count = ndimage.label(grown, EIGHT)
    labels = np.where(mask, labels, 0)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    return [labels == i for i in range(1, count + 1) if areas[i] >= LEAST]


def groups_of(pixels: Pixels, region: np.ndarray) -> list[int]:
    """The colours of the things in a region, without the blends at the seam of two colours."""
    label = np.where(region, pixels.label, -1)
    counts = np.bincount(label[label >= 0], minlength=len(_PALETTE))
    bright = [k for k in (*range(HUES), WHITE) if counts[k] >= LEAST // 2]
    if len(bright) > 1:
        thick = {k: int(ndimage.binary_erosion(label == k, EIGHT[:2, :2]).sum()) for k in bright}
        first = max(bright, key=lambda k: counts[k])
        bright = [k for k in bright if k == first or thick[k] >= max(8, 0.35 * counts[k])]
    if bright:
        return bright
    if counts[BLACK] + counts[DARK:].sum() < LEAST // 2:
        return []
    middle = np.median(pixels.rgb[(label == BLACK) | (label >= DARK)], 0)
    dark = [BLACK, *range(DARK, len(_PALETTE))]
    nearest = dark[int(_distances(middle[None], _PALETTE[dark]).argmin())]
    return [nearest if nearest < DARK else nearest - DARK]


def owners(pixels: Pixels, region: np.ndarray, groups: list[int]) -> np.ndarray:
    """For every pixel of the region, the colour of the nearest pixel with one of `groups`; -1 outside."""
    named = region & np.isin(pixels.label, groups)
    near = ndimage.distance_transform_edt(~named, return_distances=False, return_indices=True)
    return np.where(region, pixels.label[tuple(near)], -1)


def parent_of(part: np.ndarray, owner: np.ndarray, region: np.ndarray) -> int | None:
    """The colour that surrounds `part`; None if no single colour does."""
    ring = grow(part) & ~part
    around = Counter(np.where(region, owner, -1)[ring].tolist())
    color, count = around.most_common(1)[0]
    return color if color >= 0 and count >= 0.9 * ring.sum() else None


def cover_of(
    pixels: Pixels, part: np.ndarray, color: int | None, base: np.ndarray, inner: bool
) -> np.ndarray:
    """The share of each pixel that the part covers, (64, 64) in [0, 1]."""
    near = grow(part)
    if color is None:
        return part.astype(np.float32)
    axis = BRIGHT[color] - base
    if inner:
        along = (pixels.rgb - base) @ axis / float(axis @ axis)
        return np.where(near, np.clip(along, 0, 1), 0).astype(np.float32)
    cover = np.clip(pixels.far / np.sqrt(float(axis @ axis)), 0, 1)
    if pixels.name == "black" and color < HUES:
        dark = ndimage.binary_opening(part & (pixels.label >= DARK), EIGHT[:2, :2])
        cover = np.where(dark, 1, cover)
    return np.where(part, cover, 0).astype(np.float32)


def dim(pixels: Pixels, color: int) -> np.ndarray:
    """Pixels nearer to the shade of `color` than to the colour."""
    halfway = (1 + SHADE) / 2
    axis = BRIGHT[color]
    return pixels.rgb @ axis < halfway * float(axis @ axis)
