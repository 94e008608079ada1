"""Figures 5 and 6, and any other ablation of the experiment: one group of bars per column, with intervals."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ladr.figures.frame import roles, style
from ladr.figures.frame.caption import about
from ladr.figures.frame.results import NotAskedError, Results, known, rows_of, shown
from ladr.figures.frame.save import Plot

NEEDS = "ablations"
PREFIX = "ablations/"
EXPLAINED = (
    "{title}: score in percent per column, 95 % interval over prompts, forward passes per image in the "
    "legend. {budget}"
)
REPLAYED = "Every row commits as many cells per image and pass as {source}, at other places{but}."
OWN = "Each row keeps its own budget."


def draw(results: Results) -> Iterator[Plot]:
    groups = [g for g in dict.fromkeys(results.grid.group) if g.startswith(PREFIX)]
    if not groups:
        raise NotAskedError("the experiment has no ablations")
    for group in groups:
        for backbone, benchmark, scores in results.scored(group):
            yield plot(results, group.removeprefix(PREFIX), backbone, benchmark, scores)


def plot(results: Results, group: str, backbone: str, benchmark: str, scores: pd.DataFrame) -> Plot:
    rows, columns = rows_of(scores), shown(known(scores[scores.column.isin(shown(scores.column))]).column)
    figure, ((panel,),) = style.canvas(style.WIDE, 3.8)
    looks, width = style.looks(rows.label), 0.8 / len(rows)
    for i, row in enumerate(rows.itertuples()):
        mine = scores[scores.name == row.name].set_index("column").loc[columns]
        x = np.arange(len(columns)) + (i - (len(rows) - 1) / 2) * width
        bars = np.clip([mine.value - mine.low, mine.high - mine.value], 0, None)
        label = f"{row.label} ({row.passes:.1f})"
        panel.bar(x, mine.value, width * 0.94, color=looks[row.label]["color"], label=label)
        panel.errorbar(x, mine.value, bars, ls="none", color="black", lw=0.9, capsize=2)
    panel.set_xticks(np.arange(len(columns)), [c.replace(" ", "\n") for c in columns])
    panel.set_ylabel(f"{benchmark}, %")
    panel.grid(False, axis="x")
    style.below(figure, panel, 2)
    title = f"{group}: {benchmark} on {backbone}"
    caption = EXPLAINED.format(title=group, budget=_budget(results, rows))
    return Plot(f"{group}-{benchmark}-{backbone}", title, figure, f"{caption} {about(results, rows.cell)}")


def _budget(results: Results, rows: pd.DataFrame) -> str:
    """What the rows' policies say about their budgets."""
    spent = [roles.budget_of(results, cell) for cell in rows.cell]
    source = next((one for one, cell in zip(spent, rows.cell, strict=True) if one != cell), None)
    if source is None:
        return OWN
    other = [label for one, label in zip(spent, rows.label, strict=True) if one != source]
    labels = results.grid[results.grid.cell == source].label
    but = f"; not so {', '.join(other)}" if other else ""
    return REPLAYED.format(source=labels.iloc[0] if len(labels) else source, but=but)
