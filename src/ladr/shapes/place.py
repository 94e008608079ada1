"""From what is stated to a scene: places, then the attributes left open."""

from functools import lru_cache
from itertools import product

import numpy as np

from ladr.shapes.scene import (
    BANDS,
    COLORS,
    GRID,
    HELD_OUT_PAIRS,
    LETTER_HEIGHT,
    LETTER_PITCH,
    SHAPES,
    SIZES,
    SLOTS,
    Box,
    Scene,
    Thing,
    Writing,
    apart,
    letters_width,
)
from ladr.shapes.spec import PLACES, Item, Spec

Link = tuple[str, int, int]  # relation between two things
Spot = tuple[int, int]  # first cell of a thing


class UnsatisfiableError(ValueError):
    """No scene can keep the promise of this spec."""


def realise(spec: Spec, rng: np.random.Generator, unseen: bool = False) -> Scene:
    """A scene that satisfies `spec`, all that is unstated drawn from `rng`.

    Unless `unseen`, no open attribute is filled with a composition held out from training.
    """
    items = [item for item in spec.items for _ in range(item.count)]
    band = _band(spec, rng)
    spots = placements(_signature(spec), band)
    if not spots:
        raise UnsatisfiableError(f"no placement for {spec}")
    chosen = spots[rng.integers(len(spots))]
    looks = _looks(spec, rng, unseen)
    things = [
        Thing(shape, color, item.size or "medium", item.texture or "solid", *spot)
        for item, (shape, color), spot in zip(items, looks, chosen, strict=True)
    ]
    order = sorted(range(len(things)), key=lambda i: -SIZES[things[i].size])
    background = spec.background or "white"
    writing = None
    if spec.word is not None:
        ink = spec.word.color or ("white" if background == "black" or spec.style == "blueprint" else "black")
        writing = Writing(spec.word.letters, ink, *band[0:2])
    return Scene(tuple(things[i] for i in order), writing, background, spec.style or "flat")


def _band(spec: Spec, rng: np.random.Generator) -> Box | None:
    """Where the letters go: in one of three bands of four places, from a multiple of the word's length on.

    So a place holds the same letter of a word wherever the word is. Where it may hold several, the mean of
    what a prompt allows is a blend of letters, and a small model writes the blend.
    """
    if spec.word is None:
        return None
    count = len(spec.word.letters)
    width = letters_width(count)
    bands = [spec.word.where] if spec.word.where else list(BANDS)
    columns = range(0, GRID + 1 - width, count * LETTER_PITCH)
    options = [(BANDS[b], c, LETTER_HEIGHT, width) for b, c in product(bands, columns)]
    options = [box for box in options if placements(_signature(spec), box)]
    if not options:
        raise UnsatisfiableError(f"no room for the letters of {spec}")
    return options[rng.integers(len(options))]


def _signature(spec: Spec) -> tuple:
    """What placement depends on: sizes, fixed places, links between things, layout."""
    first, sizes, fixed, owner = [], [], [], []
    for number, item in enumerate(spec.items):
        first.append(len(sizes))
        sizes += [item.size or "medium"] * item.count
        fixed += [item.place] * item.count
        owner += [number] * item.count
    links = tuple((r.kind, first[r.a], first[r.b]) for r in spec.relations)
    group = spec.items[0].count if spec.layout and spec.items else 0
    if spec.layout and spec.items[0].count == 1:
        group = len(sizes)
    return tuple(sizes), tuple(fixed), tuple(owner), links, spec.layout, group


@lru_cache(maxsize=4096)
def placements(signature: tuple, band: Box | None) -> tuple[tuple[Spot, ...], ...]:
    """Every way to place the things so that links, fixed places and layout hold and nothing collides."""
    sizes, fixed, owner, links, layout, group = signature
    found: list[tuple[Spot, ...]] = []

    def extend(spots: list[Spot]) -> None:
        i = len(spots)
        if i == len(sizes):
            if layout is None or arranged(layout, spots[:group]):
                found.append(tuple(spots))
            return
        for spot in _domain(i, spots, sizes, fixed, links):
            if _fits(i, spot, spots, sizes, owner, links, band):
                extend([*spots, spot])

    extend([])
    return tuple(found)


