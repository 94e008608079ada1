"""What asking a judge will take, told before it is asked."""

import math
from dataclasses import dataclass
from pathlib import Path

from ladr.benchmarks.image_files import size_of

PATCH = 28  # pixels a side that one image token of the Qwen2.5-VL family stands for
CHARS_PER_TOKEN = 4


@dataclass(frozen=True)
class CostEstimate:
    """What asking will take. Tokens are guessed from characters and pixels. Without prices `cost` is None."""

    questions: int
    kept: int
    tokens_in: int
    tokens_out: int
    hours: float
    cost: float | None

    def __str__(self) -> str:
        price = "" if self.cost is None else f", about {self.cost:.2f} in the currency of your prices"
        left = self.questions - self.kept
        return (
            f"{self.questions} questions, {self.kept} answered before, {left} to ask: about "
            f"{self.tokens_in:,} tokens in, {self.tokens_out:,} out, {self.hours:.1f} h{price}"
        )


def tokens_of_text(text: str) -> int:
    return len(text) // CHARS_PER_TOKEN


def tokens_of_image(path: Path) -> int:
    width, height = size_of(path)
    return math.ceil(width / PATCH) * math.ceil(height / PATCH)
