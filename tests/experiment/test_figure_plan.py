"""Which figures are drawn is known from params alone; records say what was drawn."""

import ast
import hashlib
import json

import pytest

from ladr.base.errors import LadrError
from ladr.cli.figures import names
from ladr.experiment.cells import doctor
from ladr.experiment.cells.ceiling import write_ceiling
from ladr.experiment.cells.record import write as seal
from ladr.experiment.illustrations import illustration
from ladr.experiment.plan import figures as figure_plan
from ladr.experiment.plan.figures import REASONS, FigurePlan, figure_needs
from ladr.experiment.plan.plan import Plan
from ladr.experiment.plan.records import captions, figure_files, record, record_illustrations
from tiny import TEXT, tiny

BARE = TEXT[: TEXT.index("samplers:")] + "samplers:\n  cosine: {policy: cosine}\n"
PIXELS = """\
use: [mixture]
images: 2
theory: true
backbones: {mixture: {settings: {scenes: 8}, benchmarks: {mini-dpg: 1, mini-geneval: 1}}}
samplers:
  cosine: {policy: cosine}
  ladr: {policy: ladr}
"""


def plan_of(folder, text):
    return FigurePlan(*tiny(folder, text))


def test_every_figure_says_what_it_needs():
    assert list(figure_needs()) == names()
    for path in figure_plan.HERE.glob("*.py"):
        stated = [n for n in ast.parse(path.read_text()).body if "NEEDS" in ast.dump(n)]
        assert stated or path.stem == "__init__", f"{path.name} states no NEEDS"
    assert set(figure_needs().values()) <= set(REASONS)


def test_what_a_figure_needs_has_to_be_known(tmp_path):
    (tmp_path / "new.py").write_text('NEEDS = "ablation"\n')
    with pytest.raises(LadrError, match=r"new.py: NEEDS 'ablation' is none of"):
        figure_needs(tmp_path)
    (tmp_path / "new.py").write_text("")
    assert figure_needs(tmp_path) == {"new": "samplers"}


def test_a_figure_that_would_be_empty_is_left_out_and_has_a_reason(tmp_path):
    found = plan_of(tmp_path, BARE)
    assert set(found.requested) == {"scores"}
    assert {"tables", "quality", "paper_tables"} <= set(found.requested["scores"])
    assert found.left_out["ablations"] == "no `ablations`"
    assert found.left_out["sweeps"] == "no `sweeps`"
    assert found.left_out["divergence"] == "no `theory`"
    assert found.left_out["phases"] == "no row of `samplers` has phases"
    assert "pixels" in found.left_out["gallery"]
    assert set(found.left_out) | set(found.requested["scores"]) == set(names())


def test_what_the_params_ask_for_is_in_the_plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = plan_of(tmp_path, PIXELS)
    assert set(found.requested) == {"scores", "traces", "pictures", "theory"}
    assert set(found.requested["traces"]) == {"phases", "passing"}
    assert "diversity" in found.requested["scores"]
    assert "diversity" not in plan_of(tmp_path, PIXELS.replace("images: 2", "images: 1")).requested["scores"]
    tiny(tmp_path, PIXELS)
    plan = Plan.read({}, ["-n"])
    jobs = plan.figures.jobs(plan.table)
    assert jobs["theory"] == (
        ["divergence", "fields", "masks", "reliability"],
        ["results/theory.json"],
        "results/figures/theory.json",
    )
    assert jobs["pictures"][1] == plan.figures.illustrations
    assert plan.figures.done in plan.all
    assert {*plan.figures.illustrations, *plan.figures.theory} <= set(plan.results) <= set(plan.all)
    elsewhere = Plan.read({"out": "results/sweeps/x"}, ["-n"])
    assert str(elsewhere.figures.folder) == "results/sweeps/x/figures"


def test_another_point_of_a_sweep_draws_no_illustration_again(tmp_path):
    swept = (
        PIXELS
        + "sweeps: {a: {base: ladr, benchmarks: [mini-dpg], grid: {phases.structure.alpha: [0.1, 0.5]}}}\n"
    )
    before, after = (plan_of(tmp_path, text) for text in (swept, swept.replace("0.5", "0.6")))
    assert before.grid.cells.keys() != after.grid.cells.keys()
    assert before.jobs([])["pictures"][1] == after.jobs([])["pictures"][1] != []


