"""From the English of `caption` back to the spec; an error names the word that cannot be read."""

import re
from collections.abc import Callable
from functools import lru_cache

from ladr.base.errors import LadrError, nearest
from ladr.shapes.caption import NUMBERS, OPENINGS, PHRASES, PLURAL_OPENINGS
from ladr.shapes.propose import composite_named
from ladr.shapes.scene import BANDS, COLORS, LETTERS, SIZES, STYLES, TEXTURES
from ladr.shapes.spec import Item, Relation, Spec, Word
from ladr.shapes.words import (
    BACKGROUND,
    COLOR,
    COMPOSITES,
    COUNTS,
    LIST,
    NOUN,
    NOUNS,
    SHAPE,
    SIDES,
    TEXT,
    known_words,
    one_of,
)

LONGEST, MOST = 4, 9  # letters that fit in a row, things that fit on the canvas


def parse(text: str) -> Spec:
    """The spec that `text` states, for every sentence that `caption` can write, in upper or lower case.

    LadrError names an unknown word, or says that the words are known but not the sentence.
    """
    plain = _normal(text)
    spec = _dense(plain) if " . " in plain else _sentence(plain)
    if spec is None:
        raise LadrError(
            f"prompt {text!r}: the words are known, the sentence is not; a prompt reads like "
            "'two red circles', 'a cross above a square on a grey background' or 'the word \"HAT\" in red'"
        )
    return _checked(spec, text)


def _normal(text: str) -> str:
    """Lower case except for quotations, one blank between words, ` . ` between sentences."""
    tokens = re.findall(r'"[^"]*"|[^\s",.]+|[",.]', text)
    known = known_words()
    for i, token in enumerate(tokens):
        if token[:1] != '"' or len(token) == 1:
            tokens[i] = token = token.lower()
            if token not in known and token not in (",", "."):
                raise LadrError(f"prompt {text!r}: {token!r} is not a known word{nearest(token, known)}")
    return re.sub(" ,", ",", " ".join(tokens)).removesuffix(" .")


def _checked(spec: Spec, text: str) -> Spec:
    letters = spec.word.letters if spec.word else ""
    for letter in letters:
        if letter not in LETTERS:
            raise LadrError(
                f"prompt {text!r}: {letter!r} cannot be written; letters are {', '.join(LETTERS)}"
            )
    if spec.word and not 1 <= len(letters) <= LONGEST:
        raise LadrError(f"prompt {text!r}: {len(letters)} letters are not allowed; 1 to {LONGEST}")
    if sum(item.count for item in spec.items) > MOST:
        raise LadrError(f"prompt {text!r}: there is room for {MOST} things at most")
    return spec


def _sentence(text: str) -> Spec | None:
    """One sentence, with the background it may name."""
    background = re.fullmatch(rf"on a {BACKGROUND} background there is (.*)", text)
    if background:
        background, text = background.groups()
    elif background := re.fullmatch(rf"(.*) on a {BACKGROUND} background", text):
        text, background = background.groups()
    for pattern, build in _frames():
        match = re.fullmatch(pattern, text)
        if match:
            spec = build(*match.groups())
            return Spec(**{**spec.__dict__, "background": background}) if background else spec
    return None


@lru_cache(maxsize=1)
def _frames() -> list[tuple[re.Pattern, Callable[..., Spec]]]:
    """A pattern and a builder for every kind of sentence, the special kinds before the plain ones."""
    opening = rf"(?:{'|'.join(f.format('') for f in {*OPENINGS, *PLURAL_OPENINGS} if f != '{}')})?"
    frames = [
        (rf"{opening}an? ({one_of(COMPOSITES)})", composite_named),
        (rf"({LIST}) in ({one_of(STYLES)}) style", lambda a, s: Spec("style", _items(a), style=s)),
        (rf"in ({one_of(STYLES)}) style, ({LIST})", lambda s, a: Spec("style", _items(a), style=s)),
        (rf"({NOUN})(?: that is)? (bigger|smaller) than ({NOUN})", _comparison),
        (rf"({NOUN}) and ({NOUN}) of the same (color|shape)", _similarity),
        (rf"({NOUN}), none of them {COLOR}", lambda a, c: _negation("none of")(a, f"{c} shape")),
        (rf"({NOUN}) without ({NOUN})", _negation("without")),
        (rf"({NOUN}), all ({one_of(TEXTURES)})", _all),
        (rf"({NOUN}) and ({NOUN}), the (latter|former) is {COLOR}", _pronoun),
        (
            rf"as many {SHAPE} as an? ({one_of(SIDES)}) has sides",
            lambda s, of: Spec("logic", (Item(NOUNS[s], count=SIDES[of]),), name=f"sides {of}"),
        ),
        (rf"({one_of(NUMBERS)}) plus ({one_of(NUMBERS)}) {SHAPE}", _sum),
        (
            rf"a big and a small shape, both {SHAPE}, the bigger is {COLOR}, the smaller is {COLOR}",
            _biggest,
        ),
        (rf"{SHAPE} in a row, {COLOR}, {COLOR} and the next in the pattern", _pattern),
        (rf"{opening}({NOUN}) in (?:a (row|column|diagonal)|the (corners))", _grouped),
        (rf"{opening}{TEXT}(?: and ({LIST}))?", _text),
        (rf"{opening}({LIST}) (?:with|and) {TEXT}", lambda a, *word: _text(*word, a)),
    ]
    for kind, phrases in PHRASES.items():
        for phrase in phrases:
            swapped = phrase.index("{b}") < phrase.index("{a}")
            pattern = opening + phrase.format(a=f"({NOUN})", b=f"({NOUN})")
            frames.append((pattern, _relation(kind, swapped)))
    frames.append((rf"{opening}({LIST})", lambda a: Spec(_kind(_items(a)), _items(a))))
    return [(re.compile(pattern), build) for pattern, build in frames]


