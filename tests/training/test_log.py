"""A training run in MLflow: one run, which replaces the older one once it is whole."""

import json
from dataclasses import asdict

import pytest

from ladr.training import log
from ladr.training.settings import Settings


def test_a_run_that_is_logged_again_takes_the_place_of_the_older_one(tmp_path, monkeypatch):
    import mlflow

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "somebody's run"
    (run / "model").mkdir(parents=True)
    (run / "model" / "settings.json").write_text(json.dumps(asdict(Settings())))
    (run / "model" / "log.jsonl").write_text('{"step": 20, "images": 80, "loss": 2.0}\n')
    client = mlflow.MlflowClient(uri)
    for _ in range(2):
        log.track(run)
        (logged,) = client.search_runs([client.get_experiment_by_name("training").experiment_id])
    assert logged.data.metrics == {"images": 80.0, "loss": 2.0}
    (run / "model" / "log.jsonl").write_text("no log")
    with pytest.raises(ValueError, match="holds no step of a training run"):
        log.track(run)
    active = client.search_runs([client.get_experiment_by_name("training").experiment_id])
    assert logged.info.run_id in [one.info.run_id for one in active]
