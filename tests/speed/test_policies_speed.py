"""`ladr speed policies` times every policy of the registry, and sees one that is slow."""

import time

import pytest

from ladr.decoding.policies import POLICIES, Scheduled
from ladr.speed import policies as speed
from ladr.speed.policies import policies_speed

SMALL = {"grid": (4, 4), "codes": 8, "steps": 3, "repeat": 1}


class Slow(Scheduled):
    """Plain decoding that takes a twentieth of a second in every pass."""

    def __call__(self, view):
        time.sleep(0.05)
        return super().__call__(view)


def test_every_policy_has_a_row():
    found = policies_speed(**SMALL)
    assert [row["policy"] for row in found["rows"]] == list(POLICIES)
    assert all(0 < row["of_pass"] < row["of_loop"] < 1 for row in found["rows"])
    assert found["pass_s"] * found["matrix_tflops"] == pytest.approx(137, rel=0.05)


def test_a_slow_policy_is_seen(monkeypatch):
    monkeypatch.setitem(POLICIES, "slow", Slow)
    monkeypatch.setattr(speed, "POLICIES", {"cosine": POLICIES["cosine"], "slow": Slow})
    quick, slow = policies_speed(**SMALL)["rows"]
    assert slow["policy_ms"] >= 50
    assert slow["of_loop"] > 0.9 > quick["of_loop"]
