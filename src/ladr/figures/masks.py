"""How far a decode's masks are from random ones, and whether the masks of free riders surprise a model."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.looks import look_named
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot, Table
from ladr.figures.frame.theory import sections

NEEDS = "theory"
EXPLAINED = (
    "Left: edges of the grid between a known and a masked cell, over what a random mask with as many "
    "known cells has on average, by the share of known cells: at the dotted line masks look as in "
    "training. Middle: true images under the masks that the doubt budget leaves after so many passes "
    "(filled) and under random masks with as many known cells (hollow), in nats per image before "
    "guidance: the surprise about the masked cells less that about the same cells of an empty grid. Below "
    "zero, knowing more has made them easier. Right: the surprise less that of the exact model on the "
    "same masks (of the exact model itself, less what it expects), by the surprise, that is by how much a "
    "mask leaves open; hollow points also for random masks with few known cells. Bars: 95 % intervals, "
    "left over images, else over prompts. {verdict} {what} Machine: {machine}. Results of {dates}."
)
TABLED = (
    "Nats per image, 95 % intervals over prompts in brackets: true images under the masks that the doubt "
    "budget leaves after so many passes, under random masks with as many known cells, and under random "
    "masks with few known cells; difference: the first less the second, paired. Surprise: minus the log "
    "probability of the true codes before guidance, summed over masked cells. Less its entropy: what the "
    "model itself expects taken off. Less the exact model: the exact model's surprise on the same masks "
    "taken off. Change: its surprise about the same cells of an empty grid taken off. Change short: the "
    "exact model's change taken off. Images that are finished have no mask and do not count. {verdict} "
    "{what} Machine: {machine}. Results of {dates}."
)
BENCHMARK = "Benchmark: mini-geneval, prompts of compositions that training showed."
RULES = {"cosine": "plain decoding", "ladr": "LADR", "doubt": "doubt budget"}
AMOUNTS = {
    "surprise": "Surprise", "beyond": "Less its entropy", "above_exact": "Less the exact model",
    "change": "Change", "short": "Change short",
}  # fmt: skip
COLOURS = {"Counting": style.COLOURS[1], "other columns": style.COLOURS[0]}
APART = 0.08  # passes: points of one number of passes stand side by side
HIGH = 2.5  # inches of a row of panels
AS_RANDOM, NO_CHANGE = 1, 0  # the outline of random masks; a surprise like the other's


def draw(results: Results) -> Iterator[Plot | Table]:
    (surprise, outline), origin = sections(results, "rider_masks", "outlines")
    outlines, masks = (pd.DataFrame(section["rows"]) for section in (outline, surprise))
    verdict = f"{outline['verdict']} {surprise['verdict']}"
    caption = EXPLAINED.format(verdict=verdict, what=BENCHMARK, **origin)
    yield Plot("masks", "Masks of free riders", draw_rows(outlines, masks), caption, folder="theory")
    caption = TABLED.format(verdict=surprise["verdict"], what=BENCHMARK, **origin)
    title = "Surprise under masks of free riders and under random ones"
    yield Table("masks-surprise", title, shown(masks), plain(masks), caption, folder="theory")


def shown(masks: pd.DataFrame) -> pd.DataFrame:
    """The rows for readers: values with their intervals."""
    lines = []
    for row in masks.to_dict("records"):
        line = {
            "Model": row["backbone"], "Column": row["column"], "Passes": row["passes"], "Mask": row["mask"],
            "Images": row["images"], "Masked cells": f"{row['masked']:.0f}",
        }  # fmt: skip
        for name, title in AMOUNTS.items():
            line[title] = f"{row[name]:.1f} [{row[f'{name}_low']:.1f}, {row[f'{name}_high']:.1f}]"
        lines.append(line | {"Surprise per cell": f"{row['surprise'] / row['masked']:.3f}"})
    return pd.DataFrame(lines)


def plain(masks: pd.DataFrame) -> pd.DataFrame:
    """The same as plain numbers: one line for each amount, with its value and its interval."""
    own = ["backbone", "guidance", "column", "passes", "mask", "prompts", "images", "masked"]
    lines = []
    for row in masks.to_dict("records"):
        about = {name: row[name] for name in own if name in row}
        for name in AMOUNTS:
            ends = {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
            lines.append({**about, "what": name, **ends})
    return pd.DataFrame(lines)


def draw_rows(outlines: pd.DataFrame, masks: pd.DataFrame) -> Any:
    """The figure: a row of panels for each backbone."""
    backbones = list(dict.fromkeys(outlines.backbone))
    figure, panels = style.canvas(style.WIDE, HIGH * len(backbones), len(backbones), 3)
    for line, backbone in zip(panels, backbones, strict=True):
        own = masks[masks.backbone == backbone]
        exact = not own.above_exact.any()
        _outlines(line[0], outlines[outlines.backbone == backbone])
        _changes(line[1], own[own.passes > 0])
        _excess(line[2], own, "beyond" if exact else "above_exact")
        line[0].set_ylabel(f"{backbone}: outline")
        line[1].set_title("less an empty grid's")
        line[2].set_title("less what it expects" if exact else "above the exact")
    for panel, label in zip(panels[-1], ("share known", "passes", "surprise, nats"), strict=True):
        panel.set_xlabel(label)
    for place, anchor in ((0, "lower left"), (1, "lower right")):
        handles = panels[0][place].get_legend_handles_labels()
        figure.legend(*handles, loc=f"outside {anchor}", ncols=1 if place == 0 else 2)
    return figure


def _outlines(panel: Any, rows: pd.DataFrame) -> None:
    """The outline of each rule's masks by their share of known cells."""
    panel.axhline(AS_RANDOM, color=style.QUIET, lw=0.9, ls=":")
    for rule, own in rows.groupby("rule", sort=False):
        _line(panel, own.known, own, "outline", {**look_named(rule), "label": RULES[rule]})
    panel.set(xlim=(0, 1), xticks=(0, 0.5, 1))


