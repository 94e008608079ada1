"""What a spec lets one ask of an image, and the answers that a reading gives."""

from dataclasses import dataclass

from ladr.shapes.detect import Detection, Reading
from ladr.shapes.scene import CANVAS
from ladr.shapes.spec import PLACES, Item, Relation, Spec

NEAR = 30.0  # pixels between the middles of near things, along the longer axis
LEVEL = 6.0  # pixels by which things in a row or a column may differ
MARGIN = 0.1  # of the sizes of two things, taken off their offset before a direction is read
AXIS = 0.5  # share of the offset that must lie along the direction
BIGGER = 1.25  # ratio of areas


@dataclass(frozen=True)
class Question:
    """One yes-or-no question. `parents` are ids that must hold for it to make sense."""

    id: str  # "color 0": fact and number of the item, relation, ...
    text: str
    parents: tuple[str, ...] = ()

    @property
    def fact(self) -> str:
        return self.id.rsplit(" ", 1)[0]

    @property
    def number(self) -> int:
        return int(self.id.rsplit(" ", 1)[1])


def questions(spec: Spec) -> tuple[Question, ...]:
    """Every fact that `spec` states, parents before children."""
    asked: list[Question] = []
    if spec.background:
        asked.append(Question("background 0", f"Is the background {spec.background}?"))
    if spec.style:
        asked.append(Question("style 0", f"Is everything drawn in {spec.style} style?"))
    for i, item in enumerate(spec.items):
        asked += _of_item(i, item)
    for j, link in enumerate(spec.relations):
        parents = (f"shape {link.a}", f"shape {link.b}")
        a, b = called(spec, link.a), called(spec, link.b)
        asked.append(Question(f"relation {j}", f"Is the {a} {link.kind} the {b}?", parents))
    if spec.layout:
        asked.append(Question("layout 0", f"Are the things in a {spec.layout}?", ("shape 0",)))
    parents = tuple(f"shape {i}" for i in range(len(spec.items)))
    for k, attribute in enumerate(spec.same):
        asked.append(Question(f"same {k}", f"Do the things agree in {attribute}?", parents))
    for k, item in enumerate(spec.absent):
        asked.append(Question(f"absent {k}", f"Is there no {_words(item)}?", parents))
    return tuple(asked) + _of_word(spec)


def _of_item(i: int, item: Item) -> list[Question]:
    noun = item.shape or "shape"
    asked = [Question(f"shape {i}", f"Is there a {noun}?")]
    parent = (f"shape {i}",)
    if item.count > 1:
        asked.append(Question(f"count {i}", f"Are there exactly {item.count} {noun}s?", parent))
    for fact in ("color", "size", "texture", "place"):
        value = getattr(item, fact)
        if value:
            where = f"in the {value}" if fact == "place" else value
            asked.append(Question(f"{fact} {i}", f"Is the {noun} {where}?", parent))
    return asked


def _of_word(spec: Spec) -> tuple[Question, ...]:
    if spec.word is None:
        return ()
    asked = [Question("text 0", f'Does the writing say "{spec.word.letters}"?')]
    if spec.word.color:
        asked.append(Question("ink 0", f"Is the writing {spec.word.color}?", ("text 0",)))
    if spec.word.where:
        asked.append(Question("band 0", f"Is the writing at the {spec.word.where}?", ("text 0",)))
    return tuple(asked)


def answer(question: Question, spec: Spec, reading: Reading) -> bool:
    """Whether `reading` answers yes, parents left out of account."""
    return _ANSWERS[question.fact](question.number, spec, reading)


def matches(item: Item, d: Detection, facts=("shape", "color", "size", "texture")) -> bool:
    """Whether a detection has every stated attribute of `item` among `facts`."""
    return d.shape is not None and all(
        getattr(item, fact) is None or getattr(d, fact) == getattr(item, fact) for fact in facts
    )


def holders(item: Item, reading: Reading, facts=("shape", "color", "size", "texture")) -> list[Detection]:
    """The things that match, the best first."""
    return [d for d in reading.things if matches(item, d, facts)]


def identity(spec: Spec, i: int) -> tuple[str, ...]:
    """The fewest attributes by which item `i` is told from the others."""
    item = spec.items[i]
    others = [o for k, o in enumerate(spec.items) if k != i]
    if item.shape and all(o.shape not in (None, item.shape) for o in others):
        return ("shape",)
    return ("shape", "color") if item.color else ("shape", "color", "size")


def called(spec: Spec, i: int) -> str:
    """Item `i` in the fewest words that tell it from the others."""
    facts = identity(spec, i)
    item = spec.items[i]
    return _words(Item(**{fact: getattr(item, fact) for fact in facts}))


