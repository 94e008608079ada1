"""From judgements to the lines of a table: value, interval, ceiling, floor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ladr.benchmarks.intervals import Estimate, Sample, estimate
from ladr.benchmarks.mini import dpg
from ladr.benchmarks.mini.suite import MiniSuite
from ladr.benchmarks.rows import Row

UNSEEN = " (unseen)"
OFFICIAL = " (official L1)"
OVERALL = "Overall"


@dataclass(frozen=True)
class Line:
    """One line of a table. `score` is None for a column that has no counterpart here: `note` says why."""

    column: str
    score: Estimate | None
    floor: float | None = None
    ceiling: float | None = None
    note: str = ""


def samples(rows: Iterable[Row], kind: str = "score") -> dict[str, dict[str, tuple[float, int]]]:
    """Column -> prompt -> (sum of its judgements, how many)."""
    found: dict[str, dict[str, tuple[float, int]]] = {}
    for row in rows:
        if row.kind == kind:
            column = found.setdefault(row.column, {})
            total, count = column.get(row.prompt, (0.0, 0))
            column[row.prompt] = (total + row.value, count + 1)
    return found


def sample(column: Mapping[str, tuple[float, int]], prompts: Sequence[str] | None = None) -> Sample:
    """One column, its prompts in the order given or as they came."""
    taken = [column[p] for p in (prompts or column)]
    return Sample(np.array([s for s, _ in taken]), np.array([n for _, n in taken]))


def summarise(suite: MiniSuite, rows: Sequence[Row], ceiling: Sequence[Row] | None = None) -> list[Line]:
    """The lines of the suite's table in order: columns, Overall, unseen compositions, official conventions,
    then the columns that have no counterpart. `ceiling` are rows of ground truth through the tokenizer."""
    own, chance = samples(rows), samples(rows, "floor")
    best = samples(ceiling) if ceiling is not None else {}
    order = [c for c in suite.columns if c in own]
    order += [c + UNSEEN for c in suite.columns if c + UNSEEN in own]
    lines = [
        Line(c, estimate([sample(own[c])]), _mean(chance, c), _mean(best, c), suite.weak.get(c, ""))
        for c in order
    ]
    if suite.overall and all(c in own for c in suite.overall):
        lines.insert(len(suite.overall), _overall(suite, own, chance, best))
    lines += _official(suite, rows)
    return lines + [Line(column, None, note=why) for column, why in suite.absent.items()]


def _mean(table: Mapping[str, Mapping[str, tuple[float, int]]], column: str) -> float | None:
    return sample(table[column]).mean if column in table else None


def _overall(suite: MiniSuite, own, chance, best) -> Line:
    """The unweighted mean of the columns."""
    means = []
    for table in (chance, best):
        values = [_mean(table, c) for c in suite.overall]
        means.append(None if None in values else float(np.mean(values)))
    return Line(OVERALL, estimate([sample(own[c]) for c in suite.overall]), *means)


def _official(suite: MiniSuite, rows: Sequence[Row]) -> list[Line]:
    """DPG's own level-1 figures: raw answers of the last image of every prompt, the others not looked at."""
    if suite.name not in (dpg.SUITE.name, "dpg"):
        return []
    last: dict[str, int] = {}
    for row in rows:
        last[row.prompt] = max(row.image, last.get(row.prompt, 0))
    found = samples([row for row in rows if row.image == last[row.prompt]])
    return [
        Line(level + OFFICIAL, estimate([sample(found[level])]), note="last image, not zeroed")
        for level in dpg.LEVELS
        if level in found
    ]


def of_kind(rows: Iterable[Row], kind: str) -> Estimate | None:
    """The mean over all columns of the rows of kind "junk" or "diversity"; None where there are none."""
    prompts: dict[str, tuple[float, int]] = {}
    for column in samples(rows, kind).values():
        for prompt, (total, count) in column.items():
            before = prompts.get(prompt, (0.0, 0))
            prompts[prompt] = before[0] + total, before[1] + count
    return estimate([sample(prompts)]) if prompts else None
