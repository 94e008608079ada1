"""MLflow: what lies in results/ is told once, whoever is killed in between."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from ladr.experiment.cells import record, table
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.record import TABLE, described
from ladr.experiment.cells.score import score
from ladr.experiment.plan import records as drawn
from ladr.experiment.track import curve, entries, track
from ladr.experiment.track.entries import label_of, name_of
from ladr.experiment.track.model import MODELS, Model, logged, model_of
from ladr.experiment.track.page import address
from ladr.experiment.track.store import experiment
from tiny import TEXT, cell_of, resealed, tiny, write_grid

SMALL = TEXT[: TEXT.index("ablations:")]


def quiet(text):
    pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tracked experiment: (params, grid, results, what the first pass did)."""
    folder = tmp_path_factory.mktemp("made")
    params, grid = tiny(folder, SMALL)
    results = folder / "results"
    run(grid.cells.values(), results=results, part=params.part, say=quiet)
    score(grid.cells.values(), results=results, say=quiet)
    return params, grid, results, track(grid, params.baseline, results)


@pytest.fixture
def client(made):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{made[2] / 'mlflow.db'}")


def runs(client):
    place = client.get_experiment_by_name("field/field-exact").experiment_id
    return {run.data.tags["sampler"]: run for run in client.search_runs([place])}


def test_telemetry_is_off():
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["DO_NOT_TRACK"] == "true"


