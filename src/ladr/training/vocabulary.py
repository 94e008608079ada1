"""The closed vocabulary of the shape world as a `tokenizers` file: words, and letters one by one.

A letter in the second or third place of a word is a token of its own, so that the model need not learn the
order of letters from positions: 90,000 images, almost half of them of words, taught it little of that.
"""

import re
import string

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from ladr.shapes.scene import BACKGROUNDS, COLORS, LETTERS, SHAPES, SIZES, STYLES, TEXTURES

SPECIAL = (
    "<unknown>",
    "<mask>",
    "<newline>",
    "<boi>",
    "<eoi>",
    "<boa>",
    "<eoa>",
    "<uncondition>",
    "<system>",
    "</system>",
    "<user>",
    "</user>",
)
IMAGE_OFFSET = 192  # ids between the last word and this one are free for words to come
LATER = ("²", "³")  # marks of a letter that is the second or the third of a word
_FRAMES = (
    "a an there is are image of picture the to left right on top above over bottom below under next "
    "near side inside in touching and each other word letters sign that says text at middle with "
    "corner center row column diagonal corners style bigger smaller than same none them without all "
    "latter former as many has sides plus both pattern background also you can see too written big "
    "small shape house snowman traffic light target color solid no one two three four five six "
).split()


def words() -> list[str]:
    """Every word, mark and letter, in the order of their ids."""
    shapes = [*SHAPES, "shape"]
    plurals = [{"cross": "crosses"}.get(s, s + "s") for s in shapes]
    named = [*shapes, *plurals, *COLORS, *SIZES, *TEXTURES, *BACKGROUNDS, *STYLES]
    marks = ['"', ".", ","]
    return list(dict.fromkeys([*named, *_FRAMES, *marks, *LETTERS, *(p + a for p in LATER for a in LETTERS)]))


def build() -> Tokenizer:
    """The tokenizer: it splits at blanks and marks; capitals are letters only in words that are spelled."""
    vocabulary = {token: i for i, token in enumerate((*SPECIAL, *words()))}
    if len(vocabulary) > IMAGE_OFFSET:
        raise ValueError(f"{len(vocabulary)} words do not fit below {IMAGE_OFFSET}")
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unknown>"))
    tokenizer.normalizer = normalizers.Sequence(
        [
            # A capital before a small letter begins a sentence, and so does a lone A before one.
            *(
                normalizers.Replace(Regex(rf"\b{capital}(?=[a-z])"), capital.lower())
                for capital in string.ascii_uppercase
            ),
            normalizers.Replace(Regex(r"\bA(?= [a-z])"), "a"),
            *(
                normalizers.Replace(Regex(rf'(?<="[A-Z]{{{before}}}){letter}'), mark + letter)
                for before, mark in reversed([*enumerate(LATER, start=1)])
                for letter in LETTERS
            ),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(rf"[{''.join(LATER)}]?[A-Z]|[^\sA-Za-z]"), "isolated"),
            pre_tokenizers.WhitespaceSplit(),
        ]
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def split(text: str) -> list[str]:
    """The words, marks and letters of `text`, for error messages."""
    return re.findall(r"[A-Z]|[a-z]+|[^\sA-Za-z]", text)
