"""MLflow: one run per cell, written by one process from what lies in results/, and written once."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.cells import Cell, Grid
from ladr.errors import LadrError
from ladr.run import files
from ladr.run.cell import folder_of, read_trace
from ladr.run.files import CELL, RESULTS, SCORE
from ladr.run.locks import hold

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

DATABASE, ARTIFACTS = "mlflow.db", "mlflow"
RESULT, OF = "ladr.result", "ladr.cell"
SHEET = "samples.png"
PLAIN = re.compile(r"[^\w\-. /:]")


@dataclass(frozen=True)
class Entry:
    """What MLflow is told about one cell."""

    cell: Cell
    experiment: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    curve: tuple[float, ...]
    artifacts: tuple[Path, ...]

    @property
    def digest(self) -> str:
        """Changes when anything of this does."""
        said = [
            self.cell.id, self.experiment, self.name, dict(self.tags), dict(self.params), dict(self.metrics),
            self.curve, [files.sha256(p) for p in self.artifacts],
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def track(grid: Grid, baseline: str, results: Path = RESULTS, uri: str | None = None) -> dict[str, int]:
    """Bring MLflow up to date: new or changed cells are logged, the rest is left; how many of each.

    uri: default MLFLOW_TRACKING_URI, or else the sqlite file in results/. A pass that was killed is completed
    by the next.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or None
    with hold(results / ".locks" / "track.lock", "track"):
        from mlflow import MlflowClient

        root = None if uri else _embedded(results)
        client = MlflowClient(uri or f"sqlite:///{(results / DATABASE).resolve()}")
        count = {"new": 0, "changed": 0, "same": 0}
        known: dict[str, Any] = {}
        for entry in entries(grid, baseline, results):
            place = _experiment(client, entry.experiment, root)
            if place not in known:
                known[place] = _runs(client, place)
            run = known[place].pop(entry.cell.id, None)
            if (
                run is not None
                and run.data.tags.get(RESULT) == entry.digest
                and run.info.status == "FINISHED"
            ):
                count["same"] += 1
                continue
            if run is not None:
                client.delete_run(run.info.run_id)
            count["new" if run is None else "changed"] += 1
            _log(client, place, entry)
        for runs in known.values():
            _retire(client, runs)
        return count


def serve(host: str, port: int, results: Path = RESULTS) -> int:
    """Run MLflow's page on the embedded store until it is stopped; its exit status."""
    database = results / DATABASE
    if not database.is_file():
        raise LadrError(f"{database}: nothing is tracked yet; `ladr track` first")
    words = ["ui", "--host", host, "--port", str(port)]
    store = ["--backend-store-uri", f"sqlite:///{database.resolve()}"]
    return subprocess.run([sys.executable, "-m", "mlflow", *words, *store]).returncode


def _embedded(results: Path) -> Path:
    """Where the embedded store keeps artifacts. It is made in one piece, and anew where the folder has moved:
    MLflow writes absolute paths, and all that is in it comes from results/."""
    from mlflow import MlflowClient

    database, root = results / DATABASE, (results / ARTIFACTS).resolve()
    if database.is_file():
        if all(place.startswith(root.as_uri()) for place in _places(database)):
            return root
        shutil.rmtree(root, ignore_errors=True)
        database.unlink()
    results.mkdir(parents=True, exist_ok=True)
    half = results / f".{DATABASE}.part"
    half.unlink(missing_ok=True)
    MlflowClient(f"sqlite:///{half.resolve()}").search_experiments()
    os.replace(half, database)
    return root


def _places(database: Path) -> list[str]:
    """Where the store's experiments keep their artifacts. MLflow is not asked: it never lets go of a file."""
    try:
        with closing(sqlite3.connect(database)) as store:
            rows = store.execute("SELECT artifact_location FROM experiments WHERE experiment_id != 0")
            return [place for (place,) in rows]
    except sqlite3.DatabaseError:
        return ["nowhere: the file is damaged"]


