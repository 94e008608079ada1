"""Random specs, kind by kind: what the prompts of training and of the mini benchmarks ask for."""

from collections.abc import Callable
from itertools import product

import numpy as np

from ladr.shapes.scene import (
    BACKGROUNDS,
    BANDS,
    COLORS,
    HELD_OUT_PAIRS,
    HELD_OUT_RELATIONS,
    LETTERS,
    SHAPES,
    TEXTURES,
)
from ladr.shapes.spec import LAYOUTS, PLACES, Item, Relation, Spec, Word

Rng = np.random.Generator
ALL_PAIRS = frozenset(product(COLORS, SHAPES))
SEEN_PAIRS = ALL_PAIRS - HELD_OUT_PAIRS
POSITIONS = ("left", "right", "above", "below")
# A pattern of 4-pixel cells cannot be read on arms as thin as a cross has.
PATTERNED_PAIRS = frozenset((c, s) for c, s in SEEN_PAIRS if s != "cross")


def pick(options, rng: Rng):
    """One of `options`, each as likely."""
    options = sorted(options) if isinstance(options, (set, frozenset)) else list(options)
    return options[rng.integers(len(options))]


def pairs(count: int, rng: Rng, allowed=SEEN_PAIRS) -> list[tuple[str, str]]:
    """`count` (colour, shape) pairs, no colour and no shape twice."""
    while True:
        drawn = [pick(allowed, rng) for _ in range(count)]
        if len({c for c, _ in drawn}) == len({s for _, s in drawn}) == count:
            return drawn


def triple(rng: Rng, allowed: Callable[[tuple], bool]) -> tuple[str, str, str]:
    """A (shape, relation, shape) of two different shapes for which `allowed` holds."""
    while True:
        a, b = rng.permutation(SHAPES)[:2]
        drawn = (str(a), pick(POSITIONS, rng), str(b))
        if allowed(drawn):
            return drawn


def letters(rng: Rng, lengths=(1, 2, 3)) -> str:
    return "".join(pick(LETTERS, rng) for _ in range(pick(lengths, rng)))


def single(rng: Rng, shape: str | None = None) -> Spec:
    return Spec("single", (Item(shape or pick(SHAPES, rng)),))


