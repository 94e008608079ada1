"""The state of every cell and what it costs, as `ladr grid` shows them."""

import os
from pathlib import Path
from typing import Any

from ladr.benchmarks.column import main_column
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import folder_of
from ladr.experiment.cells.pace import Paces
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, done
from ladr.experiment.cells.rows import scored


def overview(grid: Grid, results: Path = RESULTS, at_once: int | None = None) -> list[dict[str, Any]]:
    """One dict for each cell: id, rows, state (done, unscored, partial, stale, missing), images, passes,
    score, seconds of one job for all its images, and what that costs.

    hours: of a core or of a GPU, whichever `device` says. wall: seconds with `at_once` jobs at a time
    (default: as many as this machine has cores for, or one GPU). source: what the time is taken from;
    measured: whether that is images, or the operations of a pass.
    """
    paces = Paces.read(grid, results)
    names: dict[str, list[str]] = {}
    for line in grid.lines:
        names.setdefault(line.cell, []).append(f"{line.group}/{line.name}")
    rows = []
    for cell in grid.cells.values():
        record, pace = paces.records.get(cell.id), paces.of(cell)
        seconds, gpus = pace.seconds * cell.images, cell.row.gpus
        slots = at_once or (1 if gpus else max(1, (os.cpu_count() or 1) // cell.row.threads))
        rows.append(
            {
                "cell": cell.id,
                "rows": names.get(cell.id, []),
                "state": state(folder_of(cell.id, results), cell),
                "images": cell.images,
                "passes": record["summary"]["passes"] if record else None,
                "score": _score(cell, results),
                "seconds": seconds,
                "device": "GPU" if gpus else "CPU",
                "hours": seconds * (gpus or cell.row.threads) / 3600,
                "wall": seconds / slots,
                "source": pace.source,
                "measured": pace.measured,
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
    return {
        "cells": [cell["cell"] for cell in members],
        **dict(zip(("row", "backbone", "benchmark"), place, strict=True)),
        "state": states.pop() if len(states) == 1 else "partial",
        "done": count,
        "images": sum(cell["images"] for cell in members),
        "passes": alone["passes"],
        "score": alone["score"],
        **{key: sum(cell[key] for cell in members) for key in ("seconds", "hours", "wall")},
        "device": members[0]["device"],
        "source": "; ".join(dict.fromkeys(cell["source"] for cell in members)),
        "measured": all(cell["measured"] for cell in members),
    }
