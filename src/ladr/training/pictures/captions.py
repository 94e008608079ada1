"""Prompts of the picture world, and the closed vocabulary that they are written in."""

from collections.abc import Sequence

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, IN_STYLE, ON_COLOUR, STYLES, thing
from ladr.training.vocabulary import SPECIAL

IMAGE_OFFSET = 1024  # the ids between the last concept and this one are free for concepts to come
STATED = 0.85  # share of captions that name the style, and share of those that name the background
OPENINGS = ("{thing}", "a picture of {thing}")


def caption(name: str, style: str | None, background: str | None, rng: np.random.Generator) -> str:
    """One of the ways to say it; what is None stays unsaid."""
    words = OPENINGS[rng.integers(len(OPENINGS))].format(thing=thing(name))
    if style is not None:
        words += IN_STYLE[rng.integers(len(IN_STYLE))].format(style=style)
    if background is not None:
        words += ON_COLOUR[rng.integers(len(ON_COLOUR))].format(background=background)
    return words


def vocabulary() -> list[str]:
    """The words of all frames, styles and backgrounds, in small letters, in a fixed order."""
    frames = " ".join((*OPENINGS, *IN_STYLE, *ON_COLOUR)).replace(",", " ").split()
    words = [word for word in frames if not word.startswith("{")]
    return list(dict.fromkeys([*words, "an", ",", *(s.lower() for s in STYLES), *BACKGROUNDS]))


def tokenizer(names: Sequence[str]) -> Tokenizer:
    """A word-level tokenizer in which the name of a concept is one token, however many words it has.

    The longest name that fits is taken: "tiger face" is never "tiger" and "face".
    """
    words = {token: i for i, token in enumerate((*SPECIAL, *vocabulary()))}
    if len(words) + len(names) > IMAGE_OFFSET:
        raise ValueError(f"{len(words)} words and {len(names)} names do not fit below {IMAGE_OFFSET}")
    built = Tokenizer(models.WordLevel(words, unk_token="<unknown>"))
    built.normalizer = normalizers.Lowercase()
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"[^\sa-z0-9]"), "isolated"), pre_tokenizers.WhitespaceSplit()]
    )
    built.add_special_tokens(list(SPECIAL))
    built.add_tokens([AddedToken(name, single_word=True, normalized=True) for name in names])
    return built
