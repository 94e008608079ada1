"""A figure is drawn again where its code or something that it read changed, and nowhere else."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from figure_params import PARAMS
from ladr.cli.main import build
from ladr.experiment.cells import record
from tiny import measured, rescored, resealed

NAMES = ["tables", "quality", "sweeps", "ablations", "phases"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Results, and the figures that were drawn from them."""
    folder = measured(tmp_path_factory.mktemp("experiment"), PARAMS)
    drawn(folder)
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "results"))


def drawn(folder):
    """The figures that `ladr figures` draws now; the others keep their files as they are."""
    place, out = folder / "figures/scores.json", folder / "out"
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    words = [*NAMES, "--results", folder, "--out", out, "--record", place]
    done = CliRunner().invoke(build("figures"), ["figures", *map(str, words)])
    assert done.exit_code == 0, done.output
    drawings = record.read(place)["drawings"]
    assert set(drawings) == set(NAMES)
    files = {name: [out / file for file in one["files"]] for name, one in drawings.items()}
    assert all(files.values())
    return {n for n, own in files.items() if any(before.get(f) != f.stat().st_mtime_ns for f in own)}


def changed(folder, group):
    """Other scores in that group."""
    scores = pd.read_parquet(folder / "scores.parquet")
    scores.loc[scores.group == group, "high"] += 0.5
    rescored(folder, scores)


def test_nothing_is_drawn_again_from_the_same_results(folder):
    rescored(folder, pd.read_parquet(folder / "scores.parquet").assign(seconds=7.0))
    assert drawn(folder) == set()


@pytest.mark.parametrize(
    ("group", "again"),
    [
        ("sweeps/alpha_tau", {"sweeps", "quality"}),
        ("ablations/figure5", {"ablations", "quality"}),
        ("samplers", {"tables", "quality", "phases", "sweeps"}),
        ("curves/rivals", {"quality"}),
    ],
)
def test_other_scores_draw_again_what_shows_them(folder, group, again):
    changed(folder, group)
    assert drawn(folder) == again
    assert drawn(folder) == set()


def test_another_name_of_a_row_draws_again_what_shows_its_group(folder):
    path = folder / "grid.json"
    grid = json.loads(path.read_text(encoding="utf-8"))
    for line in grid["lines"]:
        line["label"] = "Another" if line["group"] == "sweeps/alpha_tau" else line["label"]
    if record.DIGEST in grid:
        resealed(path, lines=grid["lines"])
    else:
        path.write_text(json.dumps(grid), encoding="utf-8")
    assert drawn(folder) == {"sweeps"}


def test_a_cell_of_another_day_draws_again_what_names_it(folder):
    cell = pd.read_parquet(folder / "scores.parquet").query("group == 'sweeps/alpha_tau'").cell.iloc[0]
    path = folder / "cells" / cell / "cell.json"
    began = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    resealed(path, provenance={**began, "began": "2031-02-03T04:05:06"})
    assert {"sweeps", "quality"} <= drawn(folder)


def test_a_figure_whose_file_or_code_is_another_is_drawn_again(folder):
    next((folder / "out").rglob("table-*.csv")).write_text("x", encoding="utf-8")
    assert drawn(folder) == {"tables"}
    next((folder / "out").rglob("phases-*.png")).unlink()
    assert drawn(folder) == {"phases"}
    place = folder / "figures/scores.json"
    drawings = record.read(place)["drawings"]
    resealed(place, drawings={**drawings, "sweeps": {**drawings["sweeps"], "code": "another"}})
    assert drawn(folder) == {"sweeps"}
