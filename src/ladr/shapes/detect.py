"""What an image shows, read from its pixels alone: things, letters, background, style, junk.

Call `read(image)`; `image` is (64, 64, 3) uint8.
"""

from collections import Counter

import numpy as np

from ladr.base.late import Late
from ladr.shapes.pixels import (
    BLACK,
    BRIGHT,
    DARK,
    HUES,
    LEAST,
    NAMES,
    Pixels,
    cover_of,
    dim,
    groups_of,
    grow,
    look,
    owners,
    parent_of,
    regions,
)
from ladr.shapes.reading import SEEN, VERSION, Detection, Reading
from ladr.shapes.scene import CANVAS
from ladr.shapes.templates import Fit, fit, texture

__all__ = ["VERSION", "Detection", "Reading", "read"]
ndimage = Late("scipy.ndimage")  # half a second to import, and a plan of jobs reads no picture


def read(image: np.ndarray) -> Reading:
    """Read `image`, (64, 64, 3) uint8: a pure function of its pixels."""
    if image.shape != (CANVAS, CANVAS, 3) or image.dtype != np.uint8:
        raise ValueError(f"image is {image.dtype} {image.shape}, expected uint8 ({CANVAS}, {CANVAS}, 3)")
    pixels = look(image)
    detections: list[Detection] = []
    for region in regions(pixels.front) if pixels.plain else ():
        detections += _detections(pixels, region)
    letters, things = _line(detections)
    explained = np.zeros((CANVAS, CANVAS), bool)
    for d in detections:
        if d.shape or d.letter:
            explained |= d.mask
    explained = grow(explained)
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


def _detections(pixels: Pixels, region: np.ndarray) -> list[Detection]:
    """The things of one connected region: at least one per colour."""
    groups = groups_of(pixels, region)
    if len(groups) <= 1:
        color = groups[0] if groups else None
        return _things(pixels, region, color, pixels.ground)
    owner = owners(pixels, region, groups)
    detections: list[Detection] = []
    for color in groups:
        for part in regions(region & (owner == color)):
            parent = parent_of(part, owner, region)
            if parent is not None:
                detections += _things(pixels, part, color, BRIGHT[parent], inner=True)
            else:
                filled = ndimage.binary_fill_holes(part) & region
                detections += _things(pixels, filled, color, pixels.ground, own=part)
    return detections


def _things(
    pixels: Pixels,
    part: np.ndarray,
    color: int | None,
    base: np.ndarray,
    inner: bool = False,
    own: np.ndarray | None = None,
) -> list[Detection]:
    """Fit templates to a part of one colour; the part is cut in two where two templates explain it better.

    `own` is the part without the things that lie inside it.
    """
    own = part if own is None else own
    cover = cover_of(pixels, part, color, base, inner)
    pieces = _pieces(cover, depth=2)
    return [
        _detection(pixels, piece, best, color, own, inner or _stands_out(pixels, best.mask))
        for piece, best in pieces
    ]


def _stands_out(pixels: Pixels, mask: np.ndarray) -> bool:
    """Whether the surroundings of a thing are mostly background: a shape in a mosaic is not a thing."""
    near = grow(mask)
    ring = grow(near) & ~near
    return bool(pixels.front[ring].sum() <= 0.5 * ring.sum())


def _box(cover: np.ndarray) -> tuple[int, int, int, int]:
    solid = cover > 0.5
    rows, cols = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        rows, cols = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
    return int(rows[0]), int(cols[0]), int(rows[-1] - rows[0] + 1), int(cols[-1] - cols[0] + 1)


def _pieces(cover: np.ndarray, depth: int) -> list[tuple[np.ndarray, Fit]]:
    """The part itself, or two halves of it, cut at a waist, if templates fit the halves better."""
    y, x, h, w = box = _box(cover)
    whole = fit(cover, box)
    if depth == 0 or whole.score >= 0.9 or max(h, w) < 1.3 * min(h, w) or max(h, w) < 20:
        return [(cover, whole)]
    axis, start, length = (0, y, h) if h > w else (1, x, w)
    widths = cover.sum(1 - axis)[start : start + length]
    places = np.arange(length // 4, length - length // 4)
    best = [(cover, whole)]
    for cut in places[np.argsort(widths[places], kind="stable")[:2]]:
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


def _detection(
    pixels: Pixels, cover: np.ndarray, best: Fit, color: int | None, own: np.ndarray, stands: bool
) -> Detection:
    accepted = stands and best.score >= SEEN
    kind = best.kind if accepted else None
    part = cover > 0.5
    core = own & part & ~grow(~best.mask) if kind == "shape" else own & part
    pattern, certainty = "solid", 1.0
    if kind == "shape" and color is not None and color < HUES:
        dark = (pixels.label >= DARK) | (pixels.label == BLACK) | ((pixels.label < 0) & dim(pixels, color))
        pattern, certainty = texture(dark, core, best.box[:2])
    return Detection(
        shape=best.name if kind in ("shape", "outline") else None,
        letter=best.name if kind == "letter" else None,
        score=best.score,
        margin=best.margin,
        color=NAMES[color] if color is not None else "other",
        purity=_purity(pixels.label[core], color),
        texture=pattern,
        texture_score=certainty,
        hollow=kind == "outline",
        box=best.box if accepted else _box(cover),
        mask=best.mask if accepted else part,
    )


def _purity(labels: np.ndarray, color: int | None) -> float:
    """Share of the coloured pixels that have this colour; shades do not count."""
    colored = labels[(labels >= 0) & (labels < DARK)]
    if color is None or not len(colored):
        return 0.0
    if color != BLACK:
        colored = colored[colored != BLACK]
    return float((colored == color).sum() / len(colored)) if len(colored) else 0.0


def _line(detections: list[Detection]) -> tuple[list[Detection], list[Detection]]:
    """Letters from left to right, with unreadable ink in their line; and all other detections."""
    letters = [d for d in detections if d.letter]
    if not letters:
        return [], detections
    ink = _most([d.color for d in letters])
    low, high = min(d.centre[0] for d in letters), max(d.centre[0] for d in letters)
    smudges = [
        d
        for d in detections
        if d.letter is None and d.shape is None and d.color == ink and low - 8 <= d.centre[0] <= high + 8
    ]
    line = sorted(letters + smudges, key=lambda d: d.centre[1])
    return line, [d for d in detections if d.letter is None and d not in smudges]


def _most(names: list[str]) -> str | None:
    return Counter(sorted(names)).most_common(1)[0][0] if names else None


def _style(pixels: Pixels, things: list[Detection]) -> str | None:
    """The style that all things share. A cross does not count: its arms are too thin to be hollow or not."""
    known = [d for d in things if d.shape is not None]
    if not known:
        return None
    known = [d for d in known if d.shape != "cross"] or known
    if pixels.name == "blueprint":
        hollow = all(d.hollow or d.shape == "cross" for d in known)
        return "blueprint" if hollow and all(d.color == "white" for d in known) else None
    if all(d.hollow for d in known):
        return "outline"
    if any(d.hollow for d in known):
        return None
    black = [d.color == "black" for d in known]
    return "silhouette" if all(black) else None if any(black) else "flat"
