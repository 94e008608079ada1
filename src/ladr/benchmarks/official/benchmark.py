"""An official benchmark as an experiment asks it: all published prompts, or an even share of each column."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from ladr.benchmarks.benchmark import Benchmark
from ladr.benchmarks.official import parts
from ladr.benchmarks.official.fetch import ensure, place
from ladr.benchmarks.official.images import remove_images
from ladr.benchmarks.official.part import PartInput, PartScores
from ladr.benchmarks.official.settings import digest
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row
from ladr.benchmarks.sizes import per_column
from ladr.benchmarks.submission import BenchmarkScores, Submission


@dataclass(frozen=True, kw_only=True)
class OfficialBenchmark(Benchmark):
    """One official benchmark.

    `load(folder)` gives all published prompts, `of(prompts, images)` lays some of them out as the official
    scorer reads them, `sha256(folder)` is a hash of the published files that the prompts come from. `column`
    names the column that a prompt counts to when a share is taken. `images` are as many per prompt as the
    official scorer expects. `settings` are the keys of `official` in params.yaml that scores depend on.

    It is scored part by part: `parts` are the columns that each part fills, `judge(part, asked)` judges one,
    and a part that cannot be judged is N/A with the reason. `results(layout, path, totals)` checks a result
    of the official script and says under which names its files are kept. With `by_part` there is one such
    result for each part, and a part is the column of its prompts.
    """

    load: Callable[[Path | None], Suite]
    of: Callable[[Sequence[Prompt], int], Suite]
    sha256: Callable[[Path | None], str]
    column: Callable[[Prompt], str]
    images: int
    settings: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]
    judge: Callable[[str, PartInput], PartScores]
    results: Callable[[Suite, Path, Path | None], dict[str, Path]]
    by_part: bool = False
    official: ClassVar[bool] = True

    def prompts(self, size: str | int = "full", folder: Path | None = None) -> tuple[Prompt, ...]:
        """The published prompts, or `size` of every column, evenly spread over the column's own."""
        count = per_column(size)
        published = _published(self.name, self.load, place(self.name, folder))
        if count is None:
            return published
        columns: dict[str, list[int]] = {}
        for i, prompt in enumerate(published):
            columns.setdefault(self.column(prompt), []).append(i)
        kept = sorted(i for own in columns.values() for i in spread(own, count))
        return tuple(published[i] for i in kept)

    def files_sha256(self, folder: Path | None = None) -> str:
        return _hashed(self.sha256, place(self.name, folder))

    def images_per_prompt(self, usual: int, official: Any = None) -> int:
        return (official and official.images) or self.images

    def require_layout(self, prompts: Sequence[Prompt], images: int) -> None:
        self.of(prompts, images)

    def scorer(self, official: Any = None) -> dict[str, Any]:
        return {} if official is None else {"settings": digest(official, self.settings)}

    def score(self, submission: Submission) -> BenchmarkScores:
        """Judge every part, then remove the rendered images unless the settings keep them."""
        scores = self.score_parts(submission)
        if not submission.means.official.keep_images:
            remove_images(submission.folder)
        return scores

    def score_parts(self, submission: Submission, only: Iterable[str] | None = None) -> BenchmarkScores:
        """All parts that the prompts ask for, or those of `only`."""
        return parts.score(self, submission, only)

    def lines(self, rows: Sequence[Row], stored: Sequence[Mapping[str, Any]] = ()) -> list[Mapping[str, Any]]:
        """The stored lines: they were put together part by part, with what each scorer said."""
        return list(stored)

    def require_complete(
        self, cell: str, rows: Sequence[Row], prompts: Sequence[Prompt], images: int
    ) -> None:
        """Nothing: the scorer of each part has seen to it, and a part may be N/A."""

    def asked_parts(self, prompts: Sequence[Prompt]) -> dict[str, tuple[str, ...]]:
        """The parts that these prompts ask for: a small size may leave a category out."""
        present = {self.column(prompt) for prompt in prompts}
        return {part: columns for part, columns in self.parts.items() if not self.by_part or part in present}


def spread(own: Sequence[int], count: int) -> list[int]:
    """`count` of them at even distances; all if there are no more."""
    taken = min(count, len(own))
    return [own[k * len(own) // taken] for k in range(taken)]


@cache
def _published(name: str, load: Callable[[Path | None], Suite], folder: Path | None) -> tuple[Prompt, ...]:
    if folder is None:
        ensure(name)
    return load(folder).prompts


@cache
def _hashed(sha256: Callable[[Path | None], str], folder: Path | None) -> str:
    return sha256(folder)