def test_one_flat_run_per_cell_with_params_metrics_curve_data_and_files(made, client):
    _, grid, _, first = made
    assert first == {"new": 4, "changed": 0, "same": 0}
    found = runs(client)
    assert set(found) == {"cosine", "matched", "ladr", "halton"}
    ladr = found["ladr"]
    assert ladr.info.status == "FINISHED"
    assert "mlflow.parentRunId" not in ladr.data.tags
    assert ladr.data.tags["ladr.cell"] == cell_of(grid, "ladr").id
    assert ladr.data.params["policy.phases.structure.alpha"] == "0.3"
    metrics = ladr.data.metrics
    low, high = (metrics[f"score_bounds/Likelihood_{end}"] for end in ("lo", "hi"))
    assert low <= metrics["score/Likelihood"] <= high
    assert metrics["score"] == metrics["score/Likelihood"]
    assert metrics["passes"] < found["cosine"].data.metrics["passes"] == 8
    history = client.get_metric_history(ladr.info.run_id, "mask_ratio")
    values = [m.value for m in sorted(history, key=lambda m: m.step)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0
    assert ladr.inputs.dataset_inputs[0].dataset.name == "field-exact"
    kept = {a.path for a in client.list_artifacts(ladr.info.run_id)}
    assert kept == {"cell.json", "score.json", "samples.png"}


def test_a_run_lasts_as_long_as_its_decode(made, client):
    """And not as long as it took to log it."""
    _, grid, results, _ = made
    info = runs(client)["ladr"].info
    decoded = record.read(results / "cells" / cell_of(grid, "ladr").id / "cell.json")
    seconds = decoded["summary"]["seconds"] * decoded["images"]
    assert (info.end_time - info.start_time) / 1000 == pytest.approx(seconds, abs=0.002)
    began = datetime.fromisoformat(decoded["provenance"]["began"]).timestamp()
    assert info.start_time / 1000 == pytest.approx(began, abs=0.002)


def test_experiments_say_what_they_hold_and_the_empty_default_is_gone(made, client):
    shown = {one.name: one.tags for one in client.search_experiments()}
    assert "Default" not in shown
    assert all(len(tags["mlflow.note.content"]) > 50 for tags in shown.values())
    view = json.loads(shown["field/field-exact"]["mlflow.sharedViewState.ladr"])
    assert view["selectedColumns"][:2] == ["metrics.`score`", "metrics.`passes`"]


def test_the_first_page_lists_the_runs_of_the_first_rows(made, client):
    _, grid, results, _ = made
    write_grid(grid, results / "grid.json")
    place = client.get_experiment_by_name("field/field-exact").experiment_id
    expected = f"http://localhost:7/#/experiments/{place}/runs?viewStateShareKey=ladr"
    assert address(results, "localhost", 7) == expected


def test_a_second_pass_logs_nothing(made, client):
    params, grid, results, _ = made
    before = {name: run.info.run_id for name, run in runs(client).items()}
    assert track(grid, params.baseline, results) == {"new": 0, "changed": 0, "same": 4}
    assert {name: run.info.run_id for name, run in runs(client).items()} == before


def test_a_killed_pass_is_completed_by_the_next(made, client):
    params, grid, results, _ = made
    run_id = runs(client)["ladr"].info.run_id
    client.delete_tag(run_id, "ladr.result")
    client.create_run(
        client.get_experiment_by_name("field/field-exact").experiment_id,
        tags={"ladr.cell": cell_of(grid, "halton").id},
    )
    assert track(grid, params.baseline, results) == {"new": 0, "changed": 2, "same": 2}
    found = runs(client)
    assert len(found) == 4
    assert all(run.info.status == "FINISHED" and "ladr.result" in run.data.tags for run in found.values())
    assert track(grid, params.baseline, results)["same"] == 4


def test_a_cell_that_the_grid_no_longer_has_is_marked(made, client, tmp_path):
    params, _, results, _ = made
    _, smaller = tiny(tmp_path, SMALL.replace("  halton: {policy: halton}\n", ""))
    track(smaller, params.baseline, results)
    assert {n: r.data.tags["ladr.current"] for n, r in runs(client).items()}["halton"] == "no"


def test_a_moved_folder_is_told_anew(made, tmp_path):
    params, grid, results, _ = made
    moved = tmp_path / "elsewhere"
    shutil.copytree(results, moved)
    assert track(grid, params.baseline, moved)["new"] == 4
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{moved / 'mlflow.db'}")
    places = [Path(r.info.artifact_uri.removeprefix("file://")) for r in runs(client).values()]
    assert all(place.is_relative_to(moved) for place in places)


def test_experiments_of_others_in_the_store_stay(made, tmp_path):
    from mlflow import MlflowClient

    params, grid, results, _ = made
    own, moved = tmp_path / "own", tmp_path / "moved"
    shutil.copytree(results, own)
    track(grid, params.baseline, own)
    MlflowClient(f"sqlite:///{own / 'mlflow.db'}").create_experiment("mine", (tmp_path / "mine").as_uri())
    assert track(grid, params.baseline, own)["same"] == 4
    assert MlflowClient(f"sqlite:///{own / 'mlflow.db'}").get_experiment_by_name("mine") is not None
    shutil.copytree(own, moved)
    assert track(grid, params.baseline, moved)["new"] == 4
    aside = MlflowClient(f"sqlite:///{moved / 'mlflow.db.aside'}")
    assert aside.get_experiment_by_name("mine") is not None


def test_an_entry_changes_with_its_scores_alone(made):
    params, grid, results, _ = made
    a, b = (list(entries(grid, params.baseline, results)) for _ in range(2))
    assert [e.digest for e in a] == [e.digest for e in b]
    assert len({e.digest for e in a}) == 4


def test_scores_are_those_of_the_table_once_there_is_one(made, tmp_path):
    params, grid, results, _ = made
    moved = tmp_path / "elsewhere"
    shutil.copytree(results, moved)
    table.write(grid, params.baseline, moved, moved)
    before = next(iter(entries(grid, params.baseline, moved))).metrics
    lines = pd.read_parquet(moved / table.LINES).assign(low=-1.0)
    lines.to_parquet(moved / table.LINES)
    resealed(moved / TABLE, files=described(moved, list(table.BESIDE)))
    after = next(iter(entries(grid, params.baseline, moved))).metrics
    low = [name for name in before if name.endswith("_lo")]
    assert low
    assert {after[name] for name in low} == {-1.0} != {before[name] for name in low}


def test_seconds_of_the_rows_of_now_count_before_those_of_older_rows(made, tmp_path):
    params, grid, results, _ = made
    moved, ladr = tmp_path / "elsewhere", cell_of(grid, "ladr").id
    shutil.copytree(results, moved)
    for name, seconds in (("now-00000001", 1.0), ("older-00000002", 2.0)):
        row = {"seconds": seconds, "speedup": 1.0}
        record.write(moved / "latency" / f"{name}.json", {"cells": {"ladr": ladr}, "rows": {"ladr": row}})
    for timed, seconds in ((["now-00000001"], 1.0), (["older-00000002"], 2.0)):
        told = {one.key: one.metrics for one in entries(grid, params.baseline, moved, timed)}
        assert told[ladr]["latency_seconds"] == seconds


def test_points_of_a_sweep_have_short_names_and_one_label(tmp_path):
    _, grid = tiny(tmp_path, TEXT)
    swept = [line for line in grid.lines if line.point]
    assert {name_of(line) for line in swept} == {"structure.alpha=0.3", "structure.alpha=0.6"}
    assert {label_of(line, grid) for line in swept} == {"ladr"}
    near = next(line for line in grid.lines if line.name == "near")
    assert (name_of(near), label_of(near, grid)) == ("near", "near")


def test_the_last_row_is_logged_first(made):
    params, grid, results, _ = made
    assert [e.cell.id for e in entries(grid, params.baseline, results)] == [*reversed(grid.cells)]


def test_the_curve_counts_finished_images_as_unmasked():
    trace = {"step": [0, 1, 0], "masked": [4, 2, 4]}
    assert curve(trace, 2) == (1.0, 0.25, 0.0)


def test_figures_and_tables_are_one_run_that_is_logged_once(made, client, tmp_path):
    params, grid, results, _ = made
    figure, other = tmp_path / "figures/field/quality.png", tmp_path / "figures/theory/divergence.png"
    for path in (figure, other):
        path.parent.mkdir(parents=True)
        path.write_text("a picture")
    place = results / "figures" / "scores.json"
    drawn.record(place, ["quality"], [figure, other], tmp_path / "figures")
    track(grid, params.baseline, results)
    again = track(grid, params.baseline, results)
    assert again == {"new": 0, "changed": 0, "same": 5}
    (before,) = summaries_of(client)
    assert before.info.status == "FINISHED"
    assert before.data.tags["group"] == "samplers"
    assert [d.dataset.name for d in before.inputs.dataset_inputs] == ["field-exact"]
    assert {"field", "theory"} <= {a.path for a in client.list_artifacts(before.info.run_id)}
    inside = [a.path for a in client.list_artifacts(before.info.run_id, "field")]
    assert inside == ["field/quality.png"]
    figure.write_text("another picture")
    assert track(grid, params.baseline, results) == {"new": 0, "changed": 1, "same": 4}
    (after,) = summaries_of(client)
    assert after.data.tags["ladr.result"] != before.data.tags["ladr.result"]
    place.unlink()


def summaries_of(client):
    return client.search_runs([client.get_experiment_by_name("figures").experiment_id])


def test_an_embedded_model_is_logged_once_with_its_card_and_without_pickle(made, client, tmp_path):
    text = """\
use: [shapes]
backbones: {shapes: {settings: {}, benchmarks: {mini-geneval: 1}}}
samplers: {cosine: {policy: cosine}}
"""
    _, _, results, _ = made
    _, grid = tiny(tmp_path, text)
    (cell,) = grid.cells.values()
    model = model_of(cell)
    assert model == Model("shapes", cell.spec["backbone"]["weights"])
    place = experiment(client, MODELS, results / "mlflow")
    first = logged(client, place, model)
    assert logged(client, place, model) == first
    shown = client.get_logged_model(first)
    assert shown.name == "shapes"
    kept = Path(shown.artifact_location.removeprefix("file://"))
    assert {"README.md", "config.json", "model.safetensors"} <= {path.name for path in kept.iterdir()}
    assert not [path for path in kept.rglob("*") if path.suffix in (".pkl", ".pickle", ".pt", ".bin")]


def test_a_cell_without_an_embedded_model_links_to_none(made):
    _, grid, _, _ = made
    assert {model_of(cell) for cell in grid.cells.values()} == {None}
