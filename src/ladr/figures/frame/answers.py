"""The questions that the findings answer: one generator each, from the scores of a place to facts."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.benchmarks.intervals import PromptSums, contrast
from ladr.benchmarks.summary import OVERALL
from ladr.figures.frame import roles
from ladr.figures.frame.compare import Fact, Place
from ladr.figures.frame.phases import SCALES, by_prompt, estimated, parts, spans_of
from ladr.figures.frame.results import Results, rows_of, shown, standing

FRONTIER, JUNK = "frontier", "junk area (less is better)"
QUANTITIES = {
    "passes": "passes per image",
    "cells": "share of the cells, %",
    "surprise": "nats per committed cell",
    "unlike": "rescued cells whose code was not the likeliest, %",
}


def accelerated(results: Results, rows: pd.DataFrame) -> list[Any]:
    """All rows but the baseline and the baseline with fewer steps."""
    base, plain = roles.baseline(rows), roles.opponents(results, rows)
    left_out = [*plain, *([] if base is None else [base.name])]
    return [row for row in rows.itertuples() if row.name not in left_out]


def equal_passes(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """The main score of every accelerated row compared with plain decoding in as many passes."""
    rows, column = rows_of(scores), standing(scores)
    for row in accelerated(place.results, rows):
        other = roles.opponent(place.results, rows, row)
        fact = place.scores(row, other, column) if other is not None else None
        if fact:
            yield fact


def doubt(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Every row of the doubt budget against plain decoding with as many passes: every column, and junk."""
    rows = rows_of(scores)
    for ours in roles.doubting(place.results, rows):
        theirs = roles.opponent(place.results, rows, ours)
        yield from comparisons(place, scores, ours, theirs) if theirs is not None else ()


