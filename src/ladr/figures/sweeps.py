"""Score and passes over swept fields: maps of two (alpha and tau, the ends of the phases), lines of one."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.caption import about
from ladr.figures.frame.results import SAMPLERS, NotAskedError, Results, main
from ladr.figures.frame.save import Plot

NEEDS = "sweeps"
PREFIX = "sweeps/"
EXPLAINED = (
    "{title}: {column} score in percent ({interval}) and forward passes per image at every value of "
    "{fields}.{where}{base}"
)
HALF, BAND = "± half the 95 % interval over prompts", "bars: 95 % interval over prompts"


def draw(results: Results) -> Iterator[Plot]:
    groups = [g for g in dict.fromkeys(results.grid.group) if g.startswith(PREFIX)]
    if not groups:
        raise NotAskedError("the experiment has no sweeps")
    for group in groups:
        for backbone, benchmark, scores in results.scored(group):
            yield from plots(results, group.removeprefix(PREFIX), backbone, benchmark, main(scores))


def plots(
    results: Results, group: str, backbone: str, benchmark: str, scores: pd.DataFrame
) -> Iterator[Plot]:
    """One plot; of three fields and more, one per combination of the further ones."""
    points = pd.DataFrame([json.loads(p) for p in scores.point], index=scores.index, dtype=object)
    fields = [f for f in points if points[f].map(told).nunique() > 1] or list(points)[:1]
    shown, rest = fields[:2], fields[2:]
    keys = pd.Series([tuple(map(told, row)) for row in points[rest].to_numpy()], index=points.index)
    for key in dict.fromkeys(keys):
        here = [k == key for k in keys]
        where = ", ".join(f"{f} {v}" for f, v in zip(rest, key, strict=True))
        name = "-".join([group, benchmark, backbone, *key])
        yield plot(results, (name, group, where), (backbone, benchmark), scores[here], points[here][shown])


def plot(
    results: Results, names: tuple[str, str, str], place: tuple[str, str], scores: Any, at: pd.DataFrame
) -> Plot:
    (name, group, where), (backbone, benchmark) = names, place
    column, mapped = scores.iloc[0].column, at.shape[1] == 2
    figure, (panels,) = style.canvas(style.WIDE, 3.3 if mapped else 3.0, 1, 2)
    base = scores.cell.isin(results.at(backbone, benchmark, SAMPLERS).cell).to_numpy()
    kinds = {"value": f"{benchmark}: {column}, %", "passes": "forward passes per image"}
    for panel, (what, label) in zip(panels, kinds.items(), strict=True):
        (_map if mapped else _line)(panel, scores.assign(base=base), at, what)
        panel.set_title(label) if mapped else panel.set_ylabel(label)
    caption = EXPLAINED.format(
        title=group, column=column, interval=HALF if mapped else BAND, fields=" and ".join(at),
        where=f" Here {where}." if where else "",
        base=" Framed: the values of a row of the table." if mapped and base.any() else "",
    )  # fmt: skip
    title = f"{group}: {benchmark} on {backbone}" + (f", {where}" if where else "")
    return Plot(name, title, figure, f"{caption} {about(results, scores.cell)}")


def told(value: Any) -> str:
    """A swept value in words."""
    if value is None:
        return "none"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return format(value, "g") if number else str(value)


def ordered(values: Sequence[Any]) -> list[Any]:
    """The different values; numbers by size, others as they come, none last."""
    different = list({told(v): v for v in values}.values())
    numbers = all(isinstance(v, (int, float)) for v in different if v is not None)
    return sorted(different, key=lambda v: (v is None, v if numbers and v is not None else 0))


def _map(panel: Any, scores: pd.DataFrame, at: pd.DataFrame, what: str) -> None:
    down, across = at
    rows, columns = ([told(v) for v in ordered(list(at[f]))] for f in (down, across))
    found = dict(zip(zip(at[down].map(told), at[across].map(told), strict=True),
                     scores.to_dict("records"), strict=True))  # fmt: skip
    values = [[found[y, x][what] for x in columns] for y in rows]
    low, high = min(map(min, values)), max(map(max, values))
    panel.imshow(values, cmap=style.HEAT, aspect="auto", origin="lower", vmin=low, vmax=high)
    for (i, y), (j, x) in product(enumerate(rows), enumerate(columns)):
        one, colour = found[y, x], "white" if values[i][j] < (low + high) / 2 else "black"
        text = f"{values[i][j]:.1f}"
        text += f"\n±{(one['high'] - one['low']) / 2:.1f}" if what == "value" else ""
        panel.text(j, i, text, ha="center", va="center", color=colour)
        if one["base"]:
            box = {"fill": False, "edgecolor": style.COLOURS[1], "lw": 2.5}
            panel.add_patch(style.rectangle((j - 0.47, i - 0.47), 0.94, 0.94, **box))
    panel.set_xticks(range(len(columns)), columns)
    panel.set_yticks(range(len(rows)), rows)
    panel.set(xlabel=across, ylabel=down)
    panel.grid(False)


def _line(panel: Any, scores: pd.DataFrame, at: pd.DataFrame, what: str) -> None:
    (field,) = at
    names = [told(v) for v in ordered(list(at[field]))]
    mine = scores.assign(told=at[field].map(told)).set_index("told").loc[names]
    bars = None
    if what == "value":
        bars = [(mine.value - mine.low).clip(lower=0), (mine.high - mine.value).clip(lower=0)]
    panel.errorbar(range(len(names)), mine[what], bars, color=style.COLOURS[0], marker="o")
    panel.set_xticks(range(len(names)), names)
    panel.set_xlabel(field)