def _domain(i: int, spots: list[Spot], sizes: tuple, fixed: tuple, links: tuple[Link, ...]) -> list[Spot]:
    """Candidate first cells of thing `i`, the earlier ones being placed."""
    side = SIZES[sizes[i]]
    for kind, a, b in links:
        if kind == "inside" and a == i and b < i:
            margin = (SIZES[sizes[b]] - side) // 2
            return [(spots[b][0] + margin, spots[b][1] + margin)]
        if kind == "touching" and i in (a, b) and max(a, b) == i:
            row, col = spots[min(a, b)]
            return [(row - side, col), (row + SIZES[sizes[min(a, b)]], col)]
    if fixed[i]:
        down, across = PLACES[fixed[i]]
        return [(SLOTS[down], SLOTS[across])]
    if sizes[i] == "big":
        return [(r + 1, c + 1) for r, c in product(SLOTS[:2], SLOTS[:2])]
    return list(product(SLOTS, SLOTS))


def _fits(i: int, spot: Spot, spots: list[Spot], sizes, owner, links, band: Box | None) -> bool:
    side = SIZES[sizes[i]]
    box = (*spot, side, side)
    if spot[0] < 0 or spot[1] < 0 or spot[0] + side > GRID or spot[1] + side > GRID:
        return False
    if band is not None and not apart(box, band):
        return False
    bound = {frozenset((a, b)) for kind, a, b in links if kind in ("inside", "touching")}
    for j, other in enumerate(spots):
        if frozenset((i, j)) in bound:
            continue
        if not apart(box, (*other, SIZES[sizes[j]], SIZES[sizes[j]])):
            return False
        if owner[i] == owner[j] and other > spot:  # alike: reading order, so that no arrangement counts twice
            return False
    placed = [*spots, spot]
    return all(
        max(a, b) != i or related(kind, placed[a], sizes[a], placed[b], sizes[b]) for kind, a, b in links
    )


def related(kind: str, a: Spot, size_a: str, b: Spot, size_b: str) -> bool:
    """Whether the drawn relation holds: strictly beside or above, along one axis."""
    if kind in ("inside", "touching"):
        return True
    down = (b[0] + SIZES[size_b] / 2) - (a[0] + SIZES[size_a] / 2)
    across = (b[1] + SIZES[size_b] / 2) - (a[1] + SIZES[size_a] / 2)
    level, upright = abs(down) <= 2.5, abs(across) <= 2.5
    return {
        "left": across > 0 and level,
        "right": across < 0 and level,
        "above": down > 0 and upright,
        "below": down < 0 and upright,
        "near": max(abs(down), abs(across)) <= 7,
    }[kind]


def arranged(layout: str, spots: list[Spot]) -> bool:
    """Whether a group of things lies as the layout says."""
    rows, cols = [r for r, _ in spots], [c for _, c in spots]
    if layout == "row":
        return len(set(rows)) == 1
    if layout == "column":
        return len(set(cols)) == 1
    if layout == "corners":
        return set(spots) <= set(product((SLOTS[0], SLOTS[2]), repeat=2))
    slots = [(SLOTS.index(r), SLOTS.index(c)) for r, c in spots if r in SLOTS and c in SLOTS]
    return len(slots) == len(spots) and (all(r == c for r, c in slots) or all(r + c == 2 for r, c in slots))


def _looks(spec: Spec, rng: np.random.Generator, unseen: bool) -> list[tuple[str, str]]:
    """Shape and colour of every thing, in the order of the items; one draw per item."""
    for _ in range(200):
        shared = {"color": _pick(COLORS, rng), "shape": _pick(SHAPES, rng)}
        looks = [_look(item, shared if spec.same else {}, spec, rng) for item in spec.items]
        if _allowed(spec, looks, unseen):
            return [look for item, look in zip(spec.items, looks, strict=True) for _ in range(item.count)]
    raise UnsatisfiableError(f"no colours and shapes for {spec}")


def _look(item: Item, shared: dict, spec: Spec, rng: np.random.Generator) -> tuple[str, str]:
    shape = item.shape or (shared["shape"] if "shape" in spec.same else _pick(SHAPES, rng))
    color = item.color or (shared["color"] if "color" in spec.same else _pick(COLORS, rng))
    return shape, color


def _allowed(spec: Spec, looks: list[tuple[str, str]], unseen: bool) -> bool:
    for item, (shape, color) in zip(spec.items, looks, strict=True):
        stated = item.shape is not None and item.color is not None
        if not unseen and not stated and (color, shape) in HELD_OUT_PAIRS:
            return False
        if any(gone.shape in (None, shape) and gone.color in (None, color) for gone in spec.absent):
            return False
    return all(
        looks[r.a][1] != looks[r.b][1]
        for r in spec.relations
        if r.kind in ("inside", "touching") and "color" not in spec.same
    )


def _pick(options, rng: np.random.Generator):
    options = list(options)
    return options[rng.integers(len(options))]
