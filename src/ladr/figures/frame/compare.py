"""Comparisons of two rows, quantity by quantity: a number, its interval, and the verdict that they allow."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ladr.benchmarks.intervals import Estimate, PromptSums, difference, ratio
from ladr.figures.frame.pairs import samples
from ladr.figures.frame.results import Results

MORE, LESS, OPEN = "more", "less", "open"
WIDE = 30.0  # points: a score with a wider interval is not printed
FEW = "too few prompts"
FEW_EXPLAINED = (
    f'"{FEW}": the 95 % interval would be wider than {WIDE:.0f} points; the data file beside this one '
    "has it, and `make full` decodes more prompts."
)


@dataclass(frozen=True)
class Fact:
    """One line of the findings.

    value, low, high: an estimate of `what` with its 95 % interval, for the row `ours`, or for `ours` compared
    with `theirs`. neutral: the value that means no difference; None where nothing is compared. n: prompts.
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
        """`more` or `less` if the interval lies on one side of neutral, else `open`."""
        if self.neutral is None:
            return ""
        return MORE if self.low > self.neutral else LESS if self.high < self.neutral else OPEN

    def line(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def wide(low: float, high: float, what: str = "points") -> bool:
    """Whether an interval says too little to print its score; only of points."""
    return what.endswith("points") and high - low > WIDE


def written(what: str, value: float, low: float, high: float) -> str:
    """A value with its interval: points with one decimal, amounts below 1 with three, others with two. Points
    whose interval is `wide` have neither."""
    if wide(low, high, what):
        return FEW
    places = 1 if what.endswith("points") else 3 if abs(value) < 1 else 2
    low, value, high = (f"{v:.{places}f}" for v in (low, value, high))
    return f"{value} [{low}, {high}]"


@dataclass(frozen=True)
class Place:
    """The backbone and the benchmark that the rows of a question were run on."""

    results: Results
    question: str
    backbone: str
    benchmark: str

    def fact(
        self,
        estimate: Estimate,
        scale: float,
        what: str,
        ours: Any,
        theirs: Any = None,
        neutral: float | None = None,
    ) -> Fact:
        """An estimate, times `scale`, about these rows."""
        return Fact(
            question=self.question,
            backbone=self.backbone,
            benchmark=self.benchmark,
            ours=ours.label,
            theirs=theirs.label if theirs else "",
            what=what,
            value=scale * estimate.value,
            low=scale * estimate.low,
            high=scale * estimate.high,
            neutral=neutral,
            n=estimate.n,
            ours_passes=float(ours.passes),
            theirs_passes=float(theirs.passes) if theirs else None,
        )

    def scores(self, ours: Any, theirs: Any, column: str) -> Fact | None:
        """Points by which ours scores more than theirs in a column, paired by prompt; None if it is N/A."""
        a, b = (samples(self.results, row.cell, column) for row in (ours, theirs))
        if a is None or b is None:
            return None
        return self._points(difference(a, b), f"{column}, points", ours, theirs)

    def mean(self, ours: Any, theirs: Any, columns: Sequence[str]) -> Fact | None:
        """The same for the unweighted mean of several columns; None where fewer than two have judgements."""
        a, b = ([samples(self.results, row.cell, c) for c in columns] for row in (ours, theirs))
        both = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
        if len(both) < 2:
            return None
        own, other = ([one for part in side for one in part] for side in zip(*both, strict=True))
        return self._points(difference(own, other), "mean of all columns, points", ours, theirs)

    def diagnostic(self, ours: Any, theirs: Any, kind: str, what: str) -> Fact | None:
        """The paired difference of a quantity that is no score: "junk", or "diversity" within a prompt."""
        a, b = (whole(self.results.judged(row.cell, kind)) for row in (ours, theirs))
        if a is None or b is None:
            return None
        return self._points(difference([a], [b]), f"{what}, points", ours, theirs)

    def _points(self, estimate: Estimate, what: str, ours: Any, theirs: Any) -> Fact:
        """A difference in points; exactly zero for a cell compared with itself."""
        if ours.cell == theirs.cell:
            estimate = Estimate(0.0, 0.0, 0.0, estimate.n)
        return self.fact(estimate, 100, what, ours, theirs, 0.0)

    def saving(self, ours: Any, theirs: Any) -> Fact:
        """passes(theirs) / passes(ours)."""
        a, b = (passes(self.results, row.cell) for row in (ours, theirs))
        times = ratio(PromptSums(b.to_numpy(float), a.to_numpy(float)))
        return self.fact(times, 1, "times fewer passes", ours, theirs, 1.0)

    def cost(self, ours: Any, theirs: Any) -> Fact:
        """passes(ours) / passes(theirs)."""
        a, b = (passes(self.results, row.cell) for row in (ours, theirs))
        times = ratio(PromptSums(a.to_numpy(float), b.to_numpy(float)))
        return self.fact(times, 1, "times as many passes", ours, theirs, 1.0)


def whole(columns: dict[str, PromptSums]) -> PromptSums | None:
    """The samples of all columns as one sample (each prompt belongs to one column); None without columns."""
    if not columns:
        return None
    sums, counts = zip(*((c.sums, c.counts) for c in columns.values()), strict=True)
    return PromptSums(np.concatenate(sums), np.concatenate(counts))


def passes(results: Results, cell: str) -> pd.Series:
    """Forward passes of each prompt, all its images together."""
    trace = results.trace(cell)
    images = results.record(cell)["spec"]["benchmark"]["images"]
    return trace.groupby(trace.image // images).size()
