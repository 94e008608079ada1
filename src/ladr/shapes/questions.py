"""The questions about an image that follow from a spec, and the answers that follow from a reading of it."""

from dataclasses import dataclass

from ladr.shapes.reading import Detection, Reading
from ladr.shapes.rules import arranged, called, exactly, holders, identity, in_place, linked, matches, words
from ladr.shapes.spec import Item, Spec


@dataclass(frozen=True)
class SpecQuestion:
    """One yes-or-no question. It makes sense only where the answers to `parents` (their ids) are yes."""

    id: str  # for example "color 0": the fact, and the number of the item, relation, ...
    text: str
    parents: tuple[str, ...] = ()

    @property
    def fact(self) -> str:
        return self.id.rsplit(" ", 1)[0]

    @property
    def number(self) -> int:
        return int(self.id.rsplit(" ", 1)[1])


def questions(spec: Spec) -> tuple[SpecQuestion, ...]:
    """A question for every fact that `spec` states, parents before children."""
    listed: list[SpecQuestion] = []
    if spec.background:
        listed.append(SpecQuestion("background 0", f"Is the background {spec.background}?"))
    if spec.style:
        listed.append(SpecQuestion("style 0", f"Is everything drawn in {spec.style} style?"))
    for i, item in enumerate(spec.items):
        listed += _of_item(i, item)
    for j, link in enumerate(spec.relations):
        parents = (f"shape {link.a}", f"shape {link.b}")
        a, b = called(spec, link.a), called(spec, link.b)
        listed.append(SpecQuestion(f"relation {j}", f"Is the {a} {link.kind} the {b}?", parents))
    if spec.layout:
        listed.append(SpecQuestion("layout 0", f"Are the things in a {spec.layout}?", ("shape 0",)))
    parents = tuple(f"shape {i}" for i in range(len(spec.items)))
    for k, attribute in enumerate(spec.same):
        listed.append(SpecQuestion(f"same {k}", f"Do the things agree in {attribute}?", parents))
    for k, item in enumerate(spec.absent):
        listed.append(SpecQuestion(f"absent {k}", f"Is there no {words(item)}?", parents))
    return tuple(listed) + _of_word(spec)


def _of_item(i: int, item: Item) -> list[SpecQuestion]:
    noun = item.shape or "shape"
    listed = [SpecQuestion(f"shape {i}", f"Is there a {noun}?")]
    parent = (f"shape {i}",)
    if item.count > 1:
        listed.append(SpecQuestion(f"count {i}", f"Are there exactly {item.count} {noun}s?", parent))
    for fact in ("color", "size", "texture", "place"):
        value = getattr(item, fact)
        if value:
            where = f"in the {value}" if fact == "place" else value
            listed.append(SpecQuestion(f"{fact} {i}", f"Is the {noun} {where}?", parent))
    return listed


def _of_word(spec: Spec) -> tuple[SpecQuestion, ...]:
    if spec.word is None:
        return ()
    listed = [SpecQuestion("text 0", f'Does the writing say "{spec.word.letters}"?')]
    if spec.word.color:
        listed.append(SpecQuestion("ink 0", f"Is the writing {spec.word.color}?", ("text 0",)))
    if spec.word.where:
        listed.append(SpecQuestion("band 0", f"Is the writing at the {spec.word.where}?", ("text 0",)))
    return tuple(listed)


def answer(question: SpecQuestion, spec: Spec, reading: Reading) -> bool:
    """Whether the answer by `reading` is yes; the question's parents are not taken into account."""
    return _ANSWERS[question.fact](question.number, spec, reading)


def _shape(i: int, spec: Spec, reading: Reading) -> bool:
    """Whether there are enough things of that shape for all items that state it."""
    item = spec.items[i]
    needed = 1 if item.count > 1 else sum(o.count for o in spec.items if o.shape == item.shape)
    return len(holders(item, reading, ("shape",))) >= needed


def _attribute(fact: str):
    def holds(i: int, spec: Spec, reading: Reading) -> bool:
        """Whether at least as many things of the item's shape show the attribute as must show it."""
        return len(holders(spec.items[i], reading, ("shape", fact))) >= _members(spec, i, fact)

    return holds


def _members(spec: Spec, i: int, fact: str) -> int:
    """How many things must show the attribute: all items of the same shape and value together."""
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
    """Whether the background is right; an empty picture counts as one without a background."""
    return bool(reading.known or reading.letters) and reading.background == spec.background


def _same(k: int, spec: Spec, reading: Reading) -> bool:
    """Whether one can choose a thing for every item so that all of these agree in the attribute."""
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
    """Whether nothing of the excluded kind is there, and all items are: an empty image is not right."""
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
    """The things that the layout is about: those of item 0, or those of all items if item 0 is one thing."""
    if spec.items[0].count > 1:
        return holders(spec.items[0], reading, ("shape",))
    return [d for d in reading.known if any(matches(item, d, ("shape",)) for item in spec.items)]
