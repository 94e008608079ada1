"""The rules that judge a reading: which things match, where they lie, what counts as exactly three."""

from ladr.shapes.reading import Detection, Reading
from ladr.shapes.scene import CANVAS
from ladr.shapes.spec import PLACES, Item, Relation, Spec

NEAR = 30.0  # pixels between the middles of near things, along the longer axis
LEVEL = 6.0  # pixels by which things in a row or a column may differ
MARGIN = 0.1  # share of the sizes of two things that is subtracted from their offset to read a direction
AXIS = 0.5  # this share of the offset must lie along the direction
BIGGER = 1.25  # ratio of areas


def matches(item: Item, d: Detection, facts=("shape", "color", "size", "texture")) -> bool:
    """Whether a detection has every stated attribute of `item` among `facts`."""
    return d.shape is not None and all(
        getattr(item, fact) is None or getattr(d, fact) == getattr(item, fact) for fact in facts
    )


def holders(item: Item, reading: Reading, facts=("shape", "color", "size", "texture")) -> list[Detection]:
    """The things that match the item, the best first."""
    return [d for d in reading.things if matches(item, d, facts)]


def identity(spec: Spec, i: int) -> tuple[str, ...]:
    """The fewest attributes that distinguish item `i` from the others."""
    item = spec.items[i]
    others = [o for k, o in enumerate(spec.items) if k != i]
    if item.shape and all(o.shape not in (None, item.shape) for o in others):
        return ("shape",)
    return ("shape", "color") if item.color else ("shape", "color", "size")


def called(spec: Spec, i: int) -> str:
    """Item `i` in the fewest words that distinguish it from the others."""
    facts = identity(spec, i)
    item = spec.items[i]
    return words(Item(**{fact: getattr(item, fact) for fact in facts}))


def words(item: Item) -> str:
    return " ".join(w for w in (item.size, item.texture, item.color, item.shape or "shape") if w)


def exactly(item: Item, reading: Reading, facts=("shape",)) -> bool:
    """Strict counting: there are `item.count` sure things, no doubtful one besides, and no unknown thing."""
    things = holders(item, reading, facts)
    return sum(d.sure for d in things) == len(things) == item.count and reading.unknown == 0


def direction(a: Detection, b: Detection) -> set[str]:
    """Every direction in which `a` lies of `b`, by GenEval's rule: one per axis on which it is clear."""
    (ya, xa), (yb, xb) = a.centre, b.centre
    down, across = ya - yb, xa - xb
    norm = (down**2 + across**2) ** 0.5
    if norm == 0:
        return set()
    down = _shrunk(down, MARGIN * (a.box[2] + b.box[2])) / norm
    across = _shrunk(across, MARGIN * (a.box[3] + b.box[3])) / norm
    clear = {"left": across < -AXIS, "right": across > AXIS, "above": down < -AXIS, "below": down > AXIS}
    return {name for name, holds in clear.items() if holds}


def _shrunk(offset: float, margin: float) -> float:
    return max(abs(offset) - margin, 0.0) * (1 if offset > 0 else -1)


def related(kind: str, a: Detection, b: Detection) -> bool:
    """Whether `a` stands in relation `kind` to `b`, in pixels."""
    (ya, xa), (yb, xb) = a.centre, b.centre
    if kind == "near":
        return max(abs(ya - yb), abs(xa - xb)) <= NEAR
    if kind == "inside":
        return (a.mask & b.mask).sum() >= 0.95 * a.mask.sum() and a.mask.sum() < b.mask.sum()
    if kind == "touching":
        return _gap(a, b) <= 2 and (a.mask & b.mask).sum() <= 0.1 * min(a.mask.sum(), b.mask.sum())
    return kind in direction(a, b)


def _gap(a: Detection, b: Detection) -> float:
    """Free pixels between two boxes that overlap along one axis; infinite where they do not."""
    gaps = []
    for axis in (0, 1):
        low, high = sorted(((a.box[axis], a.box[axis + 2]), (b.box[axis], b.box[axis + 2])))
        gaps.append(high[0] - low[0] - low[1])
    return float(max(gaps)) if min(gaps) < 0 else float("inf")


def linked(link: Relation, spec: Spec, reading: Reading) -> bool:
    """Whether some pair of things is in the relation; the spec says which attributes distinguish the two."""
    first = holders(spec.items[link.a], reading, identity(spec, link.a))
    second = holders(spec.items[link.b], reading, identity(spec, link.b))
    return any(a is not b and related(link.kind, a, b) for a in first for b in second)


def in_place(place: str, d: Detection) -> bool:
    """Whether the middle of a thing lies in the ninth of the canvas that is called `place`."""
    third = CANVAS / 3
    return tuple(min(2, int(c // third)) for c in d.centre) == PLACES[place]


def arranged(layout: str, things: list[Detection]) -> bool:
    """Whether two or more things lie as the layout says."""
    ys, xs = [d.centre[0] for d in things], [d.centre[1] for d in things]
    if len(things) < 2:
        return False
    if layout in ("row", "column"):
        along, across = (ys, xs) if layout == "row" else (xs, ys)
        return max(along) - min(along) <= LEVEL and max(across) - min(across) > 2 * LEVEL
    if layout == "corners":
        corners = [p for p in PLACES if " " in p]
        taken = {p for d in things for p in corners if in_place(p, d)}
        return len(taken) == len(things)
    rising = max(x + y for x, y in zip(xs, ys, strict=True)) - min(x + y for x, y in zip(xs, ys, strict=True))
    falling = max(x - y for x, y in zip(xs, ys, strict=True)) - min(
        x - y for x, y in zip(xs, ys, strict=True)
    )
    return min(rising, falling) <= LEVEL and max(xs) - min(xs) > 2 * LEVEL
