"""A field's value for a wanted number of passes."""

import pytest

from ladr.base.errors import LadrError
from ladr.cli.main import answer
from ladr.decoding.loop import decode
from ladr.experiment.params import load
from ladr.experiment.sweep.calibrate import calibrate, calibration
from tiny import TEXT, write
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
    for found, wanted in zip(answers, (4, 7), strict=True):
        assert abs(found.passes - wanted) < 0.8
        assert between[0] <= found.value <= between[1]
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


COLD = TEXT.replace("samplers:", "samplers:\n  cold: {policy: threshold, temperature: 0.2, steps: 6}", 1)


def test_a_row_is_calibrated_as_its_cells_are_decoded(tmp_path):
    asked = calibration(load(write(tmp_path, COLD)), "cold", "level", "field", "field-exact", 3)
    measured = asked.at(0.8).passes
    passes = {}
    for temperature in (0.2, 1.0):
        spec = {"policy": "threshold", "level": 0.8}
        out = decode(asked.backbone, asked.prompts, spec, steps=6, temperature=temperature)
        passes[temperature] = sum(image.passes for image in out.trace.images) / len(asked.prompts)
    assert measured == passes[0.2] != passes[1.0]


def test_a_row_whose_steps_are_those_of_another_is_refused(tmp_path):
    params = load(write(tmp_path, TEXT.replace("policy: cosine, match", "policy: threshold, match")))
    with pytest.raises(LadrError, match=r"row 'matched': takes as many steps as 'ladr' passes"):
        calibration(params, "matched", "level", "field", "field-exact", 3)


def test_a_calibration_reads_the_variable_that_other_commands_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LADR_SET", "stpes=3")
    path = str(write(tmp_path, COLD))
    assert answer(["calibrate", "cold", "--field", "level", "--passes", "3", "--params", path]) == 2
    assert "stpes" in capsys.readouterr().err
