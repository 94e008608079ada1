"""Which row leads a column for sure: paired by prompt."""

import pandas as pd

from ladr.benchmarks.intervals import Sample, difference
from ladr.figures.frame.results import OVERALL


def leaders(
    judgements: pd.DataFrame, rows: pd.DataFrame, scores: pd.DataFrame, column: str
) -> dict[str, str]:
    """Row name -> `best` or `second`, where its lead over the next row excludes zero."""
    values = scores[scores.column == column].set_index("name").value.dropna()
    order = list(values.sort_values(ascending=False, kind="stable").index)
    cells = dict(zip(rows.name, rows.cell, strict=True))
    out = {}
    for place, mark in enumerate(("best", "second")):
        if len(order) < place + 2:
            break
        ahead, behind = (samples(judgements, cells[order[i]], column) for i in (place, place + 1))
        if ahead is None or difference(ahead, behind).low <= 0:
            break
        out[order[place]] = mark
    return out


def samples(judgements: pd.DataFrame, cell: str, column: str) -> list[Sample] | None:
    """What each prompt gave, in the order of the prompts' ids; several columns for a mean of columns."""
    own = judgements[(judgements.cell == cell) & (judgements.kind == "score")]
    parts = [column] if column in set(own.column) else []
    if not parts and column == OVERALL:
        parts = [c for c in dict.fromkeys(own.column) if not c.endswith(")")]
    return [_sample(own[own.column == part]) for part in parts] or None


def _sample(own: pd.DataFrame) -> Sample:
    grouped = own.groupby("prompt", sort=True).value.agg(["sum", "count"])
    return Sample(grouped["sum"].to_numpy(), grouped["count"].to_numpy())
