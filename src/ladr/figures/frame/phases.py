"""Traces by phase: the phases are those of the LADR row of the experiment."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ladr.benchmarks.intervals import Estimate, PromptSums, estimate, ratio
from ladr.figures.frame import roles
from ladr.figures.frame.results import Results

Spans = Mapping[str, float]
SCALES = {"passes": 1, "cells": 100, "surprise": 1, "unlike": 100}  # a quantity is shown times this
SUMMED = ["passes", "cells", "rescued", "unlike", "logp"]
CHANCES = ("unlike", "passing")  # shares that chance decides; a schedule may fix the other quantities


def spans_of(results: Results, rows: pd.DataFrame) -> Spans:
    """Phase -> the time at which it ends, in the first row whose policy has phases; empty if none has."""
    first = roles.rescuing(results, rows)
    phases = roles.phases_of(results, first.cell) if first else {}
    return {name: phase["until"] for name, phase in phases.items()}


def split(trace: pd.DataFrame, spans: Spans) -> pd.Series:
    """The phase of each pass."""
    ends = list(spans.values())[:-1]
    places = np.searchsorted(ends, trace.t.to_numpy(), side="right")
    return pd.Series(np.array(list(spans))[places], index=trace.index)


def by_phase(results: Results, cell: str, spans: Spans) -> pd.DataFrame:
    """A table with the columns phase, what, mean, low and high.

    `what` is passes, cells, surprise or unlike (see `parts`), each a ratio of sums with its 95 % interval
    over prompts. A quantity is missing in a phase where its denominator is zero.
    """
    estimates = {key: estimated(key[1], own) for key, own in parts(results, cell, spans).items()}
    lines = [
        {"phase": phase, "what": what, "mean": one.value, "low": one.low, "high": one.high}
        for (phase, what), one in estimates.items()
        if one is not None
    ]
    return pd.DataFrame(lines, columns=["phase", "what", "mean", "low", "high"])


def parts(results: Results, cell: str, spans: Spans) -> dict[tuple[str, str], PromptSums]:
    """(phase, what) -> sums and counts of each prompt, all its images together, in the order of the prompts.

    passes: passes per image. cells: the share of all cells that is committed in the phase. surprise: minus
    the log probability of the codes when they were committed, per committed cell. unlike: the share of the
    rescued cells whose code was not the likeliest.
    """
    trace = by_prompt(results, cell, spans)
    groups = trace.groupby("prompt")
    images, cells = groups.image.nunique(), groups.cells.sum()
    out = {}
    for phase in spans:
        own = trace[trace.phase == phase].groupby("prompt")[SUMMED].sum().reindex(cells.index, fill_value=0)
        ratios = {
            "passes": (own.passes, images),
            "cells": (own.cells, cells),
            "surprise": (-own.logp, own.cells),
            "unlike": (own.unlike, own.rescued),
        }
        for what, (part, whole) in ratios.items():
            out[phase, what] = PromptSums(part.to_numpy(float), whole.to_numpy(float))
    return out


def by_prompt(results: Results, cell: str, spans: Spans) -> pd.DataFrame:
    """The trace with the prompt, the phase and the committed cells of each pass."""
    trace = results.trace(cell)
    images = results.record(cell)["spec"]["benchmark"]["images"]
    cells = trace.scheduled + trace.rescued
    return trace.assign(prompt=trace.image // images, phase=split(trace, spans), cells=cells, passes=1)


def estimated(what: str, own: PromptSums) -> Estimate | None:
    """The ratio of sums over the prompts whose count is not zero; None if there is none."""
    some = own.counts > 0
    if not some.any():
        return None
    sample = PromptSums(own.sums[some], own.counts[some])
    return estimate([sample]) if what in CHANCES else ratio(sample)
