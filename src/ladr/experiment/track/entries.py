"""What MLflow is told about each cell, as plain values."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ladr.base import files
from ladr.benchmarks.column import main_column
from ladr.experiment.cell import Cell, Grid, Line
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import folder_of
from ladr.experiment.cells.decoded import read_trace
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, SHEET, done
from ladr.experiment.cells.table import LINES
from ladr.experiment.track.model import Model, model_of

SCORED = ["column", "value", "low", "high", "floor"]
Costs = tuple[float | None, Mapping[str, float]]  # the baseline's seconds per image; latency at batch 1
PLAIN = re.compile(r"[^\w\-. /:]")


@dataclass(frozen=True)
class Entry:
    """What MLflow is told about one cell.

    began: when its decode began, in milliseconds since 1970. seconds: how long that took.
    """

    cell: Cell
    experiment: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    curve: tuple[float, ...]
    artifacts: tuple[Path, ...]
    began: int | None = None
    seconds: float = 0.0

    @property
    def key(self) -> str:
        return self.cell.id

    def folder(self, path: Path) -> None:
        """The files of a cell lie in no folder."""

    @property
    def model(self) -> Model | None:
        """The embedded model that decoded the cell."""
        return model_of(self.cell)

    @property
    def asked(self) -> tuple[Mapping[str, Any], ...]:
        """The benchmark, as the spec has it."""
        return (self.cell.spec["benchmark"],)

    @property
    def digest(self) -> str:
        """Changes when anything of this does."""
        said = [
            self.cell.id, self.experiment, self.name, dict(self.tags), dict(self.params), dict(self.metrics),
            self.curve, [files.sha256(p) for p in self.artifacts],
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def entries(
    grid: Grid, baseline: str, results: Path = RESULTS, timed: Collection[str] = ()
) -> Iterator[Entry]:
    """What there is to say about each scored cell that a row of params.yaml names, the last one first: MLflow
    lists the newest run first. timed: the measurements of latency that count before any other."""
    latency = _latencies(results, timed)
    seconds = {
        (line.backbone, line.benchmark): _summary(line.cell, results).get("seconds")
        for line in grid.lines
        if (line.group, line.name) == ("samplers", baseline)
    }
    lines_of = _told(results)
    for cell in reversed(grid.cells.values()):
        lines = [line for line in grid.lines if line.cell == cell.id]
        folder = folder_of(cell.id, results)
        if lines and done(folder / SCORE) and done(folder / CELL):
            base = seconds.get((lines[0].backbone, lines[0].benchmark))
            scores = lines_of.get(cell.id) or record.read(folder / SCORE)["lines"]
            costs = base, latency.get(cell.id, {})
            yield _entry(cell, lines, scores, label_of(lines[0], grid), folder, costs)


def _told(results: Path) -> dict[str, list[dict[str, Any]]]:
    """Cell -> its lines of the table, whose intervals are the newest; empty without a table."""
    if not done(results / record.TABLE):
        return {}
    table = pd.read_parquet(results / LINES)[["cell", *SCORED]].drop_duplicates(["cell", "column"])
    table = table.astype(object).where(table.notna(), None)
    return {cell: own.to_dict("records") for cell, own in table.groupby("cell", sort=False)}


def _entry(
    cell: Cell,
    lines: list[Line],
    scores: list[dict[str, Any]],
    label: str,
    folder: Path,
    costs: Costs,
) -> Entry:
    first, decoded = lines[0], record.read(folder / CELL)
    made = decoded["provenance"]["made"][0]
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
    sampler = dict(cell.spec["sampler"])
    flat = dict(_flat({"policy": sampler.pop("policy"), "sampler": sampler, "asked": cell.spec["benchmark"]}))
    params = {"label": label, **{PLAIN.sub("", k): str(v)[:500] for k, v in flat.items()}}
    metrics = _metrics(decoded["summary"], scores, costs, first.benchmark)
    artifacts = tuple(p for p in (folder / SHEET, folder / CELL, folder / SCORE) if p.is_file())
    began = datetime.fromisoformat(decoded["provenance"]["began"]).timestamp()
    return Entry(
        cell, f"{first.backbone}/{first.benchmark}", name_of(first), tags, params, metrics,
        curve(read_trace(folder), decoded["images"]), artifacts, round(1000 * began),
        decoded["summary"]["seconds"] * decoded["images"],
    )  # fmt: skip


def label_of(line: Line, grid: Grid) -> str:
    """The row's label. Points of a sweep bear that of the first sampler with their policy: what all have
    alike stays out of the compare page, which then begins with the swept fields."""
    policy = _policy(line, grid)
    kin = (x.label for x in grid.lines if x.group == "samplers" and _policy(x, grid) == policy)
    return next(kin, policy) if line.point else line.label


def _policy(line: Line, grid: Grid) -> str:
    return grid.cells[line.cell].spec["sampler"]["policy"]["policy"]


def name_of(line: Line) -> str:
    """The run's name: the row's label, or the swept values without what their fields have in common."""
    if not line.point:
        return line.label
    return ", ".join(f"{key.removeprefix('phases.')}={value}" for key, value in line.point.items())


def _metrics(summary: Mapping[str, float], lines: list, costs: Costs, benchmark: str) -> dict[str, float]:
    """The main score first: the first metric is the one that the compare page colours by."""
    base, latency = costs
    valued = {line["column"]: float(line["value"]) for line in lines if line.get("value") is not None}
    column = main_column(benchmark, valued)
    main = {} if column is None else {"score": valued[column]}
    faster = {"speedup_batched": base / max(summary["seconds"], 1e-9)} if base else {}
    left = {k: float(v) for k, v in summary.items() if k not in ("passes", "seconds")}
    cost = {"passes": float(summary["passes"]), "seconds_per_image": summary["seconds"]}
    return {**main, **dict(_scores(lines)), **cost, **latency, **faster, **left}


def _scores(lines: list[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    """Scores, then their bounds under a heading of their own: a heading is a section of MLflow's charts."""
    for line in lines:
        if line.get("value") is not None:
            yield f"score/{PLAIN.sub('', line['column'])}", float(line["value"])
    for line in lines:
        for suffix, key in (("lo", "low"), ("hi", "high"), ("floor", "floor")):
            if line.get(key) is not None:
                yield f"score_bounds/{PLAIN.sub('', line['column'])}_{suffix}", float(line[key])


def _summary(cell: str, results: Path) -> Mapping[str, Any]:
    place = folder_of(cell, results) / CELL
    return record.read(place)["summary"] if done(place) else {}


def _latencies(results: Path, timed: Collection[str]) -> dict[str, dict[str, float]]:
    """cell -> its seconds at batch 1 and its speed-up, where they were measured: by one of the `timed`
    measurements, or else by another, such as one of rows that params.yaml had before."""
    latencies: dict[str, dict[str, float]] = {}
    for path in sorted(
        (results / "latency").glob("*.json"), key=lambda path: (path.stem in timed, path.name)
    ):
        measured = record.read(path)
        for name, cell in measured["cells"].items():
            row = measured["rows"][name]
            latencies[cell] = {"latency_seconds": row["seconds"], "latency_speedup": row["speedup"]}
    return latencies


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
