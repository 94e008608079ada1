"""What the experiment asks for and what is there: measurements, pictures, budgets, drawings of others."""

import os

import pandas as pd
import pytest
from typer.testing import CliRunner

from ladr.base.errors import LadrError
from ladr.cli.figures import draw
from ladr.cli.main import build
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.latency import measurements
from ladr.experiment.cells.record import write as write_record
from ladr.experiment.cells.score import score
from ladr.experiment.cells.table import write
from ladr.experiment.lines import adds_up, budget, delays, illustrated
from ladr.experiment.plan.figures import FigurePlan
from ladr.experiment.plan.plan import Plan
from ladr.experiment.plan.records import record, strangers
from ladr.figures.findings import NOTHING
from ladr.figures.frame.results import NotAskedError, Results
from tiny import TEXT, cell_of, tiny, write_grid

TIMED = TEXT + "latency: {benchmark: field-exact, prompts: 2}\n"
TWO = TEXT.replace("use: [field]", "use: [field, other]").replace(
    "samplers:\n",
    "  other: {kind: field, settings: {grid: [4, 4], codes: 2}, benchmarks: {field-exact: 3}}\nsamplers:\n",
)


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """results/ of an experiment that is timed, nothing of which is there but the grid; its measurement."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("LADR_PARAMS", "params.yaml"), ("LADR_SET", ""), ("OMP_NUM_THREADS", "1")):
        monkeypatch.setenv(name, value)
    tiny(tmp_path, TIMED)
    plan = Plan.read({}, ["-n"])
    (name,) = plan.latencies
    return Results(tmp_path / "results"), name


def samplers(results, **changes):
    return results.grid[results.grid.group == "samplers"].assign(**changes)


def measured(results, name, cells):
    path = results.store / "latency" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, {"id": name, "cells": cells, "rows": {}, "seconds": {}})
    return path


def test_a_lost_or_damaged_measurement_is_named(noted):
    results, name = noted
    (results.root / "cells").mkdir()
    rows = samplers(results)
    with pytest.raises(LadrError, match=rf"{name}\.json: cannot be read"):
        results.latency(rows)
    path = measured(results, name, {"cosine": "field-other-12345678"})
    with pytest.raises(LadrError, match=rf"{name}\.json: is not about the cells"):
        results.latency(rows)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(LadrError, match=rf"{name}\.json: cannot be read"):
        results.latency(rows)
    cells = dict(zip(rows.name, rows.cell, strict=True))
    measured(results, name, cells)
    measured(results, "field-field-exact-00000000", cells)  # of other settings: not what is asked for
    assert results.latency(rows)["id"] == name


def test_what_is_not_to_be_timed_is_not_measured_and_no_error(noted, tmp_path):
    results, name = noted
    assert results.latency(samplers(results, cell="field-x-12345678")) is None
    tiny(tmp_path, TIMED.replace("prompts: 2}", "prompts: 2, backbones: []}"))
    Plan.read({}, ["-n"])
    untimed = Results(tmp_path / "results")
    (untimed.root / "cells").mkdir()
    measured(untimed, name, dict(zip(samplers(untimed).name, samplers(untimed).cell, strict=True)))
    assert untimed.latency(samplers(untimed)) is None


def test_a_grid_that_does_not_say_what_is_timed_shows_the_newest(tmp_path):
    _, grid = tiny(tmp_path, TIMED)
    (tmp_path / "cells").mkdir()
    write_grid(grid, tmp_path / "grid.json")
    results = Results(tmp_path)
    rows = samplers(results)
    cells = dict(zip(rows.name, rows.cell, strict=True))
    for age, name in enumerate("bca"):
        os.utime(measured(results, name, cells), (2_000_000_000 - age,) * 2)
    assert results.latency(rows)["id"] == "b"


def test_every_backbone_that_draws_must_have_its_pictures(tmp_path):
    lines = [
        {
            "group": "samplers",
            "name": "a",
            "label": "A",
            "backbone": b,
            "benchmark": "mini-dpg",
            "cell": f"{b}-a",
        }
        for b in ("one", "two")
    ]
    (tmp_path / "cells").mkdir()
    write_record(tmp_path / "grid.json", {"cells": [], "lines": lines})
    with pytest.raises(NotAskedError, match=r"one.pictures\.json, .*two.pictures\.json"):
        list(Results(tmp_path).illustrations())
    for backbone, cell in (("one", "one-a"), ("two", "two-b"), ("three", "three-a")):
        place = tmp_path / "pictures" / backbone
        place.mkdir(parents=True)
        write_record(place / "pictures.json", {"samplers": [{"cell": cell}]})
    with pytest.raises(LadrError, match=r"^[^,]*two.pictures.json: not there, or about other cells") as error:
        list(Results(tmp_path).illustrations())
    assert not isinstance(error.value, NotAskedError)
    write_record(tmp_path / "pictures/two/pictures.json", {"samplers": [{"cell": "two-a"}]})
    assert [backbone for backbone, *_ in Results(tmp_path).illustrations()] == ["one", "two"]


def test_only_the_first_benchmark_with_pixels_is_pictured():
    frame = pd.DataFrame(
        [("samplers", "x", "field-exact"), ("samplers", "x", "mini-t2i"), ("samplers", "x", "mini-dpg"),
         ("ablations/a", "y", "mini-dpg"), ("samplers", "x", "mini-t2i")],
        columns=["group", "backbone", "benchmark"],
    )  # fmt: skip
    shown = illustrated(frame.itertuples())
    assert {b: [line.Index for line in rows] for b, rows in shown.items()} == {"x": [1, 4]}


def test_a_budget_is_read_from_what_the_sampler_specifies(tmp_path):
    _, grid = tiny(tmp_path)
    source = cell_of(grid, "ladr").id
    spent = {
        n: budget(cell_of(grid, n).id, cell_of(grid, n).spec["sampler"]) for n in ("near", "far", "ladr")
    }
    assert set(spent.values()) == {source}
    for name in ("cosine", "matched", "halton"):  # as many passes as another is not its budget
        assert budget(cell_of(grid, name).id, cell_of(grid, name).spec["sampler"]) == cell_of(grid, name).id
    nested = {"policy": {"policy": "x", "then": {"budget": "replay:some-cell"}}}
    assert budget("own", nested) == "some-cell"


def test_delayed_rescue_differs_in_the_first_phase_alone():
    def sampler(first, rest=0.3, until=0.2, **more):
        phases = {"a": {"until": until, "alpha": first, "tau": 0.05}, "b": {"until": 1.0, "alpha": rest}}
        return {"policy": {"policy": "ladr", "phases": phases}, "steps": 4, **more}

    full = sampler(0.1)
    assert delays(sampler(0.0), full)
    assert not delays(full, full)
    assert not delays(sampler(0.0), sampler(0.0, cache=None))
    assert not delays(sampler(0.0), sampler(0.0))
    assert not delays(sampler(0.0, rest=0.5), full)
    assert not delays(sampler(0.0, until=0.4), full)
    assert not delays({"policy": {"policy": "cosine"}}, full)
    assert not delays(sampler(0.0), {"policy": {"policy": "cosine"}})


@pytest.mark.parametrize(
    ("samplers", "whole"),
    [
        ([{}, {"schedule": "inverse"}, {"rank": "gap"}, {"schedule": "inverse", "rank": "gap"}], True),
        ([{}, {"schedule": "inverse"}, {"rank": "gap"}, {"schedule": "inverse", "rank": "top1"}], False),
        ([{}, {"rank": "gap"}, {"budget": 0.5}], False),
        ([{}, {}, {"rank": "gap"}], False),
        ([{}, {"rank": "gap"}], False),
    ],
)
def test_the_last_sampler_is_what_those_before_it_are_together(samplers, whole):
    assert adds_up([{"policy": {"policy": "p", **fields}, "steps": 4} for fields in samplers]) is whole


def test_a_grid_names_what_is_timed_of_each_backbone_that_is(tmp_path):
    params, grid = tiny(tmp_path, TWO + "latency: {benchmark: field-exact, prompts: 2, backbones: [other]}\n")
    (name,) = measurements(params, grid)
    assert name.startswith("other-field-exact-")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "figures"
    place.mkdir()
    names = ("quality-a.svg", "quality-a.png", "quality-a.md", "diversity-b.svg", "diversity-b.md",
             "mine.svg", "audit.csv", "audit.md", "README.md", "gallery.html",
             "table-b.csv", "table-b.md")  # fmt: skip
    for name in names:
        at = place / ("paper" if name.startswith("audit") else "")
        at.mkdir(exist_ok=True)
        (at / name).write_text("" if name == "README.md" else name)
    return place


def test_drawings_of_another_experiment_are_told_and_left(folder, tmp_path):
    before = sorted(folder.rglob("*"))
    own = [path for path in before if path.name.startswith("quality")]
    assert [p.name for p in strangers(folder, own)] == ["diversity-b.svg", "gallery.html", "table-b.csv"]
    words = ["figures", "--index", "--results", str(tmp_path / "results"), "--out", str(folder)]
    assert "another experiment" not in CliRunner().invoke(build("figures"), words).output  # nobody knows
    record(tmp_path / "results/figures/scores.json", ["quality"], own, tmp_path / "figures")
    said = CliRunner().invoke(build("figures"), words).output
    assert f"of another experiment: {folder}/diversity-b.svg, {folder}/gallery.html" in said
    assert sorted(folder.rglob("*")) == before


def test_an_experiment_of_one_row_has_findings_that_say_so(tmp_path):
    bare = TEXT[: TEXT.index("samplers:")] + "samplers:\n  cosine: {policy: cosine}\n"
    params, grid = tiny(tmp_path, bare)
    results = tmp_path / "results"
    for step in (run, score):
        step(grid.cells.values(), results=results, say=lambda text: None)
    write(grid, "cosine", results, results)
    write_grid(grid, results / "grid.json")
    written, left = draw(FigurePlan(params, grid).requested["scores"], results, tmp_path / "figures")
    assert {"findings-field.md", "findings-field.csv"} <= {path.name for path in written}
    assert NOTHING in (tmp_path / "figures/field/findings-field.md").read_text(encoding="utf-8")
    assert list(pd.read_csv(tmp_path / "figures/field/findings-field.csv").columns)[-1] == "verdict"
    assert left == []
