"""What a spec lets one ask of an image, and the answers that a reading gives."""

from dataclasses import dataclass

from ladr.shapes.reading import Detection, Reading
from ladr.shapes.rules import arranged, called, exactly, holders, identity, in_place, linked, matches, words
from ladr.shapes.spec import Item, Spec


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
        asked.append(Question(f"absent {k}", f"Is there no {words(item)}?", parents))
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
