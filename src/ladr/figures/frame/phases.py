"""Traces by phase: the phases are those of the experiment's own LADR row."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ladr.figures.frame import roles
from ladr.figures.frame.results import Results
from ladr.paper.significance import LEVEL

Spans = Mapping[str, float]


def spans_of(results: Results, rows: pd.DataFrame) -> Spans:
    """Phase -> the time it ends at, of the first row whose policy has phases; empty if none has."""
    first = roles.rescuing(results, rows)
    phases = roles.phases_of(results, first.cell) if first else {}
    return {name: phase["until"] for name, phase in phases.items()}


def split(trace: pd.DataFrame, spans: Spans) -> pd.Series:
    """The phase of each pass."""
    ends = list(spans.values())[:-1]
    places = np.searchsorted(ends, trace.t.to_numpy(), side="right")
    return pd.Series(np.array(list(spans))[places], index=trace.index)


def by_phase(results: Results, cell: str, spans: Spans) -> pd.DataFrame:
    """phase, what, mean and half width over images: passes, cells, surprise, unlike."""
    trace = results.trace(cell)
    trace = trace.assign(phase=split(trace, spans), cells=trace.scheduled + trace.rescued, passes=1)
    columns = ["passes", "cells", "rescued", "unlike", "logp"]
    every = pd.MultiIndex.from_product([sorted(set(trace.image)), list(spans)], names=["image", "phase"])
    sums = trace.groupby(["image", "phase"])[columns].sum().reindex(every, fill_value=0)
    total = sums.groupby("image").cells.transform("sum")
    return pd.DataFrame(_lines(sums, total, spans))


def _lines(sums: pd.DataFrame, total: pd.Series, spans: Spans) -> Iterator[dict]:
    shares = {
        "passes": sums.passes,
        "cells": sums.cells / total,
        "surprise": -sums.logp / sums.cells.where(sums.cells > 0),
        "unlike": sums.unlike / sums.rescued.where(sums.rescued > 0),
    }
    for what, values in shares.items():
        for phase in spans:
            own = values.xs(phase, level="phase").dropna()
            half = LEVEL * own.std() / len(own) ** 0.5 if len(own) > 1 else np.nan
            yield {"phase": phase, "what": what, "mean": own.mean(), "half": half}
