"""The first free riders are counted as the budget says, and held against scenes of the prompt."""

import pytest
import torch

from ladr.backbones.lumina.dimoo import shapes
from ladr.benchmarks import BENCHMARKS
from ladr.paper.theory import riders
from ladr.paper.theory.riders import first_riders


@pytest.fixture(scope="module")
def model():
    return shapes(guidance=1.0)


PROMPTS = BENCHMARKS["mini-geneval"].prompts("smoke")[:2]


def test_riders_cost_at_most_the_budget_and_are_mostly_right(model):
    small, large = (first_riders(model, PROMPTS, budget, scenes=8) for budget in (0.0003, 0.1))
    assert sum(one["riders"] for one in small) < sum(one["riders"] for one in large)
    for less, more in zip(small, large, strict=True):
        assert less["expected"] <= 0.0003 + 1e-6
        assert less["expected"] <= more["expected"] <= 0.1 + 1e-6
        assert 0 < less["riders"] <= more["riders"]
        assert more["wrong"] < more["riders"] / 10


def test_no_budget_no_riders(model):
    assert all(set(one.values()) == {0.0} for one in first_riders(model, PROMPTS, -1.0, scenes=2))


def test_scenes_that_never_agree_make_every_rider_wrong(model, monkeypatch):
    monkeypatch.setattr(riders, "_codes", lambda backbone, prompt, n: torch.full((n, *backbone.grid), -5))
    for one in first_riders(model, PROMPTS, 0.1, scenes=3):
        assert one["wrong"] == one["riders"] > 0
        assert one["scenes_wrong"] == 1.0


def test_a_suite_has_a_row_with_errors(monkeypatch):
    monkeypatch.setattr(riders, "FEW", {"mini-dpg": 2})
    [row] = riders.rows(quick=True)
    assert (row["suite"], row["prompts"]) == ("mini-dpg", 2)
    assert {f"{name}_se" for name in ("riders", "expected", "wrong", "scenes_wrong")} < set(row)