def test_the_pictured_cells_are_those_that_the_pictures_show(tmp_path):
    _, grid = tiny(tmp_path, PIXELS)
    found = plan_of(tmp_path, PIXELS)
    shown = {b: [cell for *_, cell in rows] for b, rows in illustration.measurable(grid).items()}
    assert found.illustrated == shown
    other = plan_of(tmp_path, PIXELS.replace("  ladr: {policy: ladr}\n", ""))
    assert other.illustrations != found.illustrations


def test_a_figure_without_a_sampler_with_phases_is_left_out_of_the_pictures(tmp_path):
    found = plan_of(tmp_path, PIXELS.replace("  ladr: {policy: ladr}\n", ""))
    assert found.left_out["method"] == "no sampler on mixture has phases"
    assert {"gallery", "films"} <= set(found.requested["pictures"])


def test_a_record_names_its_files_and_drops_those_of_before(tmp_path):
    place, figures = tmp_path / "results/figures/scores.json", tmp_path / "figures"
    figures.mkdir()
    for name in ("a.svg", "b.svg", "mine.svg"):
        (figures / name).write_text(name)
    record(place, ["x"], [figures / "a.svg", figures / "b.svg"], figures)
    assert [p.name for p in figure_files(tmp_path / "results")] == ["a.svg", "b.svg"]
    record(place, ["x"], [figures / "b.svg"], figures)
    assert sorted(p.name for p in figures.iterdir()) == ["b.svg", "mine.svg"]
    record(place.with_name("traces.json"), ["y"], [figures / "b.svg"], figures)
    record(place, ["x"], [], figures)
    assert (figures / "b.svg").exists(), "another record has it"
    place.with_name("traces.json").unlink()
    record(place, ["x"], [figures / "b.svg"], figures)
    assert list(doctor.examine(tmp_path / "results")) == []
    (figures / "b.svg").write_text("B.svg")
    (finding,) = doctor.examine(tmp_path / "results")
    assert str(figures / "b.svg") in finding.message
    doctor.mend([finding], tmp_path / "results")
    assert not place.exists()
    assert (figures / "b.svg").exists()


def test_pictures_are_those_of_one_record(tmp_path):
    place = tmp_path / "pictures"
    for name in ("old", "new"):
        (place / name).mkdir(parents=True)
        (place / name / "pictures.json").write_text("{}")
    record_illustrations(place / "1.json", [place / "old/pictures.json", place / "new/pictures.json"])
    record_illustrations(place / "2.json", [place / "new/pictures.json"])
    assert sorted(p.name for p in place.iterdir()) == ["2.json", "new"]
    assert list(json.loads((place / "2.json").read_text())["files"]) == ["new/pictures.json"]


def test_pruning_keeps_pictures_that_are_asked_for(tmp_path):
    place = tmp_path / "pictures" / "new"
    place.mkdir(parents=True)
    (place / "pictures.json").write_text("{}")
    record_illustrations(tmp_path / "pictures/2.json", [place / "pictures.json"])
    assert doctor.prune([], ["results/pictures/2.json"], tmp_path) == []
    assert place.is_dir()
    assert doctor.prune([], [], tmp_path) == ["2.json", "new"]


@pytest.mark.parametrize("link", ["../../../victim.txt", "/etc/hostname", "../results/scores.csv"])
def test_a_record_removes_nothing_that_lies_elsewhere(tmp_path, link):
    """Also with the right checksum: whoever can write a record must not thereby remove files of others."""
    victim = tmp_path / "victim.txt"
    victim.write_text("years of work")
    place = tmp_path / "a/results/figures/scores.json"
    figures = tmp_path / "a/figures"
    for folder in (place.parent, figures):
        folder.mkdir(parents=True)
    (tmp_path / "a/results/scores.csv").write_text("years of work")
    digest = hashlib.sha256(victim.read_bytes()).hexdigest()
    place.write_text(json.dumps({"figures": ["x"], "files": {link: {"bytes": 13, "sha256": digest}}}))
    record(place, ["x"], [], figures)
    assert victim.read_text() == "years of work"
    assert (tmp_path / "a/results/scores.csv").is_file()
    assert json.loads(place.read_text())["files"] == {}


