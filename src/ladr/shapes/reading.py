"""The result of the evaluator for an image: detections, letters, background, style, junk."""

from dataclasses import dataclass, field

import numpy as np

VERSION = 1  # of the evaluator: raise it with every change that can change a score
SEEN = 0.80  # from this score on, a thing is there
SURE = 0.86  # from this score on, a thing may be counted ...
CLEAR = 0.02  # ... if it agrees by so much better with its shape than with any other


@dataclass(frozen=True)
class Detection:
    """One thing or letter. `shape` is None where no template agrees: something is there, but unknown."""

    shape: str | None
    letter: str | None
    score: float  # agreement with the template, [0, 1]
    margin: float  # how much better than with any other template
    color: str
    purity: float  # share of its coloured pixels that have `color`
    texture: str
    texture_score: float
    hollow: bool  # an outline
    box: tuple[int, int, int, int]  # y, x, height, width, pixels
    mask: np.ndarray = field(repr=False, compare=False)  # (64, 64) bool

    @property
    def centre(self) -> tuple[float, float]:
        y, x, h, w = self.box
        return y + h / 2, x + w / 2

    @property
    def size(self) -> str:
        side = max(self.box[2:])
        return "small" if side <= 13 else "medium" if side <= 21 else "big"

    @property
    def sure(self) -> bool:
        return self.score >= SURE and self.margin >= CLEAR


@dataclass(frozen=True)
class Reading:
    """All that was read. Letters stand from left to right; `?` is ink in their line that is no letter."""

    things: tuple[Detection, ...]  # also those without a shape
    letters: tuple[Detection, ...]
    text: str
    text_color: str | None
    background: str | None  # None: it does not have one colour
    style: str | None  # None: nothing is there, or the things disagree
    junk: float  # share of the foreground that no detection explains

    @property
    def known(self) -> tuple[Detection, ...]:
        return tuple(d for d in self.things if d.shape is not None)

    @property
    def unknown(self) -> int:
        return len(self.things) - len(self.known)
