"""MLflow: one run per cell and one of all figures, written once, by one process, from results/."""

import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from ladr.base.errors import LadrError, needs
from ladr.base.locks import hold
from ladr.base.ports import require_port
from ladr.base.removal import remove
from ladr.experiment.cell import Grid
from ladr.experiment.cells import store as stores
from ladr.experiment.cells.decode import tell
from ladr.experiment.cells.record import RESULTS
from ladr.experiment.track.entries import Entry, curve, entries
from ladr.experiment.track.model import MODELS, Model, logged
from ladr.experiment.track.page import address
from ladr.experiment.track.server import require_answer
from ladr.experiment.track.store import OF, drop_default, embedded, experiment, runs
from ladr.experiment.track.summary import Summary, summaries

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")  # an error is told once, by its message

# MLflow tries a request seven times, two minutes each and more in all, before it says that nobody answers.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

RESULT = "ladr.result"
__all__ = ["Entry", "Summary", "curve", "entries", "serve", "summaries", "track"]


def track(
    grid: Grid,
    baseline: str,
    results: Path = RESULTS,
    uri: str | None = None,
    timed: Collection[str] = (),
) -> dict[str, int]:
    """Log to MLflow what is new or has changed, and leave the rest; return how many there are of each.

    uri: default MLFLOW_TRACKING_URI, or else the sqlite file in results/. timed: see `entries`. The next call
    completes a call that was killed.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or None
    with hold(results / ".locks" / "track.lock", "track", wait=True, say=tell):
        with needs("ladr track"):
            from mlflow import MlflowClient

        root = None if uri else embedded(results)
        remove([] if uri else [root / stores.RECORD], results)
        if uri:
            require_answer(uri)
        client = MlflowClient(uri or f"sqlite:///{(results / stores.DATABASE).resolve()}")
        count = {"new": 0, "changed": 0, "same": 0}
        known: dict[str, dict[str, Any]] = {}
        models: dict[Model | None, str] = {}
        for one in chain(entries(grid, baseline, results, timed), summaries(grid, results)):
            place = experiment(client, one.experiment, root)
            if place not in known:
                known[place] = runs(client, place)
            if one.model is not None and one.model not in models:
                models[one.model] = logged(client, experiment(client, MODELS, root), one.model)
            run = known[place].pop(one.key, None)
            count[_told(client, place, one, run, models.get(one.model))] += 1
        for left in known.values():
            _retire(client, left)
        if root is not None:
            drop_default(client)
            stores.write(results)
        return count


def serve(host: str, port: int, results: Path = RESULTS) -> NoReturn:
    """Become MLflow's server on the embedded store, and say where its first page is.

    The server ends with this process. In a terminal the page opens in a browser once it is there.
    """
    database = results / stores.DATABASE
    if not database.is_file():
        raise LadrError(f"{database}: nothing is tracked yet; `ladr track` first")
    require_port(host, port)
    # One reader needs one worker (several are ended by their supervisor where imports take longer than 5 s)
    # and none of the processes that wait for jobs of MLflow's GenAI side.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    words = ["ui", "--host", host, "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", f"sqlite:///{database.resolve()}"]
    page = address(results, host, port)
    print(page, flush=True)
    if sys.stdout.isatty():
        subprocess.Popen([sys.executable, "-m", "ladr.experiment.track.opening", page])
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *words, *store])


def _told(client: Any, place: str, one: Entry | Summary, run: Any, model: str | None) -> str:
    """Log one entry, unless its `run` in MLflow says the same; return `new`, `changed` or `same`."""
    if run is not None:
        if run.data.tags.get(RESULT) == one.digest and run.info.status == "FINISHED":
            return "same"
        client.delete_run(run.info.run_id)
    _log(client, place, one, model)
    return "new" if run is None else "changed"


def _retire(client: Any, left: Mapping[str, Any]) -> None:
    """Mark the runs of cells that the grid no longer has."""
    for run in left.values():
        if run.data.tags.get("ladr.current") != "no":
            client.set_tag(run.info.run_id, "ladr.current", "no")


def _log(client: Any, place: str, one: Entry | Summary, model: str | None) -> None:
    """Log one run, with a link to the model of that id.

    Its digest comes last, so that a run without a digest is known to be incomplete.
    """
    from mlflow.entities import LoggedModelInput, Metric, Param, RunTag

    tags = {OF: one.key, **one.tags}
    run = client.create_run(place, start_time=one.began, tags=tags, run_name=one.name).info
    links = [] if model is None else [LoggedModelInput(model)]
    client.log_inputs(run.run_id, list(_datasets(one.asked)), links)
    metrics = [Metric(k, v, run.start_time, 0) for k, v in one.metrics.items()]
    metrics += [Metric("mask_ratio", v, run.start_time, step) for step, v in enumerate(one.curve)]
    params = [Param(k, v) for k, v in one.params.items()]
    for start in range(0, len(metrics), 900):
        client.log_batch(run.run_id, metrics[start : start + 900])
    for start in range(0, len(params), 90):
        client.log_batch(run.run_id, params=params[start : start + 90])
    for path in one.artifacts:
        client.log_artifact(run.run_id, str(path), one.folder(path))
    client.log_batch(run.run_id, tags=[RunTag(RESULT, one.digest)])
    ended = None if one.began is None else one.began + round(1000 * one.seconds)
    client.set_terminated(run.run_id, end_time=ended)


def _datasets(asked: Iterable[Mapping[str, Any]]) -> Iterable[Any]:
    """The benchmarks as datasets of MLflow: name, and hash of the prompts."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    for one in asked:
        dataset = Dataset(one["name"], one["prompts"][:16], "local", f"ladr.benchmarks:{one['name']}")
        yield DatasetInput(dataset, [InputTag("mlflow.data.context", "evaluation")])
