"""Passes, committed cells, and the network's surprise about their codes, by LADR's phases."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ladr.figures.frame import roles, style
from ladr.figures.frame.caption import about
from ladr.figures.frame.looks import looks
from ladr.figures.frame.phases import SCALES, Spans, by_phase, spans_of
from ladr.figures.frame.results import NotAskedError, Results, rows_of
from ladr.figures.frame.save import Plot
from ladr.figures.frame.words import listed

NEEDS = "phases"
PASSES, CELLS, SURPRISE, UNLIKE = "passes", "cells", "surprise", "unlike"
PANELS = {
    PASSES: "forward passes per image",
    CELLS: "share of all cells, %",
    SURPRISE: "surprise of the network, nats per committed cell",
    UNLIKE: "rescued cells whose code was not the likeliest, %",
}
OWN = (SURPRISE, UNLIKE)  # quantities that are compared within a phase: each panel has its own scale
FEW = 0.01  # share of the cells: a sampler that commits less in a phase is left out there
BAR, TALL, OVER = 0.2, 0.6, 0.3  # inches: per row, per panel besides its rows, and for the titles
BROAD = 0.8  # width of a bar in its place
EXPLAINED = (
    "By phase ({phases}; time from the mask ratio), with 95 % intervals over prompts. First row of panels: "
    "forward passes per image; second: share of all cells committed in the phase. Third: the network's own "
    "surprise, mean -log of the marginal probability that it gave to the committed codes when they were "
    "committed. This includes the plain entropy of the cells, which is larger the fewer cells are known; it "
    "is no measure of error, and does not see codes that do not fit each other. Fourth: share of rescued "
    "cells whose code was not the likeliest one, of the samplers that rescued such a cell. In the last "
    "two each panel has a scale of its own. {dash}: "
    "nothing rescued{few}."
)
FEWER = ", or less than {part:g} % of the cells committed in the phase ({rows})"
PAIRED = " {label}: plain decoding with as many passes as the row above it."
DASH = "\N{EN DASH}"


def draw(results: Results) -> Iterator[Plot]:
    empty = True
    for backbone, benchmark, scores in results.places():
        rows = rows_of(scores)
        spans = spans_of(results, rows)
        if spans:
            empty = False
            yield plot(results, backbone, benchmark, rows, spans)
    if empty:
        raise NotAskedError("no sampler of the experiment has phases")


def plot(results: Results, backbone: str, benchmark: str, rows: pd.DataFrame, spans: Spans) -> Plot:
    rows = roles.beside(results, rows)
    names = roles.short(results, rows)
    measured = [by_phase(results, row.cell, spans).assign(label=row.label) for row in rows.itertuples()]
    quantities = pd.concat(measured)
    labels = list(rows.label)
    few = {phase: _few(_of(quantities, CELLS, phase, labels)) for phase in spans}
    shown = {what: _rescuers(quantities, labels) if what == UNLIKE else labels for what in PANELS}
    heights = [TALL + BAR * len(names) for names in shown.values()]
    figure, panels = style.canvas(
        style.WIDE, OVER + sum(heights), len(PANELS), len(spans),
        sharey="row", gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    own = looks(results, rows)
    for line, (what, label) in zip(panels, PANELS.items(), strict=True):
        for panel, phase in zip(line, spans, strict=True):
            values = SCALES[what] * _of(quantities, what, phase, shown[what])
            if what in OWN:
                values.loc[[name for name in few[phase] if name in shown[what]]] = np.nan
            _bars(panel, values.rename(index=names), [own[name] for name in shown[what]])
        if what not in OWN:
            right = max(panel.get_xlim()[1] for panel in line)
            for panel in line:
                panel.set_xlim(0, right)
        line[len(line) // 2].set_xlabel(label)
    for panel, phase in zip(panels[0], spans, strict=True):
        panel.set_title(phase)
    title = f"Passes, cells and surprise by phase: {benchmark} on {backbone}"
    caption = f"{_caption(spans, few)}{_paired(names)} {about(results, rows.cell)}"
    return Plot(f"phases-{benchmark}-{backbone}", title, figure, caption, folder=backbone)


def _paired(names: Mapping[str, str]) -> str:
    """The sentence of the caption about short labels, if there are any."""
    short = next((name for label, name in names.items() if name != label), None)
    return PAIRED.format(label=short) if short else ""


def _of(quantities: pd.DataFrame, what: str, phase: str, labels: list[str]) -> pd.DataFrame:
    """mean, low and high of one quantity in one phase for each sampler; nan where it is not defined."""
    own = quantities[(quantities.what == what) & (quantities.phase == phase)].set_index("label")
    return own[["mean", "low", "high"]].reindex(labels)


def _rescuers(quantities: pd.DataFrame, labels: list[str]) -> list[str]:
    """The samplers that rescued a cell with an unlikely code, else those that rescue cells, else all.

    Zero has an interval as well. That of a sampler which may not rescue such cells would set the scale.
    """
    unlike = quantities[quantities.what == UNLIKE]
    unlikely, rescuing = set(unlike.label[unlike["mean"] > 0]), set(unlike.label)
    return [label for label in labels if label in (unlikely or rescuing)] or labels


def _few(cells: pd.DataFrame) -> list[str]:
    """The samplers that commit almost nothing, by their shares of the cells."""
    return list(cells.index[~(cells["mean"] >= FEW)])


def _bars(panel: Any, values: pd.DataFrame, own: list[dict[str, Any]]) -> None:
    """A bar from zero for each sampler in its look, with its interval."""
    at = np.arange(len(values))
    ends = [values["mean"] - values.low, values.high - values["mean"]]
    fill, edge = [look.get("mfc", look["color"]) for look in own], [look["color"] for look in own]
    panel.barh(at, values["mean"], BROAD, color=fill, edgecolor=edge)
    panel.errorbar(
        values["mean"], at, xerr=np.clip(ends, 0, None), ls="none", color="black", lw=0.9, capsize=1.5
    )
    for y in at[values["mean"].isna()]:
        panel.text(0, y, f" {DASH}", va="center")
    panel.set_yticks(at, values.index)
    panel.tick_params(axis="y", length=0)
    panel.set(ylim=(len(values) - 0.5, -0.5))
    panel.set_xlim(left=0)
    style.few(panel.xaxis)
    panel.grid(False, axis="y")


def _caption(spans: Spans, few: dict[str, list[str]]) -> str:
    """The caption, which says who is left out of which phase."""
    left = [f"{listed(labels)} in {phase}" for phase, labels in few.items() if labels]
    fewer = FEWER.format(part=100 * FEW, rows="; ".join(left)) if left else ""
    phases = ", ".join(f"{name} until {until:g}" for name, until in spans.items())
    return EXPLAINED.format(phases=phases, dash=DASH, few=fewer)
