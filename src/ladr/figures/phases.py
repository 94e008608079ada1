"""Where passes, cells and errors fall: LADR's phases, and the same stretches of time for the baseline."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.caption import about
from ladr.figures.frame.phases import Spans, by_phase, spans_of
from ladr.figures.frame.results import NotAskedError, Results, rows_of
from ladr.figures.frame.save import Plot

NEEDS = "phases"
PANELS = {
    "passes": ("passes per image", 1),
    "cells": ("share of all cells, %", 100),
    "surprise": ("nats per committed cell", 1),
    "unlike": ("not the likeliest, %", 100),
}
EXPLAINED = (
    "By phase ({phases}; time from the mask ratio): forward passes per image; share of all cells "
    "committed in the phase; mean -log probability that the network gave the committed codes when it "
    "committed them (what a cell costs); share of rescued cells whose code was not the likeliest one. "
    "Bars: 95 % interval over images (normal)."
)


def draw(results: Results) -> Iterator[Plot]:
    drawn = False
    for backbone, benchmark, scores in results.places():
        rows = rows_of(scores)
        spans = spans_of(results, rows)
        if spans:
            drawn = True
            yield plot(results, backbone, benchmark, rows, spans)
    if not drawn:
        raise NotAskedError("no sampler of the experiment has phases")


def plot(results: Results, backbone: str, benchmark: str, rows: pd.DataFrame, spans: Spans) -> Plot:
    figure, panels = style.canvas(style.WIDE, 9.2, len(PANELS), 1, sharex=True)
    looks, found = (
        style.looks(rows.label),
        {r.label: by_phase(results, r.cell, spans) for r in rows.itertuples()},
    )
    for panel, (what, (label, scale)) in zip(panels.flat, PANELS.items(), strict=True):
        told = {name: table[table.what == what].set_index("phase") for name, table in found.items()}
        _bars(panel, told, list(spans), looks, scale)
        panel.set_ylabel(label)
    style.below(figure, panels[0][0], 2)
    phases = ", ".join(f"{name} until {until:g}" for name, until in spans.items())
    title = f"Phases: {benchmark} on {backbone}"
    caption = f"{EXPLAINED.format(phases=phases)} {about(results, rows.cell)}"
    return Plot(f"phases-{benchmark}-{backbone}", title, figure, caption)


def _bars(
    panel: Any, told: Mapping[str, pd.DataFrame], phases: list[str], looks: Mapping, scale: float
) -> None:
    width = 0.84 / len(told)
    for i, (name, table) in enumerate(told.items()):
        x = np.arange(len(phases)) + (i - (len(told) - 1) / 2) * width
        mean, half = (scale * table.reindex(phases)[c].to_numpy(float) for c in ("mean", "half"))
        panel.bar(x, mean, width * 0.94, color=looks[name]["color"], label=name)
        panel.errorbar(x, mean, half, ls="none", color="black", lw=0.8, capsize=1.2)
    panel.set_xticks(range(len(phases)), phases)
    panel.set(xlim=(-0.5, len(phases) - 0.5))
    panel.set_ylim(bottom=0)
    panel.grid(False, axis="x")
