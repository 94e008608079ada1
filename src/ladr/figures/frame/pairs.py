"""Paired samples of two rows, and which row leads a column for sure."""

import pandas as pd

from ladr.benchmarks import benchmark
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
    """The judgements of each prompt, in the order of the prompts' ids; several samples for a mean of columns.

    The columns of a mean are those that the benchmark names for it, without others such as Intact. None where
    the column has no judgements.
    """
    if column is None:
        return None
    own = results.judged(cell, "score")
    if column in own:
        return [own[column]]
    name, _, scorer = column.partition(" [")  # columns of a substitute scorer, and their mean, have its name
    suite = benchmark(results.record(cell)["spec"]["benchmark"]["name"])
    averaged = {c.partition(" [")[0] for c in suite.overall}
    parts = [c for c in own if c.partition(" [")[0] in averaged and c.partition(" [")[2] == scorer]
    return [own[part] for part in parts] or None if name == OVERALL else None
