"""Curves of score against passes: what each gains over plain decoding, and who is on the hull.

The gain of a curve is the area between it and plain decoding's, both joined by straight lines over the
logarithm of passes, divided by the width of the stretch that both cover: the mean number of points by which
the method is above plain decoding at equal passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ladr.benchmarks.intervals import Estimate, PromptSums, difference
from ladr.experiment.lines import SAMPLERS
from ladr.figures.frame import words
from ladr.figures.frame.pairs import samples
from ladr.figures.frame.results import Results
from ladr.figures.frame.roles import baseline, sampler_of

NOTHING = (0.0, 0.0, 0.0)  # what plain decoding gains over itself


@dataclass(frozen=True)
class MethodCurve:
    """A row of `curves` in one place. rows: its settings in the order of passes, one line each."""

    name: str
    label: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class Gain:
    """Mean points above plain decoding between `start` and `end` passes, with the 95 % interval."""

    estimate: Estimate
    start: float
    end: float

    @property
    def area(self) -> float:
        """Points times doublings of the passes."""
        return self.estimate.value * float(np.log2(self.end / self.start))


def curves(scores: pd.DataFrame) -> list[MethodCurve]:
    """The curves of one place from the lines of the main column, in the order of params.yaml."""
    names = scores["name"].str.partition(", ")[0]
    return [
        MethodCurve(name, own.label.iloc[0], own.sort_values("passes", kind="stable"))
        for name, own in scores.groupby(names, sort=False)
    ]


def plain(results: Results, all_curves: Sequence[MethodCurve]) -> MethodCurve | None:
    """The curve of the experiment's baseline with other steps; None if there is none."""
    place = all_curves[0].rows.iloc[0]
    base = baseline(results.at(place.backbone, place.benchmark, SAMPLERS))
    if base is None:
        return None
    spec = words.without(sampler_of(results, base.cell), ("steps",))
    for curve in all_curves:
        samplers = [sampler_of(results, cell) for cell in curve.rows.cell]
        if all(words.without(sampler, ("steps",)) == spec for sampler in samplers):
            return curve
    return None


def weights(passes: Sequence[float], start: float, end: float) -> np.ndarray:
    """The weight of each point in the mean from start to end of the line through them, over log passes.

    passes: increasing or equal, and they cover start to end. The weights sum to 1.
    """
    places, share = np.unique(np.log(passes), return_inverse=True)
    breaks = np.unique([np.log(start), *places, np.log(end)])
    breaks = breaks[(breaks >= np.log(start)) & (breaks <= np.log(end))]
    width = breaks[-1] - breaks[0]
    hats = [np.trapezoid(np.interp(breaks, places, one), breaks) / width for one in np.eye(len(places))]
    return np.array(hats)[share] / np.bincount(share)[share]


def gain(results: Results, curve: MethodCurve, base: MethodCurve, column: str) -> Gain | None:
    """What the curve gains over plain decoding; None where they share no stretch of passes.

    The interval is a paired bootstrap over prompts; exactly zero for plain decoding itself. Passes are the
    means over all prompts.
    """
    ends = [(one.rows.passes.min(), one.rows.passes.max()) for one in (curve, base)]
    start, end = max(low for low, _ in ends), min(high for _, high in ends)
    if not start < end:
        return None
    ours, theirs = (mixed(results, one, column, start, end) for one in (curve, base))
    if ours is None or theirs is None:
        return None
    estimate = difference(ours, theirs)
    value, low, high = (100 * x for x in (estimate.value, estimate.low, estimate.high))
    shown = Estimate(value, low, high, estimate.n) if curve is not base else Estimate(*NOTHING, estimate.n)
    return Gain(shown, float(start), float(end))


def mixed(
    results: Results, curve: MethodCurve, column: str, start: float, end: float
) -> list[PromptSums] | None:
    """The judgements of each prompt, averaged over the settings with their weights; one sample per column."""
    parts: list[list[PromptSums]] = []
    for cell in curve.rows.cell:
        own = samples(results, cell, column)
        if own is None:
            return None
        parts.append(own)
    shares = weights(curve.rows.passes.to_numpy(float), start, end)
    mean = lambda same: sum(w * one.sums for w, one in zip(shares, same, strict=True))  # noqa: E731
    return [PromptSums(mean(same), same[0].counts) for same in zip(*parts, strict=True)]


def hull(points: Sequence[tuple[float, float]]) -> list[int]:
    """The numbers of the points on the upper hull over log passes, from the fewest passes to the highest
    score."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    kept: list[int] = []
    for i in order:
        if kept and points[i][1] <= points[kept[-1]][1]:
            continue
        while len(kept) > 1 and not _above(*(points[j] for j in (*kept[-2:], i))):
            kept.pop()
        kept.append(i)
    return kept


def _above(a: Any, middle: Any, b: Any) -> bool:
    """Does the middle point lie above the line from a to b?"""
    across = np.log([a[0], middle[0], b[0]])
    if across[2] == across[0]:
        return False
    left, at, right = across
    return middle[1] > np.interp(at, [left, right], [a[1], b[1]])
