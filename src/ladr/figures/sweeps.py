"""Score and passes over swept fields: a map of two fields (alpha and tau, ends of phases), a line of one."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pandas as pd

from ladr.figures.frame import style, words
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import wide
from ladr.figures.frame.looks import look_of
from ladr.figures.frame.results import SAMPLERS, NotAskedError, Results, main
from ladr.figures.frame.roles import sampler_of
from ladr.figures.frame.save import Plot

NEEDS = "sweeps"
PREFIX = "sweeps/"
EXPLAINED = "{of}: {fields}. At every value {column} score in percent ({interval}){passes}.{where}{base}"
HALF, BAND = "± half the 95 % interval over prompts", "bars: 95 % interval over prompts"
PASSES = " and forward passes per image"
SAME = "; forward passes per image are as many as {field}"
FRAMED = " {mark}: the setting of {label} in the table."
RING = 2.1  # a ring is so many times as wide as a marker
SPAN = 4.0  # an axis whose ends differ by this factor is logarithmic


def draw(results: Results) -> Iterator[Plot]:
    groups = results.groups(PREFIX)
    if not groups:
        raise NotAskedError("the experiment has no sweeps")
    for group in groups:
        for backbone, benchmark, scores in results.scored(group):
            yield from plots(results, group.removeprefix(PREFIX), backbone, benchmark, main(scores))


def plots(
    results: Results, group: str, backbone: str, benchmark: str, scores: pd.DataFrame
) -> Iterator[Plot]:
    """One plot; with three fields or more, one plot for each combination of the fields after the second."""
    points = pd.DataFrame([json.loads(p) for p in scores.point], index=scores.index, dtype=object)
    fields = [f for f in points if points[f].map(text_of).nunique() > 1] or list(points)[:1]
    shown, rest = fields[:2], fields[2:]
    keys = pd.Series([tuple(map(text_of, row)) for row in points[rest].to_numpy()], index=points.index)
    for key in dict.fromkeys(keys):
        here = [k == key for k in keys]
        where = ", ".join(f"{words.field(f)} {v}" for f, v in zip(rest, key, strict=True))
        name = "-".join([group, benchmark, backbone, *key])
        yield plot(results, (name, where), (backbone, benchmark), scores[here], points[here][shown])


def plot(
    results: Results, names: tuple[str, str], place: tuple[str, str], scores: Any, at: pd.DataFrame
) -> Plot:
    (name, where), (backbone, benchmark) = names, place
    column = scores.iloc[0].column
    mapped = at.shape[1] == 2
    kinds = {"value": f"{benchmark}: {column}, %", "passes": "forward passes per image"}
    same_passes = not mapped and list(at.iloc[:, 0]) == list(scores.passes)
    if same_passes:
        del kinds["passes"]
    size = (style.WIDE, 4.0 if mapped else 3.0)
    figure, (panels,) = style.canvas(*size, 1, len(kinds))
    table = results.at(backbone, benchmark, SAMPLERS)
    scores = scores.assign(base=scores.cell.isin(table.cell).to_numpy())
    of = _of(results, backbone, scores)
    colour = look_of(results, of)["color"]
    for panel, (what, label) in zip(panels, kinds.items(), strict=True):
        if mapped:
            _map(panel, scores, at, what, label)
        else:
            _line(panel, scores, at, what, label, colour)
    fields = words.fields(at)
    caption = EXPLAINED.format(
        of=of, fields=fields, column=column,
        interval=HALF if mapped else BAND, passes=SAME.format(field=fields) if same_passes else PASSES,
        where=f" Here {where}." if where else "", base=_base(scores, table, "Framed" if mapped else "Ringed"),
    )  # fmt: skip
    title = f"{of}: {fields}, {benchmark} on {backbone}" + (f", {where}" if where else "")
    return Plot(name, title, figure, f"{caption} {about(results, scores.cell)}", folder=backbone)


def _of(results: Results, backbone: str, scores: pd.DataFrame) -> str:
    """The sampler that is varied: the table's row that differs from this one in swept fields only."""
    one = scores.iloc[0]
    return words.kin(results, backbone, sampler_of(results, one.cell), json.loads(one.point)) or "A sampler"


