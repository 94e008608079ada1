"""What the evaluator says about an image: detections, letters, background, style, junk."""

from dataclasses import dataclass, field

import numpy as np

VERSION = 1  # of the evaluator: grows with every change that can change a score
SEEN = 0.80  # a thing is believed to be there
SURE = 0.86  # a thing is believed enough to be counted ...
CLEAR = 0.02  # ... if it agrees so much better with its shape than with any other


@dataclass(frozen=True)
class Detection:
    """One thing or letter. `shape` is None where no template agrees: it is still something."""

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
    """Everything that was read. Letters from left to right; `?` is ink in their line that is no letter."""

    things: tuple[Detection, ...]  # those without a shape too
    letters: tuple[Detection, ...]
    text: str
    text_color: str | None
    background: str | None  # None: no one colour
    style: str | None  # None: nothing there, or things that disagree
    junk: float  # share of the foreground that no detection explains

    @property
    def known(self) -> tuple[Detection, ...]:
        return tuple(d for d in self.things if d.shape is not None)

    @property
    def unknown(self) -> int:
        return len(self.things) - len(self.known)
