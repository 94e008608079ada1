"""A field's value for a wanted number of passes."""

import pytest

from ladr.base.errors import LadrError
from ladr.experiment.sweep.calibrate import calibrate
from toy import ToyBackbone

PROMPTS = ["red", "green", "blue", "a", "bb", "ccc"]


@pytest.mark.parametrize(
    ("spec", "field", "between"),
    [
        ({"policy": "doubt", "picks": "scheduled"}, "budget", (1e-3, 30.0)),
        ({"policy": "threshold", "schedule": "fixed"}, "level", (0.05, 1.0)),
        ({"policy": "entropy_bound", "schedule": "none"}, "bound", (0.1, 60.0)),
    ],
)
def test_the_passes_come_near_to_what_is_wanted(spec, field, between):
    backbone = ToyBackbone(sharpness=4.0)
    answers = [calibrate(backbone, PROMPTS, spec, field, between, wanted, steps=16) for wanted in (4, 7)]
    for answer, wanted in zip(answers, (4, 7), strict=True):
        assert abs(answer.passes - wanted) < 0.8
        assert between[0] <= answer.value <= between[1]
    assert answers == [calibrate(backbone, PROMPTS, spec, field, between, w, steps=16) for w in (4, 7)]


def test_what_cannot_be_had_gives_the_nearest_end():
    budget = {"policy": "doubt"}
    assert calibrate(ToyBackbone(), PROMPTS, budget, "budget", (0.01, 1.0), 1000, steps=8).passes <= 8


@pytest.mark.parametrize(
    ("field", "between", "says"),
    [("bugdet", (0.1, 1.0), "no field 'bugdet'"), ("budget", (0.0, 1.0), "0 < low < high")],
)
def test_bad_asks_are_named(field, between, says):
    with pytest.raises(LadrError, match=says):
        calibrate(ToyBackbone(), PROMPTS, {"policy": "doubt"}, field, between, 5)
