"""The words of the shape world, and the patterns of its nouns, lists, letters and backgrounds."""

import re

from ladr.shapes.caption import NUMBERS, OPENINGS, PHRASES, PLURAL_OPENINGS, WRITTEN
from ladr.shapes.scene import BACKGROUNDS, COLORS, SHAPES, SIZES, STYLES, TEXTURES
from ladr.shapes.spec import PLACES

COMPOSITES = ("house", "snowman", "traffic light", "target")
SIDES = {"triangle": 3, "square": 4, "diamond": 4}
COUNTS = {"a": 1, "an": 1, "the": 1} | {word: n for n, word in enumerate(NUMBERS) if n}
NOUNS = {s: s for s in SHAPES} | {"crosses" if s == "cross" else f"{s}s": s for s in SHAPES}
NOUNS |= {"shape": None, "shapes": None}


def one_of(words) -> str:
    """A pattern that matches any of the words, the longest first."""
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True))})"


ADJECTIVE = one_of([*SIZES, *TEXTURES, *COLORS])
NOUN = rf"(?:(?:{one_of(COUNTS)}) )?(?:{ADJECTIVE} )*{one_of(NOUNS)}(?: in the {one_of(PLACES)}(?: corner)?)?"
LIST = rf"{NOUN}(?:(?:, and |, | and ){NOUN})*"
SHAPE, COLOR = rf"({one_of(NOUNS)})", rf"({one_of(COLORS)})"
TEXT = (
    one_of(f.split(' "')[0] for f in WRITTEN)
    + rf' "([^"]*)"(?: in {COLOR})?(?: (at the top|in the middle|at the bottom))?'
)
BACKGROUND = rf"({one_of(BACKGROUNDS)})"


def known_words() -> frozenset[str]:
    """Every word that occurs in a frame."""
    frames = [*OPENINGS, *PLURAL_OPENINGS, *WRITTEN, *(f for fs in PHRASES.values() for f in fs)]
    names = [*COUNTS, *NOUNS, *SIZES, *TEXTURES, *COLORS, *BACKGROUNDS, *STYLES, *PLACES, *COMPOSITES]
    rest = """on a white background the is there also you can see too written at top middle bottom with in
    style row column diagonal corners corner and than that same color shape none of them without all latter
    former as many has sides plus both bigger smaller next pattern"""
    text = " ".join([*(re.sub(r"\{\w*\}", "", f) for f in frames), *names, rest])
    return frozenset(re.findall(r"[a-z]+", text))
