"""Comparisons of two rows, quantity by quantity: a number, its interval, and what that allows to say."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ladr.benchmarks.intervals import Estimate, PromptSums, difference, ratio
from ladr.figures.frame.pairs import samples
from ladr.figures.frame.results import Results

MORE, LESS, OPEN = "more", "less", "open"


@dataclass(frozen=True)
class Fact:
    """One line of the findings.

    value between low and high (95 %): of `what` of `ours`, or ours against `theirs`. neutral: the value that
    would mean no difference, None where nothing is compared. n: prompts.
    """

    question: str
    backbone: str
    benchmark: str
    ours: str
    theirs: str
    what: str
    value: float
    low: float
    high: float
    neutral: float | None
    n: int
    ours_passes: float | None = None
    theirs_passes: float | None = None

    @property
    def verdict(self) -> str:
        """more or less, if the interval lies on one side of neutral; else open."""
        if self.neutral is None:
            return ""
        return MORE if self.low > self.neutral else LESS if self.high < self.neutral else OPEN

    def line(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def written(what: str, value: float, low: float, high: float) -> str:
    """A value with its interval: points with one digit, small amounts with three."""
    places = 1 if what.endswith("points") else 3 if abs(value) < 1 else 2
    low, value, high = (f"{v:.{places}f}" for v in (low, value, high))
    return f"{value} [{low}, {high}]"


@dataclass(frozen=True)
class Place:
    """Where the rows of a question were run."""

    results: Results
    question: str
    backbone: str
    benchmark: str

    def fact(
        self,
        found: Estimate,
        scale: float,
        what: str,
        ours: Any,
        theirs: Any = None,
        neutral: float | None = None,
    ) -> Fact:
        """An estimate, times `scale`, about these rows."""
        at = (self.question, self.backbone, self.benchmark, ours.label, theirs.label if theirs else "")
        told = (scale * found.value, scale * found.low, scale * found.high, neutral, found.n)
        return Fact(*at, what, *told, float(ours.passes), float(theirs.passes) if theirs else None)

    def scores(self, ours: Any, theirs: Any, column: str) -> Fact | None:
        """Points by which ours scores more than theirs in a column, paired by prompt; None if it is N/A."""
        a, b = (samples(self.results, row.cell, column) for row in (ours, theirs))
        if a is None or b is None:
            return None
        return self._points(difference(a, b), f"{column}, points", ours, theirs)

    def diagnostic(self, ours: Any, theirs: Any, kind: str, what: str) -> Fact | None:
        """The same of what is no score, "junk" or "diversity" (which needs several images per prompt)."""
        a, b = (whole(self.results.judged(row.cell, kind)) for row in (ours, theirs))
        if a is None or b is None:
            return None
        return self._points(difference([a], [b]), f"{what}, points", ours, theirs)

    def _points(self, found: Estimate, what: str, ours: Any, theirs: Any) -> Fact:
        """A difference; that of a cell from itself is none for sure."""
        if ours.cell == theirs.cell:
            found = Estimate(0.0, 0.0, 0.0, found.n)
        return self.fact(found, 100, what, ours, theirs, 0.0)

    def saving(self, ours: Any, theirs: Any) -> Fact:
        """How many times the passes of ours theirs takes."""
        a, b = (passes(self.results, row.cell) for row in (ours, theirs))
        found = ratio(PromptSums(b.to_numpy(float), a.to_numpy(float)))
        return self.fact(found, 1, "times fewer passes", ours, theirs, 1.0)

    def cost(self, ours: Any, theirs: Any) -> Fact:
        """How many times the passes of theirs ours takes."""
        a, b = (passes(self.results, row.cell) for row in (ours, theirs))
        found = ratio(PromptSums(a.to_numpy(float), b.to_numpy(float)))
        return self.fact(found, 1, "times as many passes", ours, theirs, 1.0)


def whole(columns: dict[str, PromptSums]) -> PromptSums | None:
    """All columns as one; a prompt stands in one of them."""
    if not columns:
        return None
    sums, counts = zip(*((c.sums, c.counts) for c in columns.values()), strict=True)
    return PromptSums(np.concatenate(sums), np.concatenate(counts))


def passes(results: Results, cell: str) -> pd.Series:
    """Forward passes of each prompt, all its images together."""
    trace, images = results.trace(cell), results.record(cell)["spec"]["benchmark"]["images"]
    return trace.groupby(trace.image // images).size()
