"""Counts of the schedules: integers, by floor, that fall to nothing."""

import math

import pytest

from ladr import LadrError
from ladr.decoding import schedule
from ladr.decoding.schedule import CURVES, gamma, inverse, stay_fixed, stay_inverse


@pytest.mark.parametrize("name", CURVES)
def test_inverse_undoes_gamma(name):
    for i in range(1001):
        t = i / 1000
        assert inverse(gamma(t, name), name) == pytest.approx(t, abs=1e-9)
    ratios = [gamma(i / 1000, name) for i in range(1001)]
    assert ratios[0] == 1
    assert ratios[-1] == pytest.approx(0, abs=1e-12)
    assert ratios == sorted(ratios, reverse=True)


def test_times_outside_the_unit_interval_are_clamped():
    assert inverse(1 + 1e-12) == 0
    assert inverse(-1e-12) == 1
    assert gamma(-0.1) == 1
    assert gamma(1.5) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("kind", ["inverse", "fixed"])
def test_every_curve_ends_within_the_planned_passes(kind, name):
    for total in (*range(1, 40), *range(40, 1101, 53)):
        for steps in (1, 2, 3, 7, 16, 64, 130):
            assert _run(kind, total, steps, name) <= steps


@pytest.mark.parametrize("kind", ["inverse", "fixed"])
def test_counts_fall_to_zero(kind):
    for total in (*range(1, 65), *range(65, 1101, 9)):
        for steps in (*range(1, 18), 32, 63, 64, 65, 100, 128, 130):
            _run(kind, total, steps)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["inverse", "fixed"])
def test_counts_fall_to_zero_for_every_total_and_number_of_passes(kind):
    for total in range(1, 1101):
        for steps in range(1, 131):
            _run(kind, total, steps)


def test_fixed_counts_do_not_look_at_the_state():
    for total, steps in ((4096, 64), (7, 5), (256, 130)):
        left = [stay_fixed(total, steps, s) for s in range(steps)]
        assert left == sorted(left, reverse=True)
        assert left[-1] == 0
        assert all(1 <= n <= total for n in left[:-1])


def _run(kind, total, steps, name="cosine"):
    """Passes until nothing is masked, as the loop counts them; checks that each pass commits something."""
    masked, step = total, 0
    while masked:
        assert step < steps, (total, steps)
        stay = (
            stay_inverse(masked, total, steps, step, name)
            if kind == "inverse"
            else min(masked - 1, stay_fixed(total, steps, step, name))
        )
        assert 0 <= stay < masked, (total, steps, step)
        masked, step = stay, step + 1
    return step


@pytest.mark.parametrize(("total", "passes"), [(4096, 63), (256, 54), (64, 40), (16, 16)])
def test_the_inverse_schedule_runs_ahead_on_small_grids(total, passes):
    """The floor counts as progress in time, so fewer than T = 64 passes are made without any rescue."""
    assert _run("inverse", total, 64) == passes


def test_the_first_counts_are_the_backbones():
    assert 4096 - stay_fixed(4096, 64, 0) == 2
    assert stay_fixed(4096, 64, 62) == math.floor(4096 * math.cos(math.pi / 2 * 63 / 64))
    assert stay_fixed(4096, 3, 1) in (2047, 2048)  # 4096 * cos(pi / 3) is 2048, up to float32
    assert stay_fixed(1, 64, 5) == 1


def test_an_unknown_curve_names_the_nearest():
    with pytest.raises(LadrError, match=r"curve: 'cosin'.*'cosine'"):
        schedule.gamma(0.5, "cosin")