def _words(item: Item) -> str:
    return " ".join(w for w in (item.size, item.texture, item.color, item.shape or "shape") if w)


def exactly(item: Item, reading: Reading, facts=("shape",)) -> bool:
    """Strict counting: `item.count` sure ones, and neither a doubtful one more nor an unknown thing."""
    found = holders(item, reading, facts)
    return sum(d.sure for d in found) == len(found) == item.count and reading.unknown == 0


def direction(a: Detection, b: Detection) -> set[str]:
    """Every direction in which `a` lies of `b`: GenEval's rule, both axes at once where both are clear."""
    (ya, xa), (yb, xb) = a.centre, b.centre
    down, across = ya - yb, xa - xb
    norm = (down**2 + across**2) ** 0.5
    if norm == 0:
        return set()
    down = _shrunk(down, MARGIN * (a.box[2] + b.box[2])) / norm
    across = _shrunk(across, MARGIN * (a.box[3] + b.box[3])) / norm
    found = {"left": across < -AXIS, "right": across > AXIS, "above": down < -AXIS, "below": down > AXIS}
    return {name for name, holds in found.items() if holds}


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
    """Whether some pair of things, told apart as the spec tells them apart, stands in the relation."""
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


def _shape(i: int, spec: Spec, reading: Reading) -> bool:
    """Enough things of that shape for all items that ask for it."""
    item = spec.items[i]
    wanted = 1 if item.count > 1 else sum(o.count for o in spec.items if o.shape == item.shape)
    return len(holders(item, reading, ("shape",))) >= wanted


def _attribute(fact: str):
    def holds(i: int, spec: Spec, reading: Reading) -> bool:
        """At least as many things of the item's shape as it has members show the attribute."""
        return len(holders(spec.items[i], reading, ("shape", fact))) >= _members(spec, i, fact)

    return holds


def _members(spec: Spec, i: int, fact: str) -> int:
    """How many things must show it: all items of the same shape and the same value together."""
    item = spec.items[i]
    return sum(
        o.count for o in spec.items if (o.shape, getattr(o, fact)) == (item.shape, getattr(item, fact))
    )


def _count(i: int, spec: Spec, reading: Reading) -> bool:
    return exactly(spec.items[i], reading)


def _place(i: int, spec: Spec, reading: Reading) -> bool:
    item = spec.items[i]
    return any(in_place(item.place, d) for d in holders(item, reading, identity(spec, i)))


def _background(i: int, spec: Spec, reading: Reading) -> bool:
    """Nothing at all is no picture on a background."""
    return bool(reading.known or reading.letters) and reading.background == spec.background


def _same(k: int, spec: Spec, reading: Reading) -> bool:
    """One thing for every item can be found so that all agree."""
    attribute = spec.same[k]
    values = {getattr(d, attribute) for d in reading.known}
    return any(
        all(
            len([d for d in holders(item, reading) if getattr(d, attribute) == value])
            >= sum(o == item for o in spec.items)
            for item in spec.items
        )
        for value in values
    )


def _absent(k: int, spec: Spec, reading: Reading) -> bool:
    """None of those, and what was to be there is there: an empty image denies nothing."""
    there = all(
        _count(i, spec, reading) if o.count > 1 else _shape(i, spec, reading)
        for i, o in enumerate(spec.items)
    )
    return there and not holders(spec.absent[k], reading)


def _band(i: int, spec: Spec, reading: Reading) -> bool:
    if not reading.letters:
        return False
    middle = sum(d.centre[0] for d in reading.letters) / len(reading.letters)
    return {"top": middle < 18, "middle": 26 <= middle <= 42, "bottom": middle > 46}[spec.word.where]


_ANSWERS = {
    "shape": _shape,
    "count": _count,
    "color": _attribute("color"),
    "size": _attribute("size"),
    "texture": _attribute("texture"),
    "place": _place,
    "relation": lambda j, spec, reading: linked(spec.relations[j], spec, reading),
    "layout": lambda i, spec, reading: arranged(spec.layout, _laid_out(spec, reading)),
    "same": _same,
    "absent": _absent,
    "background": _background,
    "style": lambda i, spec, reading: reading.style == spec.style,
    "text": lambda i, spec, reading: reading.text == spec.word.letters,
    "ink": lambda i, spec, reading: reading.text_color == spec.word.color,
    "band": _band,
}


def _laid_out(spec: Spec, reading: Reading) -> list[Detection]:
    """The things that the layout is about: those of item 0, or of all items where it has but one."""
    if spec.items[0].count > 1:
        return holders(spec.items[0], reading, ("shape",))
    return [d for d in reading.known if any(matches(item, d, ("shape",)) for item in spec.items)]
