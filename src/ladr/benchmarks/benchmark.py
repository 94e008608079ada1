"""What every benchmark is: prompts, and a way to score the images that were decoded for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row
from ladr.benchmarks.submission import BenchmarkScores, Submission
from ladr.shapes.reading import VERSION as EVALUATOR

LINES = 2  # version of the table's lines: grows when `table_lines` gives other columns or values
Size = str | int


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One benchmark. A new one is a frozen dataclass that derives from this and defines `prompts` and `rows`.

    `version` grows when the prompts, or the scores of the same images, change: results are named by it.
    `columns` are the columns of the table in their order. Its Overall is the mean of the columns `overall`.
    `weak` says for which columns a score stands for less than its name says, `absent` which columns are
    left out and why. `last_image` are columns that have a second line, of every prompt's last image alone.
    `reads` says what the prompts offer a backbone to read: their `text`, the `scene` in their meta, or the
    words of a Potts `field`; a backbone that reads something else is refused.
    """

    name: str
    version: int
    columns: tuple[str, ...]
    overall: tuple[str, ...] = ()
    weak: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    last_image: tuple[str, ...] = ()
    reads: tuple[str, ...] = ("text",)

    # Official benchmarks are scored in jobs of their own, by the settings `official` of params.yaml.
    official: ClassVar[bool] = False
    # Every prompt has a true image of 64 x 64 pixels: `ceiling` scores these images, and illustrations show
    # decoded images beside what `judgements` says of their `read`.
    has_truth: ClassVar[bool] = False

    def prompts(self, size: Size = "default", folder: Path | None = None) -> tuple[Prompt, ...]:
        """The prompts of a size: smoke, default, full, or how many of every column. `folder` holds published
        prompt files, for the benchmarks that have some."""
        raise NotImplementedError(f"benchmark {self.name}: define `prompts`")

    def rows(self, submission: Submission) -> tuple[Row, ...]:
        """Every judgement of every image."""
        raise NotImplementedError(f"benchmark {self.name}: define `rows`")

    def score(self, submission: Submission) -> BenchmarkScores:
        """The judgements of a cell's images and the lines of its table."""
        rows = self.rows(submission)
        return BenchmarkScores(rows, self.lines(rows))

    def lines(self, rows: Sequence[Row], stored: Sequence[Mapping[str, Any]] = ()) -> list[Mapping[str, Any]]:
        """The lines of a cell's table. `stored` are those that were written when the cell was scored."""
        from ladr.benchmarks.compare import table_lines  # pandas: only where a table is made

        return list(table_lines(self, rows))

    def scorer(self, official: Any = None) -> dict[str, Any]:
        """What scores, as the record of a score keeps it: a cell whose record says otherwise is scored anew.
        `official` are the settings of params.yaml; without them only what the code alone decides is told."""
        return {"scorer": {"evaluator": EVALUATOR, "lines": LINES}}

    def require_complete(
        self, cell: str, rows: Sequence[Row], prompts: Sequence[Prompt], images: int
    ) -> None:
        """LadrError where an image of a prompt has no score, or one has that nobody asked for."""
        from ladr.benchmarks.compare import require_complete

        require_complete(cell, rows, prompts, images)

    def images_per_prompt(self, usual: int, official: Any = None) -> int:
        """How many images a prompt has where params.yaml says nothing special; `usual` is its `images`."""
        return usual

    def require_layout(self, prompts: Sequence[Prompt], images: int) -> None:
        """LadrError where so many images of each of these prompts cannot be scored."""

    def files_sha256(self, folder: Path | None = None) -> str | None:
        """One sha256 of the published files that the prompts come from; None where there are none."""
        return None

    def read(self, image: np.ndarray) -> Any:
        """What an image (64, 64, 3) uint8 shows, where `has_truth`; by default, in the shape world."""
        from ladr.shapes.detect import read

        return read(image)

    def judgements(self, prompt: Prompt, reading: Any) -> Sequence[Any]:
        """The judgements of one image from its reading, where `has_truth`."""
        raise NotImplementedError(f"benchmark {self.name}: has no true images")

    def ceiling(
        self, prompts: Sequence[Prompt], through: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[Row, ...]:
        """The judgements of the true images, sent `through` a tokenizer and back, where `has_truth`."""
        raise NotImplementedError(f"benchmark {self.name}: has no true images")
