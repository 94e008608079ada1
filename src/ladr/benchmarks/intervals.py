"""95 % intervals for scores, and tests for paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, multinomial

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 0
FEW = 64  # kinds of prompts that are worth drawing together


@dataclass(frozen=True)
class Estimate:
    """A value between `low` and `high` with 95 % confidence, from `n` independent prompts."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Sample:
    """What each prompt contributes to a column: the sum of its judgements and how many they are."""

    sums: np.ndarray
    counts: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())

    @property
    def binary(self) -> bool:
        """One verdict per prompt, yes or no."""
        return bool((self.counts == 1).all() and np.isin(self.sums, (0, 1)).all())


def estimate(columns: Sequence[Sample]) -> Estimate:
    """The unweighted mean of the columns' means; of one column usually.

    Wilson's interval where a column holds one verdict per prompt, and where all or nothing passed (there is
    nothing to resample then); else a bootstrap over prompts, every column resampled by itself.
    """
    value = float(np.mean([column.mean for column in columns]))
    n = sum(len(column.sums) for column in columns)
    single = len(columns) == 1 and columns[0].binary
    if single or value in (0.0, 1.0):
        interval = binomtest(round(value * n), n).proportion_ci(CONFIDENCE, method="wilson")
        return Estimate(value, float(interval.low), float(interval.high), n)
    low, high = _bootstrapped([(c.sums, c.counts) for c in columns])
    return Estimate(value, low, high, n)


def difference(ours: Sequence[Sample], baseline: Sequence[Sample]) -> Estimate:
    """Ours minus the baseline, both of the same prompts in the same order: a bootstrap over the pairs."""
    pairs = list(zip(ours, baseline, strict=True))
    if any((a.counts != b.counts).any() for a, b in pairs):
        raise ValueError("the two runs were not asked the same questions")
    value = float(np.mean([a.mean - b.mean for a, b in pairs]))
    low, high = _bootstrapped([(a.sums - b.sums, a.counts) for a, b in pairs])
    return Estimate(value, low, high, sum(len(a.sums) for a, _ in pairs))


def ratio(over: Sample) -> Estimate:
    """The sum of `sums` over the sum of `counts`, whatever they measure: a bootstrap over prompts."""
    low, high = _bootstrapped([(over.sums, over.counts)])
    return Estimate(over.mean, low, high, len(over.sums))


def mcnemar(ours: Sample, baseline: Sample) -> float | None:
    """Exact two-sided p of McNemar's test; None where verdicts are not one per prompt, yes or no."""
    if not (ours.binary and baseline.binary):
        return None
    gained = int((ours.sums > baseline.sums).sum())
    lost = int((ours.sums < baseline.sums).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def _bootstrapped(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Percentile interval of the mean over columns of sum / count, prompts resampled within each column; the
    same in whatever order the columns come."""
    tables = [np.stack([np.asarray(s, float), np.asarray(n, float)]) for s, n in columns]
    tables.sort(key=lambda table: table.tobytes())
    if all(len(np.unique(t[0] / t[1])) == 1 for t in tables):
        value = float(np.mean([t[0, 0] / t[1, 0] for t in tables]))
        return value, value
    rng = np.random.default_rng(SEED)
    drawn = np.mean([_resampled(table, rng) for table in tables], axis=0)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def _resampled(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sum over count of RESAMPLES draws of as many prompts, of a table (2, prompts).

    Prompts that contribute the same are drawn together: how often is multinomial, and verdicts have few
    different values.
    """
    kinds, times = np.unique(table, axis=1, return_counts=True)
    prompts = table.shape[1]
    if len(times) <= FEW:
        drawn = multinomial.rvs(prompts, times / prompts, size=RESAMPLES, random_state=rng)
        sums, counts = kinds @ drawn.T
    else:
        drawn = rng.integers(prompts, size=(RESAMPLES, prompts))
        sums, counts = (row[drawn].sum(axis=1) for row in table)
    return sums / counts
