"""A record or an index is written over one of its kind alone; the files of others keep their content."""

import json
import os
from pathlib import Path

import pytest

from ladr.base.errors import LadrError
from ladr.experiment.cells import record
from ladr.experiment.plan.records import DRAWN, FROM, record_illustrations
from ladr.figures.frame import index
from trust.refusals import answer, refused

KEYS = DRAWN | FROM
OTHERS = {
    "a text": ("thesis.tex", "years of work"),
    "an object": ("notes.json", '{"thesis": "years of work"}'),
    "a list": ("list.json", "[1, 2]"),
    "another kind of record": ("tracked.json", record.sealed({"cells": []})),
}


@pytest.mark.parametrize(("name", "text"), OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("words", [["pictures"], ["figures", "quality"], ["track"]], ids=" ".join)
def test_no_command_writes_its_record_over_the_file_of_others(world, capsys, words, name, text):
    outside = world.folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    text = record.sealed({"rows": {}}) if words == ["track"] and name == "tracked.json" else text
    (outside / name).write_text(text)
    line = refused([*words, "--record", str(outside / name)], capsys)
    assert f"{name}: holds something else than a record of this kind" in line
    assert (outside / name).read_text() == text


def test_what_is_left_of_a_record_is_written_anew(tmp_path):
    path = tmp_path / "scores.json"
    for text in ("", "{", '{"figures": [1', record.sealed({"figures": [], "files": {}})):
        path.write_text(text)
        record.require_own(path, KEYS)
    path.unlink()
    record.require_own(path, KEYS)
    os.mkfifo(path)
    with pytest.raises(LadrError, match="holds something else"):
        record.require_own(path, KEYS)


def test_what_is_too_large_for_a_record_is_somebody_elses(tmp_path):
    path = tmp_path / "notes.json"
    path.write_text(json.dumps({"thesis": "x" * record.LARGEST}))
    with pytest.raises(LadrError, match="holds something else"):
        record.require_own(path, KEYS)


def test_a_record_of_illustrations_removes_no_record_of_another_kind(world):
    """`--record results/x.json` beside the record of the table."""
    before = {name: Path("results", name).read_bytes() for name in (record.TABLE, *record.BESIDE)}
    record_illustrations(Path("results/pictures.json"), [])
    assert {name: Path("results", name).read_bytes() for name in before} == before


def test_an_index_is_written_over_no_readme_of_others(world, capsys):
    Path("README.md").write_text("# My thesis\n")
    for words in (["figures", "--out", "."], ["figures", "--index", "--out", "."]):
        assert "README.md: is somebody's own text" in refused(words, capsys)
    assert answer(["figures", "--index", "--out", "figures"]) == 0
    index.require_own(Path("figures"))
    assert json.loads(Path("results/table.json").read_text())


def test_a_table_is_written_over_no_file_of_others(world, capsys):
    for name in ("scores.csv", "quality.csv", "metrics.json", "main.json", "table.json", "grid.json"):
        place = Path(name.partition(".")[0])
        place.mkdir()
        (place / name).write_text('{"thesis": "years of work"}')
        assert f"{place / name}: is somebody's own" in refused(["table", "--out", str(place)], capsys)


def test_a_table_is_written_over_one_of_ours_whole_or_damaged(world):
    assert answer(["table", "--out", "mine"]) == 0
    before = Path("mine/scores.csv").read_bytes()
    for harm in ("table.json", "scores.csv"):
        Path("mine", harm).write_text("{")
        assert answer(["table", "--out", "mine"]) == 0
        assert Path("mine/scores.csv").read_bytes() == before
    Path("results/table.json").unlink()
    assert answer(["table"]) == 0


@pytest.mark.parametrize("name", ["audit.csv", "audit.md"])
def test_an_audit_is_written_over_no_text_of_others(world, capsys, name):
    Path(name).write_text("# My thesis\n")
    assert f"{name}: is somebody's own text" in refused(["audit", "--out", "."], capsys)
    assert [answer(["audit", "--out", "audit"]) for _ in range(2)] == [0, 0]
