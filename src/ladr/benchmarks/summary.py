"""From judgements to the lines of a table: value, interval, ceiling, floor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ladr.benchmarks.intervals import Estimate, PromptSums, estimate
from ladr.benchmarks.rows import Row

UNSEEN = " (unseen)"
LAST_IMAGE = " (official L1)"  # how DPG-Bench's own script counts
OVERALL = "Overall"
Columns = Mapping[str, Mapping[str, tuple[float, int]]]  # column -> prompt -> (sum, number) of judgements


class Tabled(Protocol):
    """What a table shows of a benchmark: its columns, which of them make Overall, and notes on them."""

    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def overall(self) -> tuple[str, ...]: ...
    @property
    def weak(self) -> Mapping[str, str]: ...
    @property
    def absent(self) -> Mapping[str, str]: ...
    @property
    def last_image(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class TableLine:
    """One line of a table. `score` is None for a column that has no counterpart here; `note` says why."""

    column: str
    score: Estimate | None
    floor: float | None = None
    ceiling: float | None = None
    note: str = ""


def samples(rows: Iterable[Row], kind: str = "score") -> dict[str, dict[str, tuple[float, int]]]:
    """Column -> prompt -> (sum of its judgements, how many)."""
    columns: dict[str, dict[str, tuple[float, int]]] = {}
    for row in rows:
        if row.kind == kind:
            column = columns.setdefault(row.column, {})
            total, count = column.get(row.prompt, (0.0, 0))
            column[row.prompt] = (total + row.value, count + 1)
    return columns


def sample(column: Mapping[str, tuple[float, int]], prompts: Sequence[str] | None = None) -> PromptSums:
    """One column; its prompts in the order of `prompts`, or in the column's own order."""
    taken = [column[p] for p in (prompts or column)]
    return PromptSums(np.array([s for s, _ in taken]), np.array([n for _, n in taken]))


def summarise(suite: Tabled, rows: Sequence[Row], ceiling: Sequence[Row] | None = None) -> list[TableLine]:
    """The lines of the benchmark's table in order: columns, Overall, unseen compositions, last images alone,
    then the columns that have no counterpart. `ceiling` are rows of the true images through the tokenizer."""
    own, chance = samples(rows), samples(rows, "floor")
    best = samples(ceiling) if ceiling is not None else {}
    order = [c for c in suite.columns if c in own]
    order += [c + UNSEEN for c in suite.columns if c + UNSEEN in own]
    lines = [
        TableLine(c, estimate([sample(own[c])]), _mean(chance, c), _mean(best, c), suite.weak.get(c, ""))
        for c in order
    ]
    if suite.overall and all(c in own for c in suite.overall):
        lines.insert(len(suite.overall), _overall(suite, own, chance, best))
    lines += _last_images(suite.last_image, rows)
    return lines + [TableLine(column, None, note=why) for column, why in suite.absent.items()]


def _mean(table: Columns, column: str) -> float | None:
    return sample(table[column]).mean if column in table else None


def _overall(suite: Tabled, own: Columns, chance: Columns, best: Columns) -> TableLine:
    """The unweighted mean of the columns."""

    def mean(table: Columns) -> float | None:
        values = [sample(table[c]).mean for c in suite.overall if c in table]
        return float(np.mean(values)) if len(values) == len(suite.overall) else None

    return TableLine(OVERALL, estimate([sample(own[c]) for c in suite.overall]), mean(chance), mean(best))


def _last_images(columns: Sequence[str], rows: Sequence[Row]) -> list[TableLine]:
    """The columns again, of every prompt's last image alone: raw answers, nothing zeroed."""
    if not columns:
        return []
    last: dict[str, int] = {}
    for row in rows:
        last[row.prompt] = max(row.image, last.get(row.prompt, 0))
    own = samples([row for row in rows if row.image == last[row.prompt]])
    return [
        TableLine(column + LAST_IMAGE, estimate([sample(own[column])]), note="last image, not zeroed")
        for column in columns
        if column in own
    ]


def of_kind(rows: Iterable[Row], kind: str) -> Estimate | None:
    """The mean over all columns of the rows of kind "junk" or "diversity"; None where there are none."""
    prompts: dict[str, tuple[float, int]] = {}
    for column in samples(rows, kind).values():
        for prompt, (total, count) in column.items():
            before = prompts.get(prompt, (0.0, 0))
            prompts[prompt] = before[0] + total, before[1] + count
    return estimate([sample(prompts)]) if prompts else None
