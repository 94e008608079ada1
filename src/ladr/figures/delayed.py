"""Table 5 as measured here: LADR, and LADR without a rescue in its first phase."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.figures.frame import roles
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import FEW, FEW_EXPLAINED, Place, wide
from ladr.figures.frame.results import NotAskedError, Results, rows_of, shown
from ladr.figures.frame.save import Table
from ladr.figures.frame.speed import speeds

NEEDS = "delayed"
EXPLAINED = (
    "Score in percent with its 95 % interval over prompts, forward passes per image. Last line: {late} "
    "less {full} in points, paired by prompt, with its 95 % interval; the later rescue is better where the "
    "interval lies above zero."
)


def draw(results: Results) -> Iterator[Table]:
    empty = True
    for backbone, benchmark, scores in results.places():
        if roles.delayed(results, rows_of(scores)) is not None:
            empty = False
            yield table(results, backbone, benchmark, scores)
    if empty:
        raise NotAskedError("no sampler of the experiment delays LADR's rescue")


def table(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame) -> Table:
    rows = rows_of(scores)
    columns = shown(scores.column)
    full = roles.rescuing(results, rows)
    late = roles.delayed(results, rows)
    picked = [roles.baseline(rows), roles.fair(results, rows), full, late]
    names = list(dict.fromkeys(row.name for row in picked if row is not None))
    measured = speeds(results, rows)
    lines = [_line(scores[scores.name == name], columns, measured.cells(name)) for name in names]
    place = Place(results, "", backbone, benchmark)
    last = {"Method": f"{late.label} less {full.label}"}
    for column in columns:
        fact = place.scores(late, full, column)
        last[column] = _points(fact, sign="+") if fact else None
    empty = dict.fromkeys(lines[0].keys() - last.keys(), "")
    caption = f"{EXPLAINED.format(late=late.label, full=full.label)} {measured.explained} "
    caption += f"{FEW_EXPLAINED} " if any(FEW in line.values() for line in [*lines, last]) else ""
    caption += about(results, [row.cell for row in picked if row is not None])
    data = scores[scores.name.isin(names)].drop(columns=["seconds"])
    title = f"Delayed rescue: {benchmark} on {backbone}"
    name = f"delayed-{benchmark}-{backbone}"
    return Table(name, title, pd.DataFrame([*lines, {**last, **empty}]), data, caption, folder=backbone)


def _line(scores: pd.DataFrame, columns: list[str], seconds: dict[str, str]) -> dict[str, str | None]:
    row = scores.iloc[0]
    by_column = scores.set_index("column")
    out = {"Method": row.label, "Passes": f"{row.passes:.1f}", **seconds}
    for column in columns:
        one = by_column.loc[column]
        known = pd.notna(one.value)
        out[column] = _points(one) if known else None
    return out


def _points(one: Any, sign: str = "") -> str:
    """A score or a difference with its interval."""
    if wide(one.low, one.high):
        return FEW
    return f"{one.value:{sign}.1f} [{one.low:{sign}.1f}, {one.high:{sign}.1f}]"