def _item(text: str) -> Item:
    text, _, place = text.partition(" in the ")
    *words, name = text.split()
    count = COUNTS[words.pop(0)] if words and words[0] in COUNTS else 1
    looks = []
    for kind, options in {"color": COLORS, "size": SIZES, "texture": TEXTURES}.items():
        said = [w for w in words if w in options]
        if len(said) > 1:
            raise LadrError(
                f"prompt: {' '.join(said)!r} before {name!r} are two of one kind; one {kind} is wanted"
            )
        looks.append(said[0] if said else None)
    return Item(NOUNS[name], *looks, count, place.removesuffix(" corner") or None)


def _items(text: str) -> tuple[Item, ...]:
    return tuple(_item(part) for part in re.split(r", and |, | and ", text))


def _kind(items: tuple[Item, ...]) -> str:
    """The kind of prompt that a plain list of things belongs to."""
    if any(item.place for item in items):
        return "layout"
    textured = any(item.texture for item in items)
    if len(items) > 2:
        return "compound" if textured else "attribute"
    if items[0].count > 1:
        return "counting"
    if textured or any(item.size for item in items):
        return "texture" if textured else "size"
    if len(items) == 2:
        return "attribute" if any(item.color for item in items) else "two"
    return "colors" if items[0].color else "single"


def _relation(kind: str, swapped: bool) -> Callable[[str, str], Spec]:
    def build(first: str, second: str) -> Spec:
        a, b = (_item(second), _item(first)) if swapped else (_item(first), _item(second))
        if kind == "inside":
            return Spec(kind, (b, a), (Relation(kind, 1, 0),))
        looks = a.size or a.texture or b.size or b.texture
        name = kind if kind in ("near", "touching") else "position"
        return Spec("complex" if looks else name, (a, b), (Relation(kind, 0, 1),))

    return build


def _text(letters: str, color: str | None, where: str | None, items: str | None = None) -> Spec:
    band = next((b for b in BANDS if where and where.endswith(b)), None)
    return Spec("text", _items(items) if items else (), word=Word(letters, color, band))


def _grouped(thing: str, line: str | None, corners: str | None) -> Spec:
    return Spec("layout", (_item(thing),), layout=line or corners)


def _comparison(a: str, kind: str, b: str) -> Spec:
    sizes = ("big", "small") if kind == "bigger" else ("small", "big")
    items = (Item(i.shape, i.color, size) for i, size in zip((_item(a), _item(b)), sizes, strict=True))
    return Spec("relationship", tuple(items), name=kind)


def _similarity(a: str, b: str, attribute: str) -> Spec:
    return Spec("relationship", (_item(a), _item(b)), same=(attribute,), name=f"same {attribute}")


def _negation(name: str) -> Callable[[str, str], Spec]:
    return lambda there, absent: Spec("grammar", (_item(there),), absent=(_item(absent),), name=name)


def _all(things: str, texture: str) -> Spec:
    item = _item(things)
    return Spec("grammar", (Item(item.shape, item.color, item.size, texture, item.count),), name="all")


def _pronoun(a: str, b: str, which: str, color: str) -> Spec:
    items = [_item(a), _item(b)]
    marked = 1 if which == "latter" else 0
    items[marked] = Item(items[marked].shape, color)
    return Spec("grammar", tuple(items), name=which)


def _sum(a: str, b: str, shape: str) -> Spec:
    a, b = NUMBERS.index(a), NUMBERS.index(b)
    return Spec("logic", (Item(NOUNS[shape], count=a + b),), name=f"sum {a} {b}")


def _biggest(shape: str, big: str, small: str) -> Spec:
    return Spec("logic", (Item(NOUNS[shape], big, "big"), Item(NOUNS[shape], small, "small")), name="biggest")


def _pattern(shape: str, first: str, second: str) -> Spec:
    row = tuple(Item(NOUNS[shape], c) for c in (first, second, first))
    return Spec("logic", row, (Relation("left", 0, 1), Relation("left", 1, 2)), name="pattern")


def _dense(text: str) -> Spec | None:
    """The spec of several sentences: a background, a relation, more things, letters; else None."""
    first, relations, more = (), (), ()
    word, background = None, None
    for part in text.split(" . "):
        if match := re.fullmatch(rf"(?:on a {BACKGROUND} background|the background is {BACKGROUND})", part):
            background = match[1] or match[2]
        elif match := re.fullmatch(rf"{TEXT} is written(?: (at the top|at the bottom))?", part):
            word = _text(match[1], match[2], match[3] or match[4]).word
        elif match := re.fullmatch(rf"(at the top|in the middle|at the bottom) is {TEXT}", part):
            word = _text(match[2], match[3], match[1]).word
        elif match := re.fullmatch(rf"(?:there is also|you can see) ({LIST})|({LIST}) is there too", part):
            more += _items(match[1] or match[2])
        elif (spec := _sentence(part)) and not (relations and spec.relations) and not spec.absent:
            if spec.relations:
                first, relations = spec.items, spec.relations
            else:
                more += spec.items
            word = spec.word or word
        else:
            return None
    return Spec("dense", (*first, *more), relations, word, background)
