"""95 % intervals for scores, and tests for paired differences.

Two kinds of number, one method each. A *share* lies between 0 and 1 for every prompt (a score, junk,
diversity), so a difference of two lies between -1 and 1: `estimate` and `difference`. An *amount* has no such
limits (passes, nats): `ratio` and `contrast`. Both are a percentile bootstrap over prompts, which is blind to
what no prompt has shown yet: if all 400 prompts are right, so is every resample, and the interval would be
100 to 100. A share therefore has a second method where prompts that stand out are rare (`_rare`): what an
unseen prompt can do to it is limited, so Wilson's interval holds. An amount has none: an interval of no width
says that it was the same for every prompt, as passes are under a fixed schedule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, hypot

import numpy as np
from scipy.stats import binomtest, multinomial

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
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
class PromptSums:
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


def estimate(columns: Sequence[PromptSums]) -> Estimate:
    """The unweighted mean of the columns' means; of one column usually. Every judgement lies between 0 and 1.

    Wilson's interval for as many prompts where a column holds one verdict per prompt, and where prompts that
    stand out are rare: judgements vary most if they are all 0 or 1, so it is wide enough for others. Else a
    bootstrap over prompts, every column resampled by itself.
    """
    value = float(np.mean([column.mean for column in columns]))
    n = sum(len(column.sums) for column in columns)
    single = len(columns) == 1 and columns[0].binary
    tables = [(c.sums, c.counts) for c in columns]
    low, high = _wilson(value, _alike(tables)) if single or _rare(tables) else _bootstrapped(tables)
    return Estimate(value, low, high, n)


def difference(ours: Sequence[PromptSums], baseline: Sequence[PromptSums]) -> Estimate:
    """Ours minus the baseline, both of the same prompts in the same order, judgements between 0 and 1.

    A bootstrap over the pairs. Where pairs that differ are rare: what was gained and what was lost are two
    shares, each with Wilson's interval for as many prompts, and the interval of their difference follows by
    square and add (Newcombe). Without any pair that differs it reaches as far to both sides as Wilson's does
    below a column in which all is right.
    """
    pairs = list(zip(ours, baseline, strict=True))
    if any((a.counts != b.counts).any() for a, b in pairs):
        raise ValueError("the two runs were not asked the same questions")
    value = float(np.mean([a.mean - b.mean for a, b in pairs]))
    n = sum(len(a.sums) for a, _ in pairs)
    tables = [(a.sums - b.sums, a.counts) for a, b in pairs]
    low, high = _gained_less_lost(value, tables, _alike(tables)) if _rare(tables) else _bootstrapped(tables)
    return Estimate(value, low, high, n)


def ratio(over: PromptSums) -> Estimate:
    """The sum of `sums` over the sum of `counts`, whatever they measure: a bootstrap over prompts."""
    low, high = _bootstrapped([(over.sums, over.counts)])
    return Estimate(over.mean, low, high, len(over.sums))


def contrast(ours: PromptSums, baseline: PromptSums) -> Estimate:
    """The ratio of ours minus that of the baseline, both of the same prompts in the same order, whatever they
    count: a bootstrap over the pairs."""
    table = np.stack([np.asarray(x, float) for x in (ours.sums, ours.counts, baseline.sums, baseline.counts)])
    sums, counts, theirs, of = _resampled(table)
    low, high = _middle(sums / counts - theirs / of)
    return Estimate(ours.mean - baseline.mean, low, high, table.shape[1])


def mcnemar(ours: PromptSums, baseline: PromptSums) -> float | None:
    """Exact two-sided p of McNemar's test; None where verdicts are not one per prompt, yes or no."""
    if not (ours.binary and baseline.binary):
        return None
    gained = int((ours.sums > baseline.sums).sum())
    lost = int((ours.sums < baseline.sums).sum())
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def _rare(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Do most prompts of each column contribute the same, and so few something else (three at most, of many)
    that a resample lacks all of these more often than the tail of an interval allows?"""
    lacking = 1.0
    for sums, counts in columns:
        _, times = np.unique(np.asarray(sums, float) / counts, return_counts=True)
        same = times.max() / len(sums)
        lacking *= same ** len(sums) if same > 0.5 else 0.0
    return lacking > TAIL


def _alike(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> int:
    """As many prompts of equal weight would tell as much: fewer than there are where some were asked more
    questions, or where a small column counts as much as a large one."""
    own = [counts.sum() ** 2 / np.square(np.asarray(counts, float)).sum() for _, counts in columns]
    return max(1, int(len(own) ** 2 / sum(1 / n for n in own) + 1e-6))


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Of a share of n prompts; between two numbers of prompts the lower end is that of the smaller one, the
    upper end that of the larger one."""
    passed = round(share * n, 6)
    few, many = (
        binomtest(int(k), n).proportion_ci(CONFIDENCE, method="wilson") for k in (floor(passed), ceil(passed))
    )
    return float(few.low), float(many.high)


def _gained_less_lost(
    value: float, columns: Sequence[tuple[np.ndarray, np.ndarray]], n: int
) -> tuple[float, float]:
    """The interval of a difference of two shares of n prompts, from the intervals of both."""
    gained, lost = (
        float(np.mean([np.clip(side * sums, 0, None).sum() / counts.sum() for sums, counts in columns]))
        for side in (1, -1)
    )
    (gained_low, gained_high), (lost_low, lost_high) = _wilson(gained, n), _wilson(lost, n)
    low = value - hypot(gained - gained_low, lost_high - lost)
    high = value + hypot(gained_high - gained, lost - lost_low)
    return max(low, -1.0), min(high, 1.0)


def _bootstrapped(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Percentile interval of the mean over columns of sum / count, prompts resampled within each column; the
    same in whatever order the columns come."""
    tables = [np.stack([np.asarray(s, float), np.asarray(n, float)]) for s, n in columns]
    tables.sort(key=lambda table: table.tobytes())
    if all(len(np.unique(t[0] / t[1])) == 1 for t in tables):
        value = float(np.mean([t[0, 0] / t[1, 0] for t in tables]))
        return value, value
    rng = np.random.default_rng(SEED) if len(tables) > 1 else None
    drawn = (_resampled(table, rng) for table in tables)
    return _middle(np.mean([sums / counts for sums, counts in drawn], axis=0))


def _middle(drawn: np.ndarray) -> tuple[float, float]:
    """The ends between which all but the tails lie."""
    low, high = np.percentile(drawn, [100 * TAIL, 100 - 100 * TAIL])
    return float(low), float(high)


def _resampled(table: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
    """The sums over as many prompts, drawn RESAMPLES times, of each row of a table (rows, prompts); without
    `rng` the first draws of SEED.

    Prompts that contribute the same are drawn together: how often is multinomial, and verdicts have few
    different values.
    """
    kinds, times = np.unique(table, axis=1, return_counts=True)
    prompts = table.shape[1]
    if len(times) <= FEW:
        rng = rng or np.random.default_rng(SEED)
        drawn = multinomial.rvs(prompts, times / prompts, size=RESAMPLES, random_state=rng)
        return kinds @ drawn.T
    if rng is None:
        return table @ _first_draws(prompts).T
    drawn = rng.integers(prompts, size=(RESAMPLES, prompts))
    return np.stack([row[drawn].sum(axis=1) for row in table])


@lru_cache(maxsize=4)
def _first_draws(prompts: int) -> np.ndarray:
    """How often each prompt is drawn (RESAMPLES, prompts): the same for every amount of as many prompts."""
    drawn = np.random.default_rng(SEED).integers(prompts, size=(RESAMPLES, prompts))
    places = drawn + prompts * np.arange(RESAMPLES)[:, None]
    return np.bincount(places.ravel(), minlength=RESAMPLES * prompts).reshape(RESAMPLES, -1).astype(float)
