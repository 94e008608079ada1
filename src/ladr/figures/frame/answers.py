"""The questions that the findings answer, one generator each: from a place's rows to facts."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.benchmarks.intervals import Sample, ratio
from ladr.figures.frame import roles
from ladr.figures.frame.compare import Fact, Place
from ladr.figures.frame.phases import Spans, spans_of, split
from ladr.figures.frame.results import Results, rows_of, shown, standing
from ladr.paper import load

CELLS, FRONTIER = ("scheduled", "rescued"), "frontier"


def accelerated(results: Results, rows: pd.DataFrame) -> list[Any]:
    """The rows that are neither the baseline nor the baseline with fewer steps."""
    plain = [row.name for row in (roles.baseline(rows), roles.fair(results, rows)) if row is not None]
    return [row for row in rows.itertuples() if row.name not in plain]


def against(place: Place, scores: pd.DataFrame, other: Any) -> Iterator[Fact]:
    """The main score of every accelerated row against another row."""
    column = standing(scores)
    for row in accelerated(place.results, rows_of(scores)) if other is not None else ():
        fact = place.scores(row, other, column)
        if fact:
            yield fact


def equal_passes(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    yield from against(place, scores, roles.fair(place.results, rows_of(scores)))


def columns(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """LADR against its fair opponent in every column, and in what no column asks for: junk."""
    rows = rows_of(scores)
    ours, theirs = roles.rescuing(place.results, rows), roles.fair(place.results, rows)
    if ours is None or theirs is None:
        return
    facts = [place.scores(ours, theirs, column) for column in shown(scores.column)]
    facts.append(place.diagnostic(ours, theirs, "junk", "junk area (less is better)"))
    yield from (fact for fact in facts if fact)


def all_passes(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    base = roles.baseline(rows_of(scores))
    yield from against(place, scores, base)
    for row in accelerated(place.results, rows_of(scores)) if base is not None else ():
        yield place.saving(row, base)


def late_rescue(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Delayed rescue against LADR: the main score, and the columns of the paper's table about it."""
    rows = rows_of(scores)
    ours, theirs = roles.delayed(place.results, rows), roles.rescuing(place.results, rows)
    if ours is None:
        return
    told = {p.metric for p in load() if p.table == roles.DELAYED}
    columns = [standing(scores), *(c for c in shown(scores.column) if c in told)]
    for column in dict.fromkeys(columns):
        fact = place.scores(ours, theirs, column)
        if fact:
            yield fact
    yield place.saving(theirs, ours)


def variants(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """At replayed budgets the first row against each other one, else each other one against the first."""
    first, *others = rows_of(scores).itertuples()
    column = standing(scores)
    for other in others:
        replayed = roles.same_budget(place.results, other.cell, first.cell)
        ours, theirs = (first, other) if replayed else (other, first)
        fact = place.scores(ours, theirs, column)
        if fact:
            yield fact
        if not replayed:
            yield place.saving(ours, theirs)


def swept(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """The main score of each point of a sweep against the table's LADR, if both were asked the same."""
    theirs = roles.rescuing(place.results, rows_of(place.results.at(place.backbone, place.benchmark)))
    column = standing(scores)
    for row in rows_of(scores).itertuples() if theirs is not None else ():
        same = roles.asked_of(place.results, row.cell) == roles.asked_of(place.results, theirs.cell)
        fact = place.scores(row, theirs, column) if same and row.cell != theirs.cell else None
        if fact:
            yield fact


def costs(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Where the passes, the cells and the errors of LADR and of its fair opponent fall."""
    rows = rows_of(scores)
    spans = spans_of(place.results, rows)
    for row in (roles.rescuing(place.results, rows), roles.fair(place.results, rows)):
        if row is not None and spans:
            yield from _by_phase(place, row, spans)


def _by_phase(place: Place, row: Any, spans: Spans) -> Iterator[Fact]:
    trace, images = _prompts(place.results, row, spans)
    cells = trace.groupby("prompt").cells.sum()
    for phase in spans:
        own = trace[trace.phase == phase].groupby("prompt")
        sums = own[["cells", "logp", "rescued", "unlike"]].sum().reindex(cells.index, fill_value=0)
        parts = {
            "passes per image": (own.size().reindex(cells.index, fill_value=0), images, 1),
            "share of the cells, %": (sums.cells, cells, 100),
            "nats per committed cell": (-sums.logp, sums.cells, 1),
            "rescued cells whose code was not the likeliest, %": (sums.unlike, sums.rescued, 100),
        }
        for what, (part, whole, scale) in parts.items():
            yield from _share(place, row, f"{phase}: {what}", part, whole, scale)


def tau(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """The share of LADR's frontier cells whose gap passes tau."""
    rows = rows_of(scores)
    spans, row = spans_of(place.results, rows), roles.rescuing(place.results, rows)
    if row is None or FRONTIER not in place.results.trace(row.cell):
        return
    trace, _ = _prompts(place.results, row, spans)
    for phase in spans:
        own = trace[trace.phase == phase].groupby("prompt")[[FRONTIER, "passing"]].sum()
        what = f"{phase}: frontier cells that pass tau, %"
        yield from _share(place, row, what, own.passing, own[FRONTIER], 100)


def _share(place: Place, row: Any, what: str, part: Any, whole: Any, scale: float) -> Iterator[Fact]:
    """Part over whole, prompts without any of the whole left out; nothing if all are."""
    some = (whole > 0).to_numpy()
    if some.any():
        sample = Sample(part.to_numpy(float)[some], whole.to_numpy(float)[some])
        yield place.fact(ratio(sample), scale, what, row)


def _prompts(results: Results, row: Any, spans: Spans) -> tuple[pd.DataFrame, pd.Series]:
    """The trace with prompt, phase and committed cells of each pass, and the images of each prompt."""
    trace, images = results.trace(row.cell), results.record(row.cell)["spec"]["benchmark"]["images"]
    trace = trace.assign(
        prompt=trace.image // images, phase=split(trace, spans), cells=trace[list(CELLS)].sum(axis=1)
    )
    return trace, trace.groupby("prompt").image.nunique()


def copies(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Diversity of every accelerated row against the baseline and the fair opponent."""
    rows = rows_of(scores)
    for other in (roles.baseline(rows), roles.fair(place.results, rows)):
        for row in accelerated(place.results, rows) if other is not None else ():
            fact = place.diagnostic(row, other, "diversity", "diversity")
            if fact:
                yield fact
