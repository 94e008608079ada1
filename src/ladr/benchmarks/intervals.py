"""95 % intervals of scores, and tests of paired differences.

There are two kinds of number, with one method each. A *share* lies between 0 and 1 for every prompt (a score,
junk, diversity), so a difference of two shares lies between -1 and 1: `estimate` and `difference`. An
*amount* has no such limits (passes, nats): `ratio` and `contrast`.

Both use a percentile bootstrap over prompts. The bootstrap knows only prompts that were seen: if all 400
prompts are right, so is every resample, and the interval would be 100 to 100. For a share there is a second
method where prompts that differ from the rest are rare (`_rare`): an unseen prompt can change a share only so
much, so Wilson's interval holds. For an amount there is none: an interval of no width says that the amount
was the same for every prompt, as passes are under a fixed schedule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, hypot

import numpy as np

from ladr.base.late import Late

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
RESAMPLES = 2000
SEED = 0
FEW = 64  # kinds of prompts that are worth drawing together
stats = Late("scipy.stats")  # a second to import, and a plan of jobs needs none of it


@dataclass(frozen=True)
class Estimate:
    """A value between `low` and `high` with 95 % confidence, from `n` independent prompts."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class PromptSums:
    """What each prompt adds to a column: the sum of its judgements and their number."""

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
    """The unweighted mean of the columns' means; usually there is one column. Every judgement lies between 0
    and 1.

    Where a column holds one verdict per prompt, or where prompts that differ from the rest are rare, the
    interval is Wilson's for that many prompts. It is wide enough for other judgements too: judgements vary
    most if all are 0 or 1. Else it is a bootstrap over prompts, each column resampled by itself.
    """
    value = float(np.mean([column.mean for column in columns]))
    n = sum(len(column.sums) for column in columns)
    single = len(columns) == 1 and columns[0].binary
    tables = [(c.sums, c.counts) for c in columns]
    low, high = _wilson(value, _alike(tables)) if single or _rare(tables) else _bootstrapped(tables)
    return Estimate(value, low, high, n)


def difference(ours: Sequence[PromptSums], baseline: Sequence[PromptSums]) -> Estimate:
    """Ours minus the baseline. Both hold the same prompts in the same order, and judgements between 0 and 1.

    The interval is a bootstrap over the pairs. Where pairs that differ are rare, what was gained and what was
    lost are two shares, each with Wilson's interval, and square-and-add (Newcombe) gives the interval of
    their difference. If no pair differs, it reaches as far to both sides as Wilson's interval does below a
    column in which everything is right.
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
    """The sum of `sums` over the sum of `counts`, whatever they measure, with a bootstrap over prompts."""
    low, high = _bootstrapped([(over.sums, over.counts)])
    return Estimate(over.mean, low, high, len(over.sums))


def contrast(ours: PromptSums, baseline: PromptSums) -> Estimate:
    """The ratio of ours minus the ratio of the baseline, whatever they measure, with a bootstrap over the
    pairs. Both hold the same prompts in the same order."""
    table = np.stack([np.asarray(x, float) for x in (ours.sums, ours.counts, baseline.sums, baseline.counts)])
    sums, counts, theirs, of = _resampled(table)
    low, high = _middle(sums / counts - theirs / of)
    return Estimate(ours.mean - baseline.mean, low, high, table.shape[1])


def mcnemar(ours: PromptSums, baseline: PromptSums) -> float | None:
    """Exact two-sided p of McNemar's test; None unless both hold one yes-or-no verdict per prompt."""
    if not (ours.binary and baseline.binary):
        return None
    gained = int((ours.sums > baseline.sums).sum())
    lost = int((ours.sums < baseline.sums).sum())
    return float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def _rare(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Do nearly all prompts of each column contribute the same? Then so few differ (at most three, of many)
    that a resample lacks all of them more often than the tail of an interval allows."""
    lacking = 1.0
    for sums, counts in columns:
        _, times = np.unique(np.asarray(sums, float) / counts, return_counts=True)
        same = times.max() / len(sums)
        lacking *= same ** len(sums) if same > 0.5 else 0.0
    return lacking > TAIL


def _alike(columns: Sequence[tuple[np.ndarray, np.ndarray]]) -> int:
    """Effective number of equally weighted prompts (Kish). It is smaller than the number of prompts where
    some were asked more questions, or where a small column counts as much as a large one."""
    own = [counts.sum() ** 2 / np.square(np.asarray(counts, float)).sum() for _, counts in columns]
    return max(1, int(len(own) ** 2 / sum(1 / n for n in own) + 1e-6))


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share of n prompts. Where n is not whole, the lower end is that of the next
    smaller number and the upper end that of the next larger one."""
    passed = round(share * n, 6)
    few, many = (
        stats.binomtest(int(k), n).proportion_ci(CONFIDENCE, method="wilson")
        for k in (floor(passed), ceil(passed))
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
    """Percentile interval of the mean over columns of sum / count, prompts resampled within each column. The
    order of the columns does not matter."""
    tables = [np.stack([np.asarray(s, float), np.asarray(n, float)]) for s, n in columns]
    tables.sort(key=lambda table: table.tobytes())
    if all(len(np.unique(t[0] / t[1])) == 1 for t in tables):
        value = float(np.mean([t[0, 0] / t[1, 0] for t in tables]))
        return value, value
    rng = np.random.default_rng(SEED) if len(tables) > 1 else None
    drawn = (_resampled(table, rng) for table in tables)
    return _middle(np.mean([sums / counts for sums, counts in drawn], axis=0))


def _middle(drawn: np.ndarray) -> tuple[float, float]:
    """The two ends between which the middle 95 % lie."""
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
        drawn = stats.multinomial.rvs(prompts, times / prompts, size=RESAMPLES, random_state=rng)
        return kinds @ drawn.T
    if rng is None:
        return table @ _first_draws(prompts).T
    drawn = rng.integers(prompts, size=(RESAMPLES, prompts))
    return np.stack([row[drawn].sum(axis=1) for row in table])


@lru_cache(maxsize=4)
def _first_draws(prompts: int) -> np.ndarray:
    """How often each prompt is drawn, (RESAMPLES, prompts): the same for all amounts of so many prompts."""
    drawn = np.random.default_rng(SEED).integers(prompts, size=(RESAMPLES, prompts))
    places = drawn + prompts * np.arange(RESAMPLES)[:, None]
    return np.bincount(places.ravel(), minlength=RESAMPLES * prompts).reshape(RESAMPLES, -1).astype(float)