def _base(scores: pd.DataFrame, table: pd.DataFrame, mark: str) -> str:
    """The sentence of the caption that says whose setting is marked."""
    labels = dict.fromkeys(table.label[table.cell.isin(scores.cell[scores.base])])
    return FRAMED.format(mark=mark, label=words.listed(labels)) if labels else ""


def text_of(value: Any) -> str:
    """A swept value as text."""
    if value is None:
        return "none"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return format(value, "g") if number else str(value)


def ordered(values: Sequence[Any]) -> list[Any]:
    """The distinct values: numbers by size, others in their order, and None last."""
    different = list({text_of(v): v for v in values}.values())
    numbers = all(isinstance(v, (int, float)) for v in different if v is not None)
    return sorted(different, key=lambda v: (v is None, v if numbers and v is not None else 0))


def _map(panel: Any, scores: pd.DataFrame, at: pd.DataFrame, what: str, label: str) -> None:
    down, across = at
    rows, columns = ([text_of(v) for v in ordered(list(at[f]))] for f in (down, across))
    points = zip(at[down].map(text_of), at[across].map(text_of), strict=True)
    lines = dict(zip(points, scores.to_dict("records"), strict=True))
    values = [[lines[y, x][what] for x in columns] for y in rows]
    low, high = min(map(min, values)), max(map(max, values))
    image = panel.imshow(values, cmap=style.HEAT, aspect="auto", origin="lower", vmin=low, vmax=high)
    panel.figure.colorbar(image, ax=panel, location="top", label=label)
    for (i, y), (j, x) in product(enumerate(rows), enumerate(columns)):
        one = lines[y, x]
        colour = "white" if values[i][j] < (low + high) / 2 else "black"
        text = f"{values[i][j]:.1f}"
        if what == "value" and not wide(one["low"], one["high"]):
            text += f"\n±{(one['high'] - one['low']) / 2:.1f}"
        panel.text(j, i, text, ha="center", va="center", color=colour)
        if one["base"]:
            box = {"fill": False, "edgecolor": style.COLOURS[1], "lw": 2.5}
            panel.add_patch(style.rectangle((j - 0.47, i - 0.47), 0.94, 0.94, **box))
    panel.set_xticks(range(len(columns)), columns)
    panel.set_yticks(range(len(rows)), rows)
    panel.set(xlabel=words.field(across), ylabel=words.field(down))
    panel.grid(False)


def _line(panel: Any, scores: pd.DataFrame, at: pd.DataFrame, what: str, label: str, colour: str) -> None:
    """A line over numbers, logarithmic if they span much; other values stand side by side, not joined."""
    (field,) = at
    values = ordered(list(at[field]))
    mine = scores.assign(text=at[field].map(text_of)).set_index("text").loc[list(map(text_of, values))]
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    x = values if numeric else list(range(len(values)))
    bars = (
        [(mine.value - mine.low).clip(lower=0), (mine.high - mine.value).clip(lower=0)]
        if what == "value"
        else None
    )
    panel.errorbar(x, mine[what], bars, color=colour, marker="o", ls="-" if numeric else "none")
    ringed = mine.base.to_numpy()
    ring = {
        "ls": "none",
        "marker": "o",
        "ms": RING * style.SETTINGS["lines.markersize"],
        "mfc": "none",
        "mec": style.QUIET,
        "mew": 2,
    }
    panel.plot([at for at, base in zip(x, ringed, strict=True) if base], mine[what][ringed], **ring)
    if not numeric:
        panel.set_xticks(x, map(text_of, values))
    elif min(x) > 0 and max(x) >= SPAN * min(x):
        style.counts(panel, x)
    panel.set(xlabel=words.field(field), ylabel=label)