def _changes(panel: Any, rows: pd.DataFrame) -> None:
    """The change by passes, for each group of columns and kind of mask."""
    panel.axhline(NO_CHANGE, color=style.QUIET, lw=0.9, ls=":")
    kinds = [(column, mask) for column in dict.fromkeys(rows.column) for mask in ("riders", "random")]
    for place, (column, mask) in enumerate(kinds):
        own = rows[(rows.column == column) & (rows["mask"] == mask)]
        across = own.passes + APART * (place - (len(kinds) - 1) / 2)
        _line(panel, across, own, "change", _look(column, mask))
    panel.set_xticks(sorted(set(rows.passes)))


def _excess(panel: Any, rows: pd.DataFrame, name: str) -> None:
    """One amount by the surprise, for each group of columns: masks of riders, and all random ones."""
    panel.axhline(NO_CHANGE, color=style.QUIET, lw=0.9, ls=":")
    for column, group in rows[rows["mask"] != "difference"].groupby("column", sort=False):
        for mask, own in group.groupby(group["mask"] == "riders"):
            own = own.sort_values("surprise")
            _line(panel, own.surprise, own, name, _look(column, "riders" if mask else "random"))


def _look(column: str, mask: str) -> dict[str, Any]:
    """Colour by group of columns; hollow and dashed for random masks."""
    look = {"color": COLOURS[column], "marker": "o", "label": f"{column}, {mask}"}
    return look | {"mfc": "white", "ls": "--"} if mask == "random" else look


def _line(panel: Any, across: Sequence[float], rows: pd.DataFrame, name: str, look: dict[str, Any]) -> None:
    """Values joined, with their intervals."""
    value, low, high = (rows[f"{name}{end}"] for end in ("", "_low", "_high"))
    bars = [(value - low).clip(lower=0), (high - value).clip(lower=0)]
    panel.errorbar(across, value, bars, ms=4.5, lw=1.2, **look)
