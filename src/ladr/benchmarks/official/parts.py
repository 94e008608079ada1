"""Score an official benchmark part by part. What cannot be scored is N/A with its reason, and stays so until
an official result is imported or a setting changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ladr.base.errors import LadrError
from ladr.benchmarks.official.images import imported_results, own_images
from ladr.benchmarks.official.named import named
from ladr.benchmarks.official.part import PartInput, PartScores
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row
from ladr.benchmarks.submission import BenchmarkScores, Submission
from ladr.benchmarks.summary import Tabled


class Parted(Tabled, Protocol):
    """A benchmark that is scored part by part."""

    def of(self, prompts: Sequence[Prompt], images: int, /) -> Suite: ...
    def judge(self, part: str, inputs: PartInput, /) -> PartScores: ...
    def asked_parts(self, prompts: Sequence[Prompt]) -> Mapping[str, tuple[str, ...]]: ...


@dataclass
class _Collected:
    """What the parts that are done have given."""

    rows: list[Row] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)


def score(benchmark: Parted, submission: Submission, only: Iterable[str] | None = None) -> BenchmarkScores:
    """The parts that the prompts ask for, or those of `only`. A part that cannot be scored does not stop the
    others."""
    cell = submission.origin["cell"]
    say = submission.means.say
    layout = benchmark.of(submission.prompts, submission.images_per_prompt)
    inputs = PartInput(
        layout,
        submission.means.official,
        imported_results(submission.folder, submission.origin["tokens"]),
        submission.folder,
        own_images(layout, submission),
        lambda text: say(f"{cell}: {text}"),
    )
    done = _Collected()
    for part, columns in benchmark.asked_parts(submission.prompts).items():
        if only is not None and part not in only:
            continue
        try:
            _add(done, benchmark, part, columns, benchmark.judge(part, inputs))
        except LadrError as error:
            done.parts[part] = {"scorer": None, "reason": str(error)}
            done.lines += [absent(column, str(error)) for column in columns]
            say(f"{cell}: {part}: not scored: {error}")
    return BenchmarkScores(done.rows, done.lines, done.parts)


def _add(done: _Collected, benchmark: Tabled, part: str, columns: Iterable[str], judged: PartScores) -> None:
    from ladr.benchmarks.compare import table_lines  # pandas: only where a table is made

    lines = [line for line in table_lines(benchmark, judged.rows) if line["note"] != "not a score"]
    for line in lines:
        line["column"] = named(line["column"], judged.scorer, judged.exact)
        line["note"] = "; ".join(x for x in (line["note"], *_notes(judged)) if x)
    if not judged.exact:
        reason = f"scored by {judged.scorer}, which is not the official scorer: see the column of that name"
        done.lines += [absent(column, reason) for column in columns]
    done.lines += lines
    rows = [replace(row, column=named(row.column, judged.scorer, judged.exact)) for row in judged.rows]
    done.rows += rows
    done.parts[part] = {"scorer": judged.scorer, "exact": judged.exact, "notes": list(judged.notes)}


def _notes(judged: PartScores) -> tuple[str, ...]:
    """What the table says about who scored a part."""
    own = judged.scorer == "official"
    return judged.lacks if own else (f"scored by {judged.scorer}", *judged.notes)


def absent(column: str, why: str) -> dict[str, Any]:
    """The line of a column that has no value."""
    empty = dict.fromkeys(("value", "low", "high", "floor", "ceiling"))
    return {"column": column, **empty, "n": 0, "note": f"N/A: {why}"}
