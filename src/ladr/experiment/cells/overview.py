"""The state of every cell, and a guess of the time that is left, as `ladr grid` shows them."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from ladr.benchmarks.column import main_column
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import folder_of
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, done
from ladr.experiment.cells.rows import scored


def overview(grid: Grid, results: Path = RESULTS) -> list[dict[str, Any]]:
    """One dict for each cell: id, rows, state (done, unscored, partial, stale, missing), images, passes,
    seconds."""
    records = {i: _record(folder_of(i, results)) for i in grid.cells}
    rates = _rates(grid, records)
    rows = []
    for cell in grid.cells.values():
        images = cell.spec["benchmark"]["count"] * cell.spec["benchmark"]["images"]
        decoded = records[cell.id]
        rate = decoded["summary"]["seconds"] if decoded else _guess(cell, rates)
        rows.append(
            {
                "cell": cell.id,
                "rows": [f"{x.group}/{x.name}" for x in grid.lines if x.cell == cell.id],
                "state": state(folder_of(cell.id, results), cell),
                "images": images,
                "passes": decoded["summary"]["passes"] if decoded else None,
                "score": _score(cell, results),
                "seconds": None if rate is None else rate * images,
            }
        )
    return rows


def _score(cell: Cell, results: Path) -> float | None:
    """The score that stands for the benchmark, or None where the cell is not scored."""
    folder = folder_of(cell.id, results)
    if not scored(folder, cell):
        return None
    lines = record.read(folder / SCORE)["lines"]
    valued = {x["column"]: x["value"] for x in lines if x["value"] is not None}
    return valued.get(main_column(cell.spec["benchmark"]["name"], valued))


def state(folder: Path, cell: Cell | None = None) -> str:
    """done: decoded and scored. unscored: decoded. stale: there is a record, but not the files that it names.
    partial: some parts are decoded. missing: nothing is there."""
    if done(folder / CELL):
        return "done" if scored(folder, cell) else "unscored"
    if (folder / CELL).is_file():
        return "stale"
    return "partial" if any((folder / "parts").glob("*.safetensors")) else "missing"


def _record(folder: Path) -> Mapping[str, Any] | None:
    return record.read(folder / CELL) if done(folder / CELL) else None


def _rates(grid: Grid, records: Mapping[str, Any]) -> dict[tuple, list[float]]:
    """Seconds per image of the decoded cells, by backbone, policy and steps, and by backbone alone."""
    rates: dict[tuple, list[float]] = {}
    for i, decoded in records.items():
        for key in _kinds(grid.cells[i]) if decoded else ():
            rates.setdefault(key, []).append(decoded["summary"]["seconds"])
    return rates


def _kinds(cell: Cell) -> list[tuple]:
    policy = cell.spec["sampler"]["policy"]["policy"], str(cell.spec["sampler"]["steps"])
    return [(cell.backbone, *policy), (cell.backbone, policy[0]), (cell.backbone,)]


def _guess(cell: Cell, rates: Mapping[tuple, list[float]]) -> float | None:
    return next((median(rates[key]) for key in _kinds(cell) if key in rates), None)


def rows_of(grid: Grid, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One dict per row of params.yaml on each backbone and benchmark; all points of a sweep are one row.

    cells: what `overview` returns. In a row `cells` are ids, and `done` counts those decoded and scored. A
    row with several cells has no score and no passes of its own.
    """
    about = {cell["cell"]: cell for cell in cells}
    rows: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for line in grid.lines:
        name = line.group if line.point else f"{line.group}/{line.name}"
        place = rows.setdefault((name, line.backbone, line.benchmark), [])
        if about[line.cell] not in place:
            place.append(about[line.cell])
    return [_row(place, members) for place, members in rows.items()]


def _row(place: tuple[str, str, str], members: list[dict[str, Any]]) -> dict[str, Any]:
    states = {cell["state"] for cell in members}
    count = sum(cell["state"] == "done" for cell in members)
    alone = members[0] if len(members) == 1 else {"passes": None, "score": None}
    seconds = [cell["seconds"] for cell in members]
    return {
        "cells": [cell["cell"] for cell in members],
        **dict(zip(("row", "backbone", "benchmark"), place, strict=True)),
        "state": states.pop() if len(states) == 1 else "partial",
        "done": count,
        "images": sum(cell["images"] for cell in members),
        "passes": alone["passes"],
        "score": alone["score"],
        "seconds": None if None in seconds else sum(seconds),
    }
