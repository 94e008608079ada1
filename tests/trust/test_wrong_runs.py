"""Files of a training run, of a picture and of a crate that are not as they should be: one line, in time."""

import json
import os
import shutil
from pathlib import Path

import pytest

from ladr.backbones.exact.patches import CODEBOOK
from ladr.experiment.cells import doctor
from ladr.training import exam
from ladr.training.log import read_log
from tiny import cell_of, write
from trust.refusals import answer, refused
from workflow_runs import ROOT

LOG = Path("run/model/log.jsonl")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LADR_SET", raising=False)
    LOG.parent.mkdir(parents=True)
    write(tmp_path)
    return tmp_path


ROWS = [
    ("", "holds no step of a training run"),
    ('{"step": 1, "im', "holds no step of a training run"),
    ("{}", "row 1: is no step of a run"),
    ("[]", "row 1: is no step of a run"),
    ('{"step": "1", "images": 2, "loss": 3}', "row 1: is no step of a run"),
    ('{"step": true, "images": 2, "loss": 3}', "row 1: is no step of a run"),
    ('{"step": 1, "images": 2, "loss": 3, "validation": "x"}', "row 1: is no step of a run"),
    ("a\0b", "holds a NUL"),
]


@pytest.mark.parametrize(("text", "says"), ROWS)
def test_a_log_that_is_none_is_one_line(here, capsys, text, says):
    LOG.write_text(text)
    assert f"{LOG}: {says}" in refused(["train", "curve", "--folder", "run"], capsys)


def test_a_line_that_a_kill_cut_is_passed_over(here):
    row = {"step": 1, "images": 2, "loss": 3.0}
    LOG.write_text(f'{json.dumps(row)}\n{{"step": 2, "ima\n')
    assert read_log(LOG) == [row]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(here, capsys):
    os.mkfifo(LOG)
    assert "is no regular file" in refused(["train", "curve", "--folder", "run"], capsys)
    os.mkfifo(Path("run", CODEBOOK))
    assert "is no regular file" in refused(["train", "model", "--folder", "run"], capsys)


def test_a_codebook_that_is_none_is_refused_before_training(here, capsys):
    Path("run", CODEBOOK).write_bytes(b"x" * 99)
    assert "truncated or damaged" in refused(["train", "model", "--folder", "run"], capsys)


def test_a_checkpoint_without_sizes_is_refused_before_processes_start(here, capsys, monkeypatch):
    monkeypatch.setattr(exam, "_column", None)
    Path("run/config.json").write_text("{}")
    assert "run/config.json: " in refused(["train", "exam", "--folder", "run"], capsys)


@pytest.mark.parametrize("out", ["params.yaml", "x.txt", "x"])
def test_an_explained_score_is_drawn_as_a_picture_alone(here, capsys, out):
    words = ["evaluate", "x.png", "--benchmark", "mini-geneval", "--prompt", "single-obj-000", "--out", out]
    assert f"out: '{out}' cannot be written; a file whose name ends in" in refused(words, capsys)


def test_a_crate_holds_no_damaged_file(world, capsys):
    shutil.copy(ROOT / "Snakefile", "Snakefile")
    assert answer(["crate"]) == 0
    assert list(doctor.examine()) == []
    scores = Path("results/cells") / cell_of(world.grid, "ladr").id / "scores.jsonl"
    scores.write_text(scores.read_text().replace("1", "2", 1))
    assert f"{scores}: " in refused(["crate"], capsys)
