"""The bound by the doubts: never exceeded, nearly attained, and added up over a decode."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from ladr.backbones.exact.field import Field
from ladr.decoding.policies import LADR, Doubt, FreeRiders, build
from ladr.paper.theory import guarantee

ROUNDING = 1e-6  # the loop keeps log probabilities in float32
SURE = Field((2, 3), 2, coupling=0.9, external=2.0)
RULES = guarantee.rules() | {"LADR, every gap": LADR(select="top1", noise=0, frontier_from="prev")}


@st.composite
def joints(draw, skew=True):
    """A joint distribution of 1 to 4 cells with 2 to 3 codes, often with one outcome that has most mass."""
    n, K = draw(st.integers(1, 4)), draw(st.integers(2, 3))
    p = np.array(draw(st.lists(st.floats(1e-3, 1), min_size=K**n, max_size=K**n)))
    p = (p * draw(st.sampled_from([1.0, 0.1, 0.01])) + (np.arange(K**n) == 0)) if skew else p
    return (p / p.sum()).reshape((K,) * n)


def marginals(p):
    return [p.sum(tuple(j for j in range(p.ndim) if j != i)) for i in range(p.ndim)]


def entropy(p):
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def with_riders(sides, riders):
    """The joint distribution where the cells `riders` show their likeliest codes, the others are drawn."""
    laws = [np.eye(len(s))[s.argmax()] if i in riders else s for i, s in enumerate(sides)]
    return guarantee.independent(laws)


def one_at_most(doubts):
    """Cells of 2 codes of which at most one shows the unlikely code."""
    out = np.zeros((2,) * len(doubts))
    out[(0,) * len(doubts)] = 1 - sum(doubts)
    for i, doubt in enumerate(doubts):
        out[tuple(int(j == i) for j in range(len(doubts)))] = doubt
    return out


@given(joints())
@settings(max_examples=300, deadline=None)
def test_no_joint_distribution_is_further_away_than_its_doubts_allow(p):
    sides = marginals(p)
    doubts = [1 - s.max() for s in sides]
    drawn = guarantee.independent(sides)
    far = guarantee.distance(p, drawn)
    assert far <= guarantee.distance_bound(doubts) + 1e-9
    total_correlation = sum(map(entropy, sides)) - entropy(p)
    assert total_correlation <= guarantee.nats_bound([entropy(s) for s in sides]) + 1e-9
    for s, d in zip(sides, doubts, strict=True):
        assert entropy(s) <= guarantee.entropy_of_doubt(d, len(s)) + 1e-9


@given(joints(), st.floats(1, 6))
@settings(max_examples=200, deadline=None)
def test_tokens_drawn_from_sharper_marginals_stay_within_the_conditional_doubts(p, power):
    """Guidance that sharpens, same likeliest codes: the doubts of the unsharpened branch still bound it."""
    sides = marginals(p)
    sharper = [s**power / (s**power).sum() for s in sides]
    far = guarantee.distance(p, guarantee.independent(sharper))
    assert far <= sum(1 - s.max() for s in sides) + 1e-9


@given(joints(), st.data())
@settings(max_examples=300, deadline=None)
def test_riders_that_show_their_likeliest_codes_stay_within_their_doubts(p, data):
    riders = data.draw(st.sets(st.integers(0, p.ndim - 1)))
    sides = marginals(p)
    doubts = [1 - s.max() for s in sides]
    deciding = [d for i, d in enumerate(doubts) if i not in riders]
    far = guarantee.distance(p, with_riders(sides, riders))
    bound = guarantee.riders_bound([doubts[i] for i in riders], deciding)
    assert far <= bound + 1e-9
    if len(deciding) == 1:
        assert bound == pytest.approx(min(1, sum(doubts[i] for i in riders)))


def test_riders_are_as_far_as_their_bound_where_one_at_most_is_unlikely():
    for doubts in ([0.1], [0.02, 0.05], [0.01, 0.02, 0.03, 0.2]):
        p = one_at_most(doubts)
        sides = marginals(p)
        assert [1 - s[0] for s in sides] == pytest.approx(doubts)
        for kept in (len(doubts), len(doubts) - 1):  # the last one rides, or decides
            far = guarantee.distance(p, with_riders(sides, range(kept)))
            assert far == pytest.approx(guarantee.riders_bound(doubts[:kept], doubts[kept:]))


def test_one_cell_costs_nothing_and_the_cells_that_vary_together_almost_all():
    assert guarantee.distance_bound([0.4]) == 0
    assert guarantee.distance_bound([]) == guarantee.nats_bound([]) == 0
    for n in (2, 3, 8):
        for d in (1e-4, 0.01):
            far = guarantee.distance(
                guarantee.all_or_none(n, d), guarantee.independent([np.array([1 - d, d])] * n)
            )
            assert far == pytest.approx(1 - (1 - d) ** n - d**n)
            assert 1 - n * d < far / guarantee.distance_bound([d] * n) <= 1


def test_cells_that_are_copies_attain_the_bound_in_nats():
    p = guarantee.all_or_none(4, 0.1)
    sides = marginals(p)
    total_correlation = sum(map(entropy, sides)) - entropy(p)
    assert total_correlation == pytest.approx(guarantee.nats_bound([entropy(s) for s in sides]))


def test_the_evenly_spread_cell_has_the_entropy_of_its_doubt():
    for K, d in ((2, 0.3), (5, 0.1), (8192, 0.5)):
        p = np.r_[1 - d, np.full(K - 1, d / (K - 1))]
        assert entropy(p) == pytest.approx(guarantee.entropy_of_doubt(d, K))
    assert guarantee.entropy_of_doubt(0, 5) == 0


def test_the_linear_programme_finds_nothing_above_the_bound_and_much_of_it():
    for row in guarantee.pass_rows(quick=True):
        assert 0.9 * row["bound"] < row["worst"] <= row["bound"] + 1e-9
        assert row["all_or_none"] <= row["worst"] + 1e-9
    uneven = [np.array([0.9, 0.1]), np.array([0.98, 0.02])]
    assert guarantee.worst_distance(uneven) == pytest.approx(2 * 0.02 * 0.9)
    assert guarantee.distance_bound([0.1, 0.02]) == pytest.approx(2 * 0.02)


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("coupling", [0.6, 1.5])
def test_a_whole_decode_is_never_further_from_the_field_than_its_bound(name, coupling):
    field = Field((2, 3), 2, coupling=coupling, external=1.0, seed=2)
    row = guarantee.whole_decode(field, RULES[name], steps=3)
    assert row["distance"] <= row["bound"] + ROUNDING
    assert -ROUNDING <= row["kl"] <= row["nats"] + ROUNDING
    assert row["distance"] <= math.sqrt(max(row["kl"], 0) / 2) + ROUNDING  # Pinsker


def test_riders_pay_at_most_the_budget_in_every_pass():
    for budget in (0.03, 0.3):
        row = guarantee.whole_decode(SURE, FreeRiders(budget, likeliest=False), steps=3)
        assert row["bound"] <= budget * row["passes"] + ROUNDING
        alone = guarantee.whole_decode(SURE, Doubt(budget, picks="none", likeliest=False), steps=3)
        assert alone == row


def test_in_an_ordered_field_the_bound_is_nearly_attained():
    row = guarantee.ordered_row()
    assert 0.75 * row["bound"] < row["distance"] <= row["bound"]


def test_a_rule_that_reads_what_it_drew_is_refused():
    with pytest.raises(ValueError, match="noise"):
        guarantee.whole_decode(SURE, build("random"), steps=3)


def kept(q, tries):
    """The law of the best of so many independent draws from q, its outcomes ordered from worst to best."""
    up_to = np.cumsum(q)
    return np.diff(up_to**tries, prepend=0.0)


@given(st.lists(st.floats(1e-3, 1), min_size=1, max_size=8), st.integers(1, 5))
def test_what_is_kept_of_several_tries_stays_within_the_bound_of_one(weights, tries):
    q = np.array(weights) / sum(weights)
    p = kept(q, tries)
    assert p.sum() == pytest.approx(1)
    assert guarantee.distance(p, q) <= guarantee.tries_bound(tries) + 1e-9
    assert (p <= tries * q + 1e-9).all()


@pytest.mark.parametrize("tries", [1, 2, 3, 5])
def test_with_many_pictures_it_is_as_far_as_the_bound_says(tries):
    even = np.full(10_000, 1e-4)
    assert guarantee.distance(kept(even, tries), even) == pytest.approx(
        guarantee.tries_bound(tries), abs=1e-3
    )
    assert guarantee.tries_bound(2) == 0.25
