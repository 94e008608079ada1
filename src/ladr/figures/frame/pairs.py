"""Which row leads a column for sure: paired by prompt."""

import pandas as pd

from ladr.benchmarks.intervals import PromptSums, difference
from ladr.benchmarks.summary import OVERALL
from ladr.figures.frame.results import Results


def leaders(results: Results, rows: pd.DataFrame, scores: pd.DataFrame, column: str) -> dict[str, str]:
    """Row name -> `best` or `second`, where its lead over the next row excludes zero."""
    values = scores[scores.column == column].set_index("name").value.dropna()
    order = list(values.sort_values(ascending=False, kind="stable").index)
    cells = dict(zip(rows.name, rows.cell, strict=True))
    out = {}
    for place, mark in enumerate(("best", "second")):
        if len(order) < place + 2:
            break
        ahead, behind = (samples(results, cells[order[i]], column) for i in (place, place + 1))
        if ahead is None or difference(ahead, behind).low <= 0:
            break
        out[order[place]] = mark
    return out


def samples(results: Results, cell: str, column: str | None) -> list[PromptSums] | None:
    """What each prompt gave, in the order of the prompts' ids; several columns for a mean of columns."""
    if column is None:
        return None
    own = results.judged(cell, "score")
    if column in own:
        return [own[column]]
    name, _, scorer = column.partition(" [")  # a substitute's columns bear its name, their mean as well
    parts = [c for c in own if c.partition(" [")[2] == scorer and not c.endswith(")")]
    return [own[part] for part in parts] or None if name == OVERALL else None