def doubt_all_passes(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Every row of the doubt budget but the baseline itself against the baseline: every column, and junk."""
    rows = rows_of(scores)
    theirs = roles.baseline(rows)
    for ours in roles.doubting(place.results, rows) if theirs is not None else ():
        yield from comparisons(place, scores, ours, theirs) if ours.cell != theirs.cell else ()


def doubt_ladr(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Every row of the doubt budget against LADR: every column, junk, and the passes."""
    rows = rows_of(scores)
    theirs = roles.rescuing(place.results, rows)
    for ours in roles.doubting(place.results, rows) if theirs is not None else ():
        yield from everywhere(place, scores, ours, theirs)


def comparisons(place: Place, scores: pd.DataFrame, ours: Any, theirs: Any) -> Iterator[Fact]:
    """One row against another: every column, their mean where there is no Overall, and junk, which none
    measures."""
    asked = shown(scores.column)
    facts = [place.scores(ours, theirs, column) for column in asked]
    facts += [] if OVERALL in asked else [place.mean(ours, theirs, asked)]
    facts.append(place.diagnostic(ours, theirs, "junk", JUNK))
    yield from (fact for fact in facts if fact)


def columns(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """LADR against its fair opponent: every column, and junk."""
    rows = rows_of(scores)
    ours, theirs = roles.rescuing(place.results, rows), roles.fair(place.results, rows)
    if ours is None or theirs is None:
        return
    yield from comparisons(place, scores, ours, theirs)


def all_passes(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """The main score of every accelerated row compared with the baseline, and how many passes it saves."""
    rows = rows_of(scores)
    base = roles.baseline(rows)
    own = accelerated(place.results, rows) if base is not None else []
    facts = [place.scores(row, base, standing(scores)) for row in own]
    yield from (fact for fact in facts if fact)
    yield from (place.saving(row, base) for row in own)


def late_rescue(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Delayed rescue against LADR: every column, and the passes."""
    rows = rows_of(scores)
    ours, theirs = roles.delayed(place.results, rows), roles.rescuing(place.results, rows)
    if ours is not None:
        yield from everywhere(place, scores, ours, theirs)


def relatives(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Every other row that rescues in phases against LADR: every column, and the passes."""
    rows = rows_of(scores)
    first, late = roles.rescuing(place.results, rows), roles.delayed(place.results, rows)
    known = [row.cell for row in (first, late) if row is not None]
    for row in rows.itertuples():
        if row.cell not in known and roles.phases_of(place.results, row.cell):
            yield from everywhere(place, scores, row, first)


def everywhere(place: Place, scores: pd.DataFrame, ours: Any, theirs: Any) -> Iterator[Fact]:
    """One row against another: every column, junk, and the passes."""
    yield from comparisons(place, scores, ours, theirs)
    yield place.cost(ours, theirs)


def variants(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """The rows of an ablation against each other.

    Where all rows replay one budget, the first row is compared with each other row. Else every row is
    compared with all rows before it.
    """
    first, *others = rows_of(scores).itertuples()
    column = standing(scores)
    for at, other in enumerate(others):
        replayed = roles.same_budget(place.results, other.cell, first.cell)
        pairs = [(first, other)] if replayed else [(other, before) for before in (first, *others[:at])]
        for ours, theirs in pairs:
            fact = place.scores(ours, theirs, column)
            if fact:
                yield fact
            if not replayed:
                yield place.saving(ours, theirs)


def swept(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """The main score of each point of a sweep against the table's LADR, if both have the same prompts."""
    theirs = roles.rescuing(place.results, rows_of(place.results.at(place.backbone, place.benchmark)))
    column = standing(scores)
    for row in rows_of(scores).itertuples() if theirs is not None else ():
        same = roles.benchmark_of(place.results, row.cell) == roles.benchmark_of(place.results, theirs.cell)
        fact = place.scores(row, theirs, column) if same and row.cell != theirs.cell else None
        if fact:
            yield fact


def costs(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Passes, cells and surprise of LADR and of its fair opponent, phase by phase."""
    rows = rows_of(scores)
    spans = spans_of(place.results, rows)
    for row in (roles.rescuing(place.results, rows), roles.fair(place.results, rows)):
        if row is None or not spans:
            continue
        for (phase, what), own in parts(place.results, row.cell, spans).items():
            estimate = estimated(what, own)
            if estimate is not None:
                yield place.fact(estimate, SCALES[what], f"{phase}: {QUANTITIES[what]}", row)


def surprise(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """LADR's nats per committed cell minus its fair opponent's: in each phase, and in all of them."""
    rows = rows_of(scores)
    ours, theirs = roles.rescuing(place.results, rows), roles.fair(place.results, rows)
    if ours is None or theirs is None:
        return
    spans = spans_of(place.results, rows)
    samples = [parts(place.results, row.cell, spans) for row in (ours, theirs)]
    for name, phases in [*((phase, [phase]) for phase in spans), ("all phases", list(spans))]:
        pair = paired(*(summed([own[phase, "surprise"] for phase in phases]) for own in samples))
        if pair is not None:
            what = f"{name}: {QUANTITIES['surprise']}"
            yield place.fact(contrast(*pair), 1, what, ours, theirs, 0.0)


def summed(samples: list[PromptSums]) -> PromptSums:
    """The samples added up, prompt by prompt."""
    return PromptSums(sum(s.sums for s in samples), sum(s.counts for s in samples))


def paired(ours: PromptSums, theirs: PromptSums) -> tuple[PromptSums, PromptSums] | None:
    """Both samples for the prompts that occur in both; None if no prompt does."""
    some = (ours.counts > 0) & (theirs.counts > 0)
    return tuple(PromptSums(s.sums[some], s.counts[some]) for s in (ours, theirs)) if some.any() else None


def tau(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """The share of LADR's frontier cells whose gap exceeds tau, in the phases that have a tau."""
    rows = rows_of(scores)
    spans, row = spans_of(place.results, rows), roles.rescuing(place.results, rows)
    if row is None or FRONTIER not in place.results.trace(row.cell):
        return
    trace = by_prompt(place.results, row.cell, spans)
    for phase, fields in roles.phases_of(place.results, row.cell).items():
        own = trace[trace.phase == phase].groupby("prompt")[[FRONTIER, "passing"]].sum()
        share = estimated("passing", PromptSums(own.passing.to_numpy(float), own[FRONTIER].to_numpy(float)))
        if share is not None and fields["tau"] is not None:
            yield place.fact(share, 100, f"{phase}: frontier cells that pass tau, %", row)


def copies(place: Place, scores: pd.DataFrame) -> Iterator[Fact]:
    """Diversity of every accelerated row against the baseline and against its opponent."""
    rows = rows_of(scores)
    own = accelerated(place.results, rows)
    pairs = [(row, roles.baseline(rows)) for row in own]
    pairs += [(row, roles.opponent(place.results, rows, row)) for row in own]
    for row, other in pairs:
        fact = place.diagnostic(row, other, "diversity", "diversity") if other is not None else None
        if fact:
            yield fact
