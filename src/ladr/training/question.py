"""A question of an exam or a sample sheet."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Question:
    """A prompt, and `right`: whether an image (h, w, 3) uint8 shows what it states."""

    text: str
    right: Callable[[np.ndarray], bool]