def test_a_figure_that_somebody_changed_is_not_removed(tmp_path):
    place, figures = tmp_path / "results/figures/scores.json", tmp_path / "figures"
    figures.mkdir()
    (figures / "a.svg").write_text("drawn")
    record(place, ["a"], [figures / "a.svg"], figures)
    (figures / "a.svg").write_text("drawn, and then improved by hand")
    record(place, ["a"], [], figures)
    assert (figures / "a.svg").is_file()


@pytest.mark.parametrize("content", ["[]", "3", '{"files": []}', '{"files": {"a": 3}}', '{"files": {}}', "{"])
def test_what_is_no_record_names_nothing(tmp_path, content):
    place = tmp_path / "pictures"
    place.mkdir()
    (place / "notes.json").write_text(content)
    record_illustrations(place / "1.json", [])
    record(place / "notes.json", ["x"], [], tmp_path)
    assert (place / "notes.json").is_file()


def test_illustrations_leave_their_neighbours_alone(tmp_path):
    """A record that is written into a project's folder must not empty it."""
    for name in (".git/HEAD", "thesis/chapter.md", "settings.json", "new/pictures.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    record_illustrations(tmp_path / "1.json", [tmp_path / "new/pictures.json"])
    record_illustrations(tmp_path / "2.json", [])
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".git/HEAD", "2.json", "settings.json", "thesis/chapter.md"]


def test_pruning_leaves_what_somebody_else_put_there(tmp_path):
    for name in ("cells/a-0123abcd/cell.json", "cells/b-0123abcd/cell.json", "cells/b-0123abcd/notes.md",
                 "cells/mine/cell.json", "latency/notes.md", "pictures/cat.png"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert doctor.prune([], [], tmp_path) == ["a-0123abcd"]
    assert (tmp_path / "cells/b-0123abcd/cell.json").is_file()


def test_pruning_leaves_files_of_others_under_endings_of_ours(tmp_path):
    ours = {"id": "field-field-exact-0123abcd", "rows": {}, "cells": {}, "seconds": {}}
    seal(tmp_path / f"latency/{ours['id']}.json", ours)
    seal(tmp_path / "latency/copy.json", ours)
    write_ceiling(tmp_path / "ceilings/field-none-0123abcd.jsonl", {"benchmark": "none"}, [])
    others = ["latency/thesis-timings.json", "ceilings/mine.jsonl", "cells/a-0123abcd/parts/notes.txt"]
    for name in others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"mine": 1}')
    assert doctor.prune([], [], tmp_path) == ["field-field-exact-0123abcd.json", "field-none-0123abcd.jsonl"]
    assert [name for name in others if not (tmp_path / name).is_file()] == []


def test_pruning_leaves_what_lies_among_pictures(tmp_path):
    place = tmp_path / "pictures" / "new"
    place.mkdir(parents=True)
    (place / "pictures.json").write_text("{}")
    record_illustrations(tmp_path / "pictures/2.json", [place / "pictures.json"])
    (place / "notes.md").write_text("years of work")
    assert doctor.prune([], [], tmp_path) == ["2.json", "pictures.json"]
    assert [path.name for path in place.iterdir()] == ["notes.md"]


def test_captions_are_text_without_markup(tmp_path):
    (tmp_path / "a.md").write_text("# A *b*\n\n![A](a.svg)\n\n`x_y` |z|\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c/b.md").write_text("# B\n\nWhat it is.\n\n## Part\n\n| a |\n| - |\n")
    found = captions(tmp_path)
    assert found.pop("c/b") == "**B**\n\nWhat it is."
    assert found == {"a": "**A \\*b\\***\n\n\\`x\\_y\\` \\|z\\|"}
