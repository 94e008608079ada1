"""Rows that are curves, groups for an extended run, and `ladr calibrate`."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from ladr.base.errors import LadrError
from ladr.cli.main import build
from ladr.experiment.grid import grid
from ladr.experiment.params import load
from ladr.experiment.sweep.calibrate import calibration, ends_of
from tiny import TEXT, tiny, write

CURVES = {
    "rivals": {
        "benchmarks": ["field-exact"],
        "rows": {
            "plain": {"policy": "cosine", "vary": "steps", "values": [2, 4]},
            "bar": {"policy": "threshold", "vary": "level", "values": {"field": [0.5, 0.9]}},
            "elsewhere": {"policy": "threshold", "vary": "level", "values": {"other": [0.5]}},
        },
    }
}


def asked(**more):
    text = yaml.safe_load(TEXT)
    text["backbones"]["other"] = {**text["backbones"]["field"], "kind": "field"}
    return json.dumps({**text, "curves": CURVES, **more})


def test_each_value_of_a_row_is_a_line_on_the_backbones_that_have_values(tmp_path):
    _, made = tiny(tmp_path, asked())
    lines = [line for line in made.lines if line.group == "curves/rivals"]
    assert [line.name for line in lines] == [
        "plain, steps=2", "plain, steps=4", "bar, level=0.5", "bar, level=0.9",
    ]  # fmt: skip
    assert [line.point for line in lines] == [{"steps": 2}, {"steps": 4}, {"level": 0.5}, {"level": 0.9}]
    specs = [made.cells[line.cell].spec["sampler"] for line in lines]
    assert [spec["steps"] for spec in specs] == [2, 4, 8, 8]
    assert [spec["policy"].get("level") for spec in specs] == [None, None, 0.5, 0.9]


def test_cells_of_other_rows_keep_their_ids(tmp_path):
    _, without = tiny(tmp_path)
    _, made = tiny(tmp_path, asked())
    assert set(without.cells) < set(made.cells)


@pytest.mark.parametrize("group", ["ablations", "sweeps", "curves"])
def test_a_group_of_the_extended_run_waits_for_it(tmp_path, group):
    text = yaml.safe_load(asked())
    for body in text[group].values():
        body["extended"] = True
    named = {line.group.split("/")[0] for line in tiny(tmp_path, json.dumps(text))[1].lines}
    assert named == {"samplers", "ablations", "sweeps", "curves"} - {group}
    path = write(tmp_path, json.dumps(text))
    everything = grid(load(path, {"extended": True})).lines
    assert {line.group.split("/")[0] for line in everything} == named | {group}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"policy": "threshold", "vary": "levle", "values": [0.5]}, "vary = 'levle'.*did you mean 'level'"),
        ({"policy": "threshold", "vary": "level", "values": [0.5, 2.0]}, r"values\.1.*2\.0"),
        ({"policy": "threshold", "vary": "level", "values": {"feild": [0.5]}}, "feild.*did you mean 'field'"),
        ({"policy": "threshold", "vary": "level", "values": {"field": [7]}}, r"values\.field\.0 = 7"),
        ({"policy": "threshold", "vary": "level", "values": []}, "values: is empty"),
        ({"policy": "threshold", "values": [0.5]}, "vary: is missing"),
    ],
)
def test_mistakes_of_a_curve_are_named(tmp_path, row, says):
    body = {"rivals": {"benchmarks": ["field-exact"], "rows": {"bar": row}}}
    with pytest.raises(LadrError, match=says):
        tiny(tmp_path, asked(curves=body))


def test_a_row_is_calibrated_to_passes(tmp_path):
    path = write(tmp_path, asked())
    words = ["calibrate", "bar", "--field", "level", "--backbone", "field", "--benchmark", "field-exact"]
    more = ["--size", "2", "--passes", "4", "--passes", "6", "--params", str(path)]
    done = CliRunner().invoke(build("calibrate"), [*words, *more])
    assert done.exit_code == 0, done.output
    assert done.output.count("passes: level 0.") == 2
    assert "values: [" in done.output


def test_passes_that_no_value_leads_to_are_refused(tmp_path):
    words = ["calibrate", "bar", "--field", "level", "--backbone", "field", "--benchmark", "field-exact"]
    more = ["--size", "2", "--passes", "5", "--passes", "1000", "--params", str(write(tmp_path, asked()))]
    done = CliRunner().invoke(build("calibrate"), [*words, *more])
    with pytest.raises(LadrError, match=r"passes: 1000 is out of reach; level leads to [\d.]+ \(.*\) up to"):
        raise done.exception
    assert done.output == ""


def test_what_cannot_be_calibrated_is_named(tmp_path):
    params = load(write(tmp_path, asked()))
    place = ("field", "field-exact", 2)
    for row, field, says in (
        ("barr", "level", "row 'barr' is not known .did you mean 'bar'"),
        ("bar", "levle", "no field 'levle' to calibrate .did you mean 'level'"),
        ("threshold", "anchor", "no field 'anchor'"),
    ):
        with pytest.raises(LadrError, match=says):
            calibration(params, row, field, *place)
    with pytest.raises(LadrError, match="backbone 'feild'"):
        calibration(params, "bar", "level", "feild", "field-exact", 2)
    with pytest.raises(LadrError, match="LOW:HIGH"):
        ends_of("1")
