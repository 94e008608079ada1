"""Figures 5 and 6, and every other ablation: bars with intervals for each column, many rows as a matrix."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ladr.figures.frame import matrix, roles, style, words
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import Place
from ladr.figures.frame.looks import BUDGET, looks, same_as
from ladr.figures.frame.results import NotAskedError, Results, known, rows_of, shown
from ladr.figures.frame.roles import sampler_of
from ladr.figures.frame.save import Plot

NEEDS = "ablations"
PREFIX = "ablations/"
EXPLAINED = (
    "{title}: {rows}. Above: score in percent per column, 95 % interval over prompts, forward passes per "
    "image in the legend, with the table's sampler after a colon where a row is one. Below: points by which "
    "a row scores more than '{first}', paired by prompt, with the 95 % interval (bootstrap over prompts): a "
    "difference is sure where its interval lies off zero. {budget}"
)
REPLAYED = (
    "In each pass every row commits as many cells of each image as {source} did{but}; the rows differ in "
    "which cells these are{same}."
)
SAME = "; {labels} follows {source}'s own rule"
OWN = "Each row keeps its own budget."
HEIGHTS = (1, 0.75)  # relative heights of the two panels
NONE = 0.0  # no difference
MANY, SLANT = 7, 40  # names of more columns than this are slanted by so many degrees
BARS, GAP = 0.8, 0.94  # widths: of the bars in a column's place; of a bar in its own place


def draw(results: Results) -> Iterator[Plot]:
    groups = results.groups(PREFIX)
    if not groups:
        raise NotAskedError("the experiment has no ablations")
    for group in groups:
        for backbone, benchmark, scores in results.scored(group):
            yield plot(results, group.removeprefix(PREFIX), backbone, benchmark, scores)


def plot(results: Results, group: str, backbone: str, benchmark: str, scores: pd.DataFrame) -> Plot:
    rows = rows_of(scores)
    columns = shown(known(scores[scores.column.isin(shown(scores.column))]).column)
    many, place = len(rows) > matrix.MANY, Place(results, group, backbone, benchmark)
    figure = (_matrix if many else _bars_and_differences)(place, scores, columns)
    heading = words.group(group)
    who = {"rows": " / ".join(rows.label), "first": rows.iloc[0].label}
    caption = (matrix.EXPLAINED if many else EXPLAINED).format(
        title=heading, budget=_budget(results, rows), **who
    )
    title = f"{heading}: {benchmark} on {backbone}"
    caption = f"{caption} {about(results, rows.cell)}"
    return Plot(f"{group}-{benchmark}-{backbone}", title, figure, caption, folder=backbone)


def _matrix(place: Place, scores: pd.DataFrame, columns: list[str]) -> Any:
    rows = rows_of(scores)
    figure, ((panel,),) = style.canvas(*matrix.size(len(rows)))
    names = [_named(place.results, row) for row in rows.itertuples()]
    matrix.draw(panel, place, scores, columns, names)
    return figure


def _bars_and_differences(place: Place, scores: pd.DataFrame, columns: list[str]) -> Any:
    rows = rows_of(scores)
    ratios = {"height_ratios": HEIGHTS}
    figure, ((above,), (below,)) = style.canvas(style.WIDE, 5.6, 2, sharex=True, gridspec_kw=ratios)
    _bars(above, place.results, scores, columns)
    _differences(below, place, rows, columns)
    aslant = {"rotation": SLANT, "ha": "right", "rotation_mode": "anchor"} if len(columns) > MANY else {}
    names = columns if aslant else [c.replace(" ", "\n") for c in columns]
    below.set_xticks(np.arange(len(columns)), names, **aslant)
    for panel, label in (
        (above, f"{place.benchmark}, %"),
        (below, f"difference to\n'{rows.iloc[0].label}', points"),
    ):
        panel.set_ylabel(label)
        panel.grid(False, axis="x")
    style.below(figure, above, 2)
    return figure


def _places(rows: pd.DataFrame, columns: list[str]) -> Iterator[tuple[Any, np.ndarray]]:
    """Each row, with the positions of its bars, one per column."""
    width = BARS / len(rows)
    for i, row in enumerate(rows.itertuples()):
        yield row, np.arange(len(columns)) + (i - (len(rows) - 1) / 2) * width


def _bars(panel: Any, results: Results, scores: pd.DataFrame, columns: list[str]) -> None:
    """The scores of every row in every column."""
    rows = rows_of(scores)
    own = looks(results, rows)
    width = GAP * BARS / len(rows)
    for row, x in _places(rows, columns):
        mine = scores[scores.name == row.name].set_index("column").loc[columns]
        bars = np.clip([mine.value - mine.low, mine.high - mine.value], 0, None)
        panel.bar(x, mine.value, width, color=own[row.label]["color"], label=_named(results, row))
        panel.errorbar(x, mine.value, bars, ls="none", color="black", lw=0.9, capsize=2)


def _differences(panel: Any, place: Place, rows: pd.DataFrame, columns: list[str]) -> None:
    """The difference of each row to the first one, below the row's bars."""
    own = looks(place.results, rows)
    first = next(rows.itertuples())
    panel.axhline(NONE, color=style.QUIET, lw=1.2)
    for row, x in list(_places(rows, columns))[1:]:
        facts = [place.scores(row, first, column) for column in columns]
        for fact, at in zip(facts, x, strict=True):
            if fact:
                style.point(panel, fact, at, own[row.label] | {"ms": 5})


def full_name(results: Results, row: Any) -> str:
    """A row's label, with the label of the table's sampler that it is, if it is one."""
    table = same_as(results, row)
    return row.label if table in (None, row.label) else f"{row.label}: {table}"


def _named(results: Results, row: Any) -> str:
    """The row's name in the figure, with its passes."""
    return f"{full_name(results, row)} ({row.passes:.1f})"


def _budget(results: Results, rows: pd.DataFrame) -> str:
    """The sentence of the caption about the budgets of the rows."""
    budgets = [roles.budget_of(results, cell) for cell in rows.cell]
    source = next((one for one, cell in zip(budgets, rows.cell, strict=True) if one != cell), None)
    if source is None:
        return OWN
    other = [label for one, label in zip(budgets, rows.label, strict=True) if one != source]
    sampler = sampler_of(results, source)
    theirs = words.without(sampler, (BUDGET,))
    same = [
        r.label for r in rows.itertuples() if words.without(sampler_of(results, r.cell), (BUDGET,)) == theirs
    ]
    name = words.kin(results, rows.iloc[0].backbone, sampler) or source
    return REPLAYED.format(
        source=name,
        but=f" (not so {words.listed(other)})" if other else "",
        same=SAME.format(labels=words.listed(f"'{one}'" for one in same), source=name) if same else "",
    )
