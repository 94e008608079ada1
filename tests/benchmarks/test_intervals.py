"""Intervals where hardly any prompt stands out: none claims certainty, and they hold the truth."""

import numpy as np
import pytest

from ladr.benchmarks.intervals import PromptSums, contrast, difference, estimate, mcnemar, ratio


def shares(values, of=1):
    values = np.asarray(values, float)
    return PromptSums(of * values, np.full(len(values), of))


def all_but(few, n, right=1.0):
    """n prompts that are right, but for some that gave these values."""
    return np.concatenate([np.asarray(few, float), np.full(n - len(few), right)])


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_all_alike_is_as_sure_as_one_verdict_per_prompt(right):
    verdicts = estimate([shares(all_but([], 256, right))])
    several = estimate([shares(all_but([], 256, right), of=4)])
    assert several == verdicts
    assert several.high - several.low == pytest.approx(0.0148, abs=1e-4)  # Wilson's closed form


def test_one_flaw_does_not_make_a_column_surer_than_none():
    """A thousandth lost in one of 256 prompts: a bootstrap would say 100.0 [100.0, 100.0]."""
    perfect, flawed = (estimate([shares(all_but(few, 256))]) for few in ([], [0.97]))
    assert flawed.value < perfect.value
    assert flawed.low < perfect.low < flawed.value < flawed.high == 1.0


@pytest.mark.parametrize("few", [[], [0.5], [0.5, 0.2], [0.0, 0.0, 0.0], [0.9] * 4, [0.5] * 30])
def test_no_interval_of_a_share_is_a_point(few):
    found = estimate([shares(all_but(few, 100), of=2)])
    assert found.low < found.value <= found.high <= 1
    assert found.high - found.low > 0.005


def test_alike_at_any_value():
    half = estimate([shares(np.full(64, 0.5), of=2)])
    assert 0.3 < half.low < half.value < half.high < 0.7
    assert half.high - half.value == pytest.approx(half.value - half.low)


def test_four_that_stand_out_are_resampled():
    """The step from one method to the other: what is resampled stays as it was."""
    rng = np.random.default_rng(0)
    values = all_but([0.5, 0.6, 0.7, 0.8], 400)
    drawn = rng.choice(values, (20000, 400)).mean(axis=1)
    found = estimate([shares(values)])
    assert [found.low, found.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=2e-4)


def test_no_difference_is_no_certainty():
    """As wide to both sides as Wilson's interval is below a column without a failure."""
    column = shares(np.arange(400) % 2)
    found = difference([column], [column])
    assert (found.value, found.low) == (0, -found.high)
    assert found.high == pytest.approx(1 - estimate([shares(np.ones(400))]).low)
    many = difference([column] * 6, [column] * 6)
    assert 0 < many.high < found.high / 5


@pytest.mark.parametrize(("gained", "lost"), [(0, 1), (0, 3), (1, 1), (2, 0)])
def test_few_that_differ_leave_the_sign_open_as_mcnemar_does(gained, lost):
    ours, theirs = np.zeros(400), np.zeros(400)
    ours[:gained], theirs[gained : gained + lost] = 1, 1
    found = difference([shares(ours)], [shares(theirs)])
    assert found.value == pytest.approx((gained - lost) / 400)
    assert found.low < 0 < found.high
    assert mcnemar(shares(ours), shares(theirs)) > 0.05
    other = difference([shares(theirs)], [shares(ours)])
    assert [other.low, other.high] == pytest.approx([-found.high, -found.low])


def test_where_columns_hold_few_and_many_differences_they_are_resampled():
    rng = np.random.default_rng(1)
    same, a, b = shares(np.ones(50)), *(shares(rng.integers(0, 2, 50)) for _ in range(2))
    found, alone = difference([same, a], [same, b]), difference([a], [b])
    assert found.value == pytest.approx(alone.value / 2)
    assert [found.low, found.high] == pytest.approx([alone.low / 2, alone.high / 2], abs=0.03)


def test_two_prompts_that_differ_are_resampled():
    found = difference([shares([0.9, 0.7])], [shares([0.1, 0.2])])
    assert [found.low, found.high] == pytest.approx([0.5, 0.8])


@pytest.mark.parametrize("missed", [0.002, 0.01, 0.05])
def test_intervals_hold_the_truth(missed):
    """Shares: a missed prompt loses half. Differences: as many prompts are gained as lost."""
    rng, hits = np.random.default_rng(2), np.zeros(2)
    for _ in range(200):
        lost, gained = (rng.random((2, 150)) < missed).astype(float)
        found = estimate([shares(1 - lost / 2, of=2)])
        hits[0] += found.low <= 1 - missed / 2 <= found.high
        change = difference([shares(gained)], [shares(lost)])
        hits[1] += change.low <= 0 <= change.high
    assert (hits >= 0.9 * 200).all(), hits


def test_amounts_that_never_vary_have_no_width():
    fixed = PromptSums(np.full(30, 64.0), np.full(30, 10.0))
    found = ratio(fixed)
    assert (found.value, found.low, found.high) == (6.4, 6.4, 6.4)


def test_contrast_is_of_sums_and_paired():
    """Ratios of sums, whose counts differ; what moves both alike cancels."""
    rng = np.random.default_rng(3)
    hard = rng.gamma(1, 5, 200)
    ours = PromptSums(2 * hard + rng.random(200), rng.integers(8, 12, 200).astype(float))
    theirs = PromptSums(hard, np.full(200, 10.0))
    found = contrast(ours, theirs)
    assert found.value == pytest.approx(ours.mean - theirs.mean)
    assert found.low < found.value < found.high
    alike = contrast(PromptSums(hard + 1, theirs.counts), theirs)
    assert [alike.low, alike.high] == pytest.approx([0.1, 0.1])
    assert ratio(theirs).high - ratio(theirs).low > 0.1


def test_contrast_holds_the_truth():
    rng, hits = np.random.default_rng(4), 0
    for _ in range(100):
        a, b = rng.gamma(1, 1, (2, 80))
        counts = rng.integers(1, 9, 80).astype(float)
        found = contrast(PromptSums(1.5 * a * counts, counts), PromptSums(b * counts, counts))
        hits += found.low <= 0.5 <= found.high
    assert hits >= 88


def test_rare_failures_weigh_prompts_and_columns_by_what_they_tell():
    """A few heavy prompts, or one small column, tell less than as many equal ones."""
    even = PromptSums(np.full(400, 2.0), np.full(400, 2.0))
    heavy = PromptSums(
        np.r_[np.full(390, 1.0), np.full(10, 40.0)], np.r_[np.full(390, 1.0), np.full(10, 40.0)]
    )
    small = PromptSums(np.ones(20), np.ones(20))
    assert estimate([even]).low == pytest.approx(400 / (400 + 1.96**2), abs=1e-3)
    assert estimate([heavy]).low < estimate([even]).low
    assert estimate([even, small]).low < estimate([PromptSums(np.ones(420), np.ones(420))]).low
    assert difference([heavy], [heavy]).low < difference([even], [even]).low < 0