def _experiment(client: Any, name: str, root: Path | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if found is not None:
        return found.experiment_id
    where = None if root is None else (root / PLAIN.sub("", name).replace("/", "-")).as_uri()
    tags = {"mlflow.experimentKind": "custom_model_development"}
    return client.create_experiment(name, artifact_location=where, tags=tags)


def _runs(client: Any, experiment: str) -> dict[str, Any]:
    """Our runs there by cell; of two of one cell, which a kill may leave, the older goes."""
    found: dict[str, Any] = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        for run in page:
            cell = run.data.tags.get(OF)
            if cell in found:
                client.delete_run(run.info.run_id)
            elif cell:
                found[cell] = run
        token = page.token
        if not token:
            return found


def _retire(client: Any, runs: Mapping[str, Any]) -> None:
    """Mark the runs of cells that the grid no longer has."""
    for run in runs.values():
        if run.data.tags.get("ladr.current") != "no":
            client.set_tag(run.info.run_id, "ladr.current", "no")


def _log(client: Any, experiment: str, entry: Entry) -> None:
    """One run; its digest comes last, so that a run without one is known to be incomplete."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    asked = entry.cell.spec["benchmark"]
    run = client.create_run(experiment, tags={OF: entry.cell.id, **entry.tags}, run_name=entry.name).info
    told = Dataset(asked["name"], asked["prompts"][:16], "local", f"ladr.benchmarks:{asked['name']}")
    client.log_inputs(run.run_id, [DatasetInput(told, [InputTag("mlflow.data.context", "evaluation")])])
    metrics = [Metric(k, v, run.start_time, 0) for k, v in entry.metrics.items()]
    metrics += [Metric("mask_ratio", v, run.start_time, step) for step, v in enumerate(entry.curve)]
    params = [Param(k, v) for k, v in entry.params.items()]
    client.log_batch(run.run_id, metrics[:900], params[:90])
    for start in range(900, len(metrics), 900):
        client.log_batch(run.run_id, metrics[start : start + 900])
    for start in range(90, len(params), 90):
        client.log_batch(run.run_id, params=params[start : start + 90])
    for path in entry.artifacts:
        client.log_artifact(run.run_id, str(path))
    client.log_batch(run.run_id, tags=[RunTag(RESULT, entry.digest)])
    client.set_terminated(run.run_id)


def entries(grid: Grid, baseline: str, results: Path = RESULTS) -> Iterator[Entry]:
    """What there is to say about each scored cell that a row of params.yaml names."""
    latency = _latencies(results)
    seconds = {
        (line.backbone, line.benchmark): _summary(line.cell, results).get("seconds")
        for line in grid.lines
        if (line.group, line.name) == ("samplers", baseline)
    }
    for cell in grid.cells.values():
        lines = [line for line in grid.lines if line.cell == cell.id]
        folder = folder_of(cell.id, results)
        if lines and files.done(folder / SCORE) and files.done(folder / CELL):
            base = seconds.get((lines[0].backbone, lines[0].benchmark))
            yield _entry(cell, lines, folder, base, latency.get(cell.id, {}))


def _entry(cell: Cell, lines: list, folder: Path, base: float | None, latency: Mapping[str, float]) -> Entry:
    first, record, score = lines[0], files.read_json(folder / CELL), files.read_json(folder / SCORE)
    made = record["provenance"]["made"][0]
    tags = {
        "sampler": first.name,
        "backbone": first.backbone,
        "benchmark": first.benchmark,
        "group": ", ".join(dict.fromkeys(line.group for line in lines)),
        "ladr.current": "yes",
        "commit": str(made["commit"]),
        "cpu": str(made["cpu"]),
        "mlflow.source.name": "ladr track",
        "mlflow.user": "ladr",
    }
    flat = dict(_flat({"sampler": cell.spec["sampler"], "asked": cell.spec["benchmark"]}))
    params = {
        "row": first.name,
        "label": first.label,
        **{PLAIN.sub("", k): str(v)[:500] for k, v in flat.items()},
    }
    metrics = {k: float(v) for k, v in record["summary"].items() if k != "seconds"}
    metrics |= {"seconds_per_image": record["summary"]["seconds"], **latency, **dict(_scores(score["lines"]))}
    if base:
        metrics["speedup_batched"] = base / max(record["summary"]["seconds"], 1e-9)
    artifacts = tuple(p for p in (folder / SHEET, folder / CELL, folder / SCORE) if p.is_file())
    total = read_trace(folder)
    return Entry(
        cell, f"{first.backbone}/{first.benchmark}", f"{first.label}", tags, params, metrics,
        curve(total, record["images"]), artifacts,
    )  # fmt: skip


def _scores(lines: list[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    for line in lines:
        name = PLAIN.sub("", line["column"])
        for suffix, key in (("", "value"), ("_lo", "low"), ("_hi", "high"), ("_floor", "floor")):
            if line.get(key) is not None:
                yield f"score/{name}{suffix}", float(line[key])


def _summary(cell: str, results: Path) -> Mapping[str, Any]:
    record = folder_of(cell, results) / CELL
    return files.read_json(record)["summary"] if files.done(record) else {}


def _latencies(results: Path) -> dict[str, dict[str, float]]:
    """cell -> its seconds at batch 1 and its speed-up, where they were measured."""
    found: dict[str, dict[str, float]] = {}
    for path in sorted((results / "latency").glob("*.json")):
        record = files.read_json(path)
        for name, cell in record["cells"].items():
            row = record["rows"][name]
            found[cell] = {"latency_seconds": row["seconds"], "latency_speedup": row["speedup"]}
    return found


def curve(trace: Mapping[str, list], images: int) -> tuple[float, ...]:
    """Share of cells still masked before each pass, mean over images; a finished image has none."""
    steps = 1 + max(trace["step"])
    total = max(trace["masked"])
    sums = [0] * (steps + 1)
    for step, masked in zip(trace["step"], trace["masked"], strict=True):
        sums[step] += masked
    return tuple(round(s / images / total, 6) for s in sums)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of the leaves of a nested mapping."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
