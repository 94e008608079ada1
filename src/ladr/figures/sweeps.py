"""Heat maps of score and passes over two swept fields: alpha and tau, and the ends of the phases."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.caption import about
from ladr.figures.frame.results import NotAskedError, Results, main, points
from ladr.figures.frame.save import Plot

PREFIX = "sweeps/"
EXPLAINED = (
    "{title}: {column} score in percent (with half the 95 % interval over prompts) and forward passes per"
    " image at every combination of {fields}."
)


def draw(results: Results) -> Iterator[Plot]:
    groups = [g for g in dict.fromkeys(results.grid.group) if g.startswith(PREFIX)]
    drawn = False
    for group in groups:
        for backbone, benchmark, scores in results.places(group):
            table = points(main(scores))
            fields = [
                c for c in table.columns if c not in scores.columns and table[c].nunique(dropna=False) > 1
            ]
            if len(fields) == 2:
                drawn = True
                yield plot(results, group.removeprefix(PREFIX), backbone, benchmark, table, fields)
    if not drawn:
        raise NotAskedError("the experiment has no sweep of two fields")


def plot(
    results: Results, group: str, backbone: str, benchmark: str, table: pd.DataFrame, fields: list[str]
) -> Plot:
    figure, (panels,) = style.canvas(style.WIDE, 3.3, 1, 2)
    table = table.assign(half=(table.high - table.low) / 2)
    column = table.iloc[0].column
    for panel, (what, name) in zip(
        panels, {"value": f"{column}, %", "passes": "forward passes"}.items(), strict=True
    ):
        _map(panel, table, fields, what)
        panel.set_title(f"{name}")
    title = f"{group}: {benchmark} on {backbone}"
    caption = EXPLAINED.format(title=group, column=column, fields=" and ".join(fields))
    return Plot(f"{group}-{benchmark}-{backbone}", title, figure, f"{caption} {about(results, table.cell)}")


def _map(panel: Any, table: pd.DataFrame, fields: list[str], what: str) -> None:
    down, across = fields
    rows, columns = (sorted(set(table[f]), key=lambda v: (v is None, v)) for f in fields)
    at = {(r[down], r[across]): r for r in table.to_dict("records")}
    values = [[at[y, x][what] for x in columns] for y in rows]
    low, high = min(map(min, values)), max(map(max, values))
    panel.imshow(values, cmap=style.HEAT, aspect="auto", origin="lower", vmin=low, vmax=high)
    for (i, y), (j, x) in product(enumerate(rows), enumerate(columns)):
        dark = values[i][j] < (low + high) / 2
        text = f"{values[i][j]:.1f}"
        text += f"\n±{at[y, x]['half']:.1f}" if what == "value" else ""
        panel.text(j, i, text, ha="center", va="center", color="white" if dark else "black")
    panel.set_xticks(range(len(columns)), [f"{x:g}" if x is not None else "none" for x in columns])
    panel.set_yticks(range(len(rows)), [f"{y:g}" if y is not None else "none" for y in rows])
    panel.set(xlabel=across, ylabel=down)
    panel.grid(False)
