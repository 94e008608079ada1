"""Sentences for specs: each kind has several frames, in lower case except for the letters to be written."""

import numpy as np

from ladr.shapes.propose import pick
from ladr.shapes.spec import Item, Spec

NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
OPENINGS = ("{}", "there is {}", "an image of {}", "a picture of {}")
PLURAL_OPENINGS = ("{}", "there are {}", "an image of {}", "a picture of {}")
PHRASES = {
    "left": (
        "{a} to the left of {b}",
        "{a} left of {b}",
        "{a} on the left of {b}",
        "to the left of {b} is {a}",
    ),
    "right": (
        "{a} to the right of {b}",
        "{a} right of {b}",
        "{a} on the right of {b}",
        "to the right of {b} is {a}",
    ),
    "above": ("{a} above {b}", "{a} over {b}", "{a} on the top of {b}", "above {b} is {a}"),
    "below": ("{a} below {b}", "{a} under {b}", "{a} on the bottom of {b}", "below {b} is {a}"),
    "near": ("{a} next to {b}", "{a} near {b}", "{a} on the side of {b}"),
    "inside": ("{a} inside {b}", "{a} in {b}", "inside {b} is {a}"),
    "touching": ("{a} touching {b}", "{a} and {b} touching each other"),
}
WRITTEN = ('the word "{}"', 'the letters "{}"', 'a sign that says "{}"', 'the text "{}"')


def noun(item: Item, count: int | None = None) -> str:
    """For example `red circle` or `small striped squares`; the plural when `count` is not one."""
    name = item.shape or "shape"
    if (count or item.count) != 1:
        name = {"cross": "crosses"}.get(name, name + "s")
    words = (item.size, item.texture, item.color, name)
    return " ".join(word for word in words if word)


def with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def phrase(item: Item) -> str:
    """For example `a red circle` or `three circles`, with the item's place where it has one."""
    words = with_article(noun(item)) if item.count == 1 else f"{NUMBERS[item.count]} {noun(item)}"
    if item.place:
        spot = "corner" if " " in item.place else ""
        words += " in the " + " ".join(w for w in (item.place, spot) if w)
    return words


def caption(spec: Spec, rng: np.random.Generator) -> str:
    """One sentence (several for a dense spec) that states `spec` and nothing else."""
    special = _SPECIAL.get(spec.kind)
    words = special(spec, rng) if special else _plain(spec, rng)
    if spec.background and spec.kind != "dense":
        frame = pick(("{} on a {} background", "on a {1} background there is {0}"), rng)
        words = frame.format(words, spec.background)
    return words


def _joined(items, rng: np.random.Generator) -> str:
    parts = [phrase(item) for item in items]
    if len(parts) == 1:
        return parts[0]
    return (", ".join(parts[:-1]) if len(parts) > 2 else parts[0]) + " and " + parts[-1]


def _related(spec: Spec, rng: np.random.Generator, link) -> str:
    return pick(PHRASES[link.kind], rng).format(a=phrase(spec.items[link.a]), b=phrase(spec.items[link.b]))


def _plain(spec: Spec, rng: np.random.Generator) -> str:
    if spec.relations:
        return _related(spec, rng, spec.relations[0])
    words = _joined(spec.items, rng)
    if spec.background:
        return words
    openings = OPENINGS if spec.items[0].count == 1 else PLURAL_OPENINGS
    return pick(openings, rng).format(words)


def _text(spec: Spec, rng: np.random.Generator) -> str:
    word = spec.word
    words = pick(WRITTEN, rng).format(word.letters)
    if word.color:
        words += f" in {word.color}"
    if word.where:
        words += {"top": " at the top", "middle": " in the middle", "bottom": " at the bottom"}[word.where]
    if spec.items:
        return pick(("{0} and {1}", "{1} with {0}"), rng).format(words, _joined(spec.items, rng))
    return words


def _layout(spec: Spec, rng: np.random.Generator) -> str:
    if not spec.layout:
        return _joined(spec.items, rng)
    where = {
        "row": "in a row",
        "column": "in a column",
        "diagonal": "in a diagonal",
        "corners": "in the corners",
    }
    return f"{phrase(spec.items[0])} {where[spec.layout]}"


def _style(spec: Spec, rng: np.random.Generator) -> str:
    frame = pick(("{} in {} style", "in {1} style, {0}"), rng)
    return frame.format(_joined(spec.items, rng), spec.style)


def _composite(spec: Spec, rng: np.random.Generator) -> str:
    return pick(OPENINGS, rng).format(with_article(spec.name))


def _relationship(spec: Spec, rng: np.random.Generator) -> str:
    a, b = (Item(i.shape, i.color) for i in spec.items)
    if spec.name in ("bigger", "smaller"):
        return pick(("{} {} than {}", "{} that is {} than {}"), rng).format(phrase(a), spec.name, phrase(b))
    return f"{phrase(a)} and {phrase(b)} of the {spec.name}"


def _grammar(spec: Spec, rng: np.random.Generator) -> str:
    first = spec.items[0]
    if spec.name == "none of":
        return f"{phrase(first)}, none of them {spec.absent[0].color}"
    if spec.name == "without":
        return f"{phrase(first)} without {phrase(spec.absent[0])}"
    if spec.name == "all":
        return f"{NUMBERS[first.count]} {noun(Item(first.shape), first.count)}, all {first.texture}"
    marked = spec.items[1 if spec.name == "latter" else 0]
    both = " and ".join(phrase(Item(i.shape)) for i in spec.items)
    return f"{both}, the {spec.name} is {marked.color}"


def _logic(spec: Spec, rng: np.random.Generator) -> str:
    item, kind = spec.items[0], spec.name.split()
    if kind[0] == "sides":
        return f"as many {noun(Item(item.shape), 2)} as {with_article(kind[1])} has sides"
    if kind[0] == "sum":
        a, b = int(kind[1]), int(kind[2])
        return f"{NUMBERS[a]} plus {NUMBERS[b]} {noun(Item(item.shape), 2)}"
    if kind[0] == "biggest":
        shapes = noun(Item(item.shape), 2)
        low = spec.items[1].color
        return f"a big and a small shape, both {shapes}, the bigger is {item.color}, the smaller is {low}"
    row = ", ".join(i.color for i in spec.items[:2])
    return f"{noun(Item(item.shape), 3)} in a row, {row} and the next in the pattern"


def _dense(spec: Spec, rng: np.random.Generator) -> str:
    items = list(spec.items)
    parts = [pick(("on a {} background", "the background is {}"), rng).format(spec.background)]
    if spec.relations:
        parts.append("there is " + _dense_relation(spec, rng))
        items = items[2:]
    parts += [
        pick(("there is also {}", "you can see {}", "{} is there too"), rng).format(phrase(i)) for i in items
    ]
    if spec.word:
        where = {"top": "at the top", "bottom": "at the bottom"}[spec.word.where]
        words = pick(WRITTEN, rng).format(spec.word.letters)
        parts.append(pick(("{} is written {}", "{1} is {0}"), rng).format(words, where))
    return " . ".join(parts)


def _dense_relation(spec: Spec, rng: np.random.Generator) -> str:
    link = spec.relations[0]
    frame = pick(PHRASES[link.kind][:3], rng)
    return frame.format(a=phrase(spec.items[link.a]), b=phrase(spec.items[link.b]))


_SPECIAL = {
    "text": _text,
    "layout": _layout,
    "style": _style,
    "composite": _composite,
    "relationship": _relationship,
    "grammar": _grammar,
    "logic": _logic,
    "dense": _dense,
}