def colors(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    color, shape = pick(allowed, rng)
    return Spec("colors", (Item(shape, color),), background=pick([None, None, *BACKGROUNDS], rng))


def two(rng: Rng) -> Spec:
    a, b = rng.permutation(SHAPES)[:2]
    return Spec("two", (Item(str(a)), Item(str(b))))


def counting(rng: Rng, counts=(2, 3, 4)) -> Spec:
    color = pick([None, *COLORS], rng)
    options = [s for s in SHAPES if color is None or (color, s) not in HELD_OUT_PAIRS]
    return Spec("counting", (Item(pick(options, rng), color, count=pick(counts, rng)),))


def position(
    rng: Rng, allowed=lambda drawn: drawn not in HELD_OUT_RELATIONS, named: bool | None = None
) -> Spec:
    a, kind, b = triple(rng, allowed)
    named = rng.random() < 0.5 if named is None else named
    return Spec("position", (_named(a, rng, named), _named(b, rng, named)), (Relation(kind, 0, 1),))


def _named(shape: str, rng: Rng, named: bool) -> Item:
    options = [c for c in COLORS if (c, shape) not in HELD_OUT_PAIRS]
    return Item(shape, pick(options, rng) if named else None)


def attribute(rng: Rng, allowed=SEEN_PAIRS, count: int = 2) -> Spec:
    return Spec("attribute", tuple(Item(s, c) for c, s in pairs(count, rng, allowed)))


def texture(rng: Rng, count: int | None = None, allowed=PATTERNED_PAIRS) -> Spec:
    drawn = pairs(count or pick((1, 2), rng), rng, allowed)
    kinds = rng.permutation(TEXTURES)
    return Spec("texture", tuple(Item(s, c, texture=str(t)) for (c, s), t in zip(drawn, kinds, strict=False)))


def size(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    drawn = pairs(pick((1, 2), rng), rng, allowed)
    sizes = rng.permutation(("small", "big"))
    return Spec("size", tuple(Item(s, c, str(z)) for (c, s), z in zip(drawn, sizes, strict=False)))


def near(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    (c1, s1), (c2, s2) = pairs(2, rng, allowed)
    return Spec("near", (Item(s1, c1), Item(s2, c2)), (Relation("near", 0, 1),))


def inside(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    while True:
        (c1, s1), (c2, s2) = pairs(2, rng, allowed)
        if s2 in ("circle", "square"):
            items = (Item(s2, c2, "big"), Item(s1, c1, "small"))
            return Spec("inside", items, (Relation("inside", 1, 0),))


def touching(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    (c1, s1), (c2, s2) = pairs(2, rng, allowed)
    return Spec("touching", (Item(s1, c1), Item(s2, c2)), (Relation("touching", 0, 1),))


def complex_(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    """Colours, a size or a texture, and one relation together."""
    while True:
        (c1, s1), (c2, s2) = pairs(2, rng, allowed)
        kind = pick((*POSITIONS, "near"), rng)
        if s1 != "cross" and (s1, kind, s2) not in HELD_OUT_RELATIONS:
            look = pick((("small", None), *((None, t) for t in TEXTURES[1:])), rng)
            first = Item(s1, c1, *look)
            return Spec("complex", (first, Item(s2, c2)), (Relation(kind, 0, 1),))


def text(rng: Rng, lengths=(1, 2, 3)) -> Spec:
    color = pick([None, None, *COLORS], rng)
    where = pick([None, None, *BANDS], rng)
    return Spec("text", word=Word(letters(rng, lengths), color, where))


def text_and_thing(rng: Rng) -> Spec:
    color, shape = pick(SEEN_PAIRS, rng)
    word = Word(letters(rng), where=pick((None, "top", "bottom"), rng))
    return Spec("text", (Item(shape, color),), word=word)


def placed(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    drawn = pairs(pick((1, 1, 2), rng), rng, allowed)
    places = rng.permutation(list(PLACES))
    return Spec("layout", tuple(Item(s, c, place=str(p)) for (c, s), p in zip(drawn, places, strict=False)))


def grouped(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    layout = pick(LAYOUTS, rng)
    count = pick((2, 3, 4) if layout == "corners" else (2, 3), rng)
    color, shape = pick(allowed, rng)
    return Spec("layout", (Item(shape, color, count=count),), layout=layout)


def style(rng: Rng) -> Spec:
    name = pick(("outline", "blueprint", "silhouette"), rng)
    if name == "outline":
        items = tuple(Item(s, c) for c, s in pairs(pick((1, 2), rng), rng))
    else:
        items = tuple(Item(str(s)) for s in rng.permutation(SHAPES)[: pick((1, 2), rng)])
    return Spec("style", items, style=name)


def composite(rng: Rng) -> Spec:
    name = pick(("house", "snowman", "traffic light", "target"), rng)
    return composite_named(name)


def composite_named(name: str) -> Spec:
    """What the four names stand for."""
    if name == "house":
        items, links = (Item("triangle"), Item("square")), ("touching", "above")
    elif name == "snowman":
        items, links = (Item("circle"), Item("circle")), ("touching", "above")
    elif name == "target":
        items, links = (Item("circle", None, "big"), Item("circle", "red", "small")), ("inside",)
    else:
        items = tuple(Item("circle", c) for c in ("red", "yellow", "green"))
        chain = (Relation("above", 0, 1), Relation("above", 1, 2))
        return Spec("composite", items, chain, name=name)
    relations = tuple(Relation(k, *((1, 0) if k == "inside" else (0, 1))) for k in links)
    same = ("color",) if name == "snowman" else ()
    return Spec("composite", items, relations, same=same, name=name)


def relationship(rng: Rng) -> Spec:
    """Comparison, similarity."""
    a, b = (str(s) for s in rng.permutation(SHAPES)[:2])
    kind = pick(("bigger", "smaller", "same color", "same shape"), rng)
    if kind in ("bigger", "smaller"):
        sizes = ("big", "small") if kind == "bigger" else ("small", "big")
        return Spec("relationship", (Item(a, None, sizes[0]), Item(b, None, sizes[1])), name=kind)
    if kind == "same color":
        return Spec("relationship", (Item(a), Item(b)), same=("color",), name=kind)
    c1, c2 = (str(c) for c in rng.permutation(list(COLORS))[:2])
    return Spec("relationship", (Item(None, c1), Item(None, c2)), same=("shape",), name=kind)


def grammar(rng: Rng) -> Spec:
    """Negation, pronoun, consistency."""
    kind = pick(("none of", "without", "latter", "former", "all"), rng)
    color, shape = pick(PATTERNED_PAIRS, rng)
    other = pick([s for s in SHAPES if s != shape], rng)
    if kind == "none of":
        return Spec("grammar", (Item(count=2),), absent=(Item(color=color),), name=kind)
    if kind == "without":
        return Spec("grammar", (Item(shape),), absent=(Item(other),), name=kind)
    if kind == "all":
        return Spec("grammar", (Item(shape, texture=pick(TEXTURES[1:], rng), count=3),), name=kind)
    items = (Item(other), Item(shape, color)) if kind == "latter" else (Item(shape, color), Item(other))
    return Spec("grammar", items, name=kind)


def logic(rng: Rng) -> Spec:
    """Counts by reasoning, the biggest of several, a pattern carried on."""
    kind = pick(("sides", "sum", "biggest", "pattern"), rng)
    shape = pick(SHAPES, rng)
    if kind == "sides":
        name, count = pick((("triangle", 3), ("square", 4), ("diamond", 4)), rng)
        return Spec("logic", (Item(shape, count=count),), name=f"sides {name}")
    if kind == "sum":
        a, b = pick((1, 2), rng), pick((1, 2), rng)
        return Spec("logic", (Item(shape, count=a + b),), name=f"sum {a} {b}")
    color, shape = pick(SEEN_PAIRS, rng)
    if kind == "biggest":
        others = [c for c in COLORS if c != color and (c, shape) not in HELD_OUT_PAIRS]
        items = (Item(shape, color, "big"), Item(shape, pick(others, rng), "small"))
        return Spec("logic", items, name="biggest")
    other = pick([c for c in COLORS if c != color and (c, shape) not in HELD_OUT_PAIRS], rng)
    row = tuple(Item(shape, c) for c in (color, other, color))
    links = (Relation("left", 0, 1), Relation("left", 1, 2))
    return Spec("logic", row, links, name="pattern")


def compound(rng: Rng, allowed=SEEN_PAIRS) -> Spec:
    """Three things, three bindings."""
    drawn = pairs(3, rng, allowed)
    kinds = rng.permutation((None, None, *TEXTURES[1:]))
    looks = [None if s == "cross" else t for (_, s), t in zip(drawn, kinds, strict=False)]
    return Spec("compound", tuple(Item(s, c, texture=t) for (c, s), t in zip(drawn, looks, strict=True)))


def dense(rng: Rng) -> Spec:
    """Three or four things on a named background, one relation, sometimes letters."""
    drawn = pairs(pick((3, 3, 4), rng), rng)
    items = [Item(s, c) for c, s in drawn]
    looks = ((None, None), ("small", None), *((None, t) for t in TEXTURES[1:]))
    look = pick(looks[:2] if items[-1].shape == "cross" else looks, rng)
    items[-1] = Item(items[-1].shape, items[-1].color, *look)
    relations = ()
    kind = pick(POSITIONS, rng)
    if (items[0].shape, kind, items[1].shape) not in HELD_OUT_RELATIONS:
        relations = (Relation(kind, 0, 1),)
    word = None
    if len(items) == 3 and rng.random() < 0.6:
        word = Word(letters(rng), where=pick(("top", "bottom"), rng))
    return Spec("dense", tuple(items), relations, word, background=pick(BACKGROUNDS, rng))
