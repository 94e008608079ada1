"""A record with other numbers whose digest was made to fit is named, and made again."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks import benchmark
from ladr.benchmarks.rows import Row, read_rows, write_rows
from ladr.cli.figures import figures
from ladr.experiment.cells import doctor, record
from ladr.experiment.cells.record import described
from ladr.figures.frame.results import Results
from tiny import cell_of, resealed
from trust.faulty import content
from trust.refusals import answer

LATENCY, TABLE = "latency/*.json", "table.json"


def named():
    return [finding.message for finding in doctor.examine()]


def other_rows(folder, column=0, by=-0.25):
    """Change one judgement in scores.jsonl; the header and all judgements."""
    head, rows = read_rows(folder / "scores.jsonl")
    first = rows[column]
    rows = (*rows[:column], Row(**{**vars(first), "value": first.value + by}), *rows[column + 1 :])
    write_rows(folder / "scores.jsonl", head, rows)
    return rows


def with_files(path, *names, **changes):
    """Seal the record again with what its files are now."""
    resealed(path, files=described(path.parent, list(names)), **changes)


def scores_changed(world):
    """A judgement, and nothing else."""
    folder = world.results / "cells" / cell_of(world.grid, "ladr").id
    other_rows(folder)
    with_files(folder / "score.json", "scores.jsonl", "samples.png")
    return "scores.jsonl"


def scores_and_lines_changed(world):
    """A judgement, and the means and intervals that follow from it."""
    folder = world.results / "cells" / cell_of(world.grid, "ladr").id
    rows = other_rows(folder)
    lines = benchmark("field-exact").lines(rows)
    with_files(folder / "score.json", "scores.jsonl", "samples.png", lines=lines)
    return "scores.jsonl"


def lines_changed(world):
    path = world.results / "cells" / cell_of(world.grid, "ladr").id / "score.json"
    lines = record.read(path)["lines"]
    resealed(path, lines=[{**lines[0], "low": lines[0]["low"] - 1}, *lines[1:]])
    return "score.json"


def table_changed(column):
    def change(world):
        for name in ("scores.parquet", "scores.csv"):
            path = world.results / name
            frame = pd.read_parquet(path) if name.endswith("parquet") else pd.read_csv(path)
            frame.loc[1, column] = frame.loc[1, column] + 1
            frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
        with_files(world.results / TABLE, *record.BESIDE)
        return TABLE

    change.__name__ = f"{column}_of_the_table_changed"
    return change


def judgements_of_the_table_changed(world):
    path = world.results / "table.parquet"
    frame = pd.read_parquet(path)
    frame.assign(value=frame.value * 0.5).to_parquet(path)
    with_files(world.results / TABLE, *record.BESIDE)
    return TABLE


def metrics_changed(world):
    path = world.results / "metrics.json"
    path.write_text(path.read_text().replace('"passes": ', '"passes": 1', 1))
    with_files(world.results / TABLE, *record.BESIDE)
    return TABLE


def measured(changes):
    def change(world):
        (path,) = world.results.glob(LATENCY)
        content = record.read(path)
        changes(content)
        record.write(path, content)
        return path.name

    change.__name__ = changes.__name__
    return change


@measured
def seconds_changed(content):
    content["seconds"]["ladr"][0] *= 2


@measured
def median_changed(content):
    content["rows"]["ladr"]["seconds"] /= 2


@measured
def passes_changed(content):
    content["rows"]["ladr"]["passes"] -= 1


@measured
def speedup_changed(content):
    content["rows"]["ladr"]["speedup"] += 1


@measured
def images_changed(content):
    content["images"] += 5


@measured
def a_row_removed(content):
    del content["rows"]["ladr"]


@measured
def texts_for_seconds(content):
    content["seconds"] = dict.fromkeys(content["seconds"], "fast")


CHANGES = [
    scores_changed, scores_and_lines_changed, lines_changed, judgements_of_the_table_changed, metrics_changed,
    *map(table_changed, ("value", "low", "difference_high", "passes")),
    seconds_changed, median_changed, passes_changed, speedup_changed, images_changed, a_row_removed,
    texts_for_seconds,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_resealed_record_with_other_numbers_is_named_and_made_again(calm, world, change):
    name = change(world)
    assert any(name in message for message in named())
    world.plan.claim()
    world.complete()
    assert content(world) == calm[1]
    assert named() == []


def test_scores_without_a_table_are_scored_again_by_a_deep_look(world):
    scores_and_lines_changed(world)
    for name in (TABLE, *record.BESIDE):
        (world.results / name).unlink()
    assert named() == []
    assert any("are not the scores of" in finding.message for finding in doctor.examine(thorough=True))
    assert answer(["doctor", "--deep"]) == 1


def test_a_deep_look_at_what_is_right_finds_nothing(world):
    assert list(doctor.examine(thorough=True)) == []


def test_a_table_that_figures_were_drawn_from_is_not_worked_out_again(world, monkeypatch):
    drawn = Path("results/figures/scores.json")
    figures(["quality"], Path("results"), Path("figures"), drawn)
    assert record.read(drawn)["table"] == record.read(Path("results/table.json"))["digest"]
    monkeypatch.setattr("ladr.experiment.cells.table.write_files", None)
    assert named() == []
    table_changed("value")(world)
    monkeypatch.undo()
    os.chdir(world.folder)
    assert any(TABLE in message for message in named())


def test_a_cell_that_was_scored_again_with_the_same_scores_is_no_finding(world):
    from ladr.experiment.cells.score import score

    score(world.grid.cells.values(), again=True, say=lambda text: None)
    assert named() == []


def test_a_table_of_before_other_scores_waits_for_the_workflow(world):
    """The scores are right when they are worked out; the workflow makes an older table anew."""
    path = world.results / TABLE
    content = record.read(path)
    cell = cell_of(world.grid, "ladr").id
    record.write(path, {**content, "scores": {**content["scores"], cell: "0" * 64}})
    assert any("is of other scores" in message for message in named())
    os.utime(path, ns=(0, 0))
    assert named() == []


@pytest.mark.parametrize("name", ["grid.json", "latency", "cell.json"])
def test_figures_refuse_a_record_without_a_digest(world, name):
    cell = cell_of(world.grid, "ladr").id
    paths = {"grid.json": Path("results/grid.json"), "cell.json": Path("results/cells") / cell / "cell.json"}
    path = paths.get(name) or next(Path("results").glob(LATENCY))
    plain = {key: value for key, value in json.loads(path.read_text()).items() if key != "digest"}
    path.write_text(json.dumps(plain))
    results = Results(Path("results"))
    with pytest.raises(LadrError, match="is not sealed"):
        results.latency(results.grid) if name == "latency" else results.record(cell), results.grid


def test_a_copy_of_the_results_has_no_findings(world, tmp_path):
    """Times of change are those of the copy."""
    shutil.copytree("results", tmp_path / "copy/results", copy_function=shutil.copyfile)
    os.chdir(tmp_path / "copy")
    assert named() == []
    os.chdir(tmp_path)
