"""What `ladr grid` shows: the state of every cell, and a guess of what is left to do."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from ladr.base import files
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells.decode import folder_of
from ladr.experiment.cells.record import CELL, RESULTS, done
from ladr.experiment.cells.rows import scored


def overview(grid: Grid, results: Path = RESULTS) -> list[dict[str, Any]]:
    """One dict per cell: id, rows, state (done, unscored, partial, stale, missing), images, seconds."""
    records = {i: _record(folder_of(i, results)) for i in grid.cells}
    rates = _rates(grid, records)
    rows = []
    for cell in grid.cells.values():
        images = cell.spec["benchmark"]["count"] * cell.spec["benchmark"]["images"]
        record = records[cell.id]
        rate = record["summary"]["seconds"] if record else _guess(cell, rates)
        rows.append(
            {
                "cell": cell.id,
                "rows": [f"{x.group}/{x.name}" for x in grid.lines if x.cell == cell.id],
                "state": state(folder_of(cell.id, results), cell),
                "images": images,
                "passes": record["summary"]["passes"] if record else None,
                "seconds": None if rate is None else rate * images,
            }
        )
    return rows


def state(folder: Path, cell: Cell | None = None) -> str:
    """done: decoded and scored; stale: a record, but its files are not those it names."""
    if done(folder / CELL):
        return "done" if scored(folder, cell) else "unscored"
    if (folder / CELL).is_file():
        return "stale"
    return "partial" if any((folder / "parts").glob("*.safetensors")) else "missing"


def _record(folder: Path) -> Mapping[str, Any] | None:
    return files.read_json(folder / CELL) if done(folder / CELL) else None


def _rates(grid: Grid, records: Mapping[str, Any]) -> dict[tuple, list[float]]:
    """Seconds per image of the done cells, by backbone and policy, and by backbone alone."""
    rates: dict[tuple, list[float]] = {}
    for i, record in records.items():
        for key in _kinds(grid.cells[i]) if record else ():
            rates.setdefault(key, []).append(record["summary"]["seconds"])
    return rates


def _kinds(cell: Cell) -> list[tuple]:
    policy = cell.spec["sampler"]["policy"]["policy"], str(cell.spec["sampler"]["steps"])
    return [(cell.backbone, *policy), (cell.backbone, policy[0]), (cell.backbone,)]


def _guess(cell: Cell, rates: Mapping[tuple, list[float]]) -> float | None:
    return next((median(rates[key]) for key in _kinds(cell) if key in rates), None)


def printed(rows: list[dict[str, Any]]) -> None:
    """The overview for people."""
    from rich.console import Console
    from rich.table import Column, Table

    wide = [Column(name, overflow="fold") for name in ("cell", "asked for by")]
    table = Table(*wide, "state", "images", "passes", "CPU time")
    for row in rows:
        table.add_row(
            row["cell"], "\n".join(row["rows"]) or "(needed)", row["state"], str(row["images"]),
            "" if row["passes"] is None else f"{row['passes']:.1f}", duration(row["seconds"]),
        )  # fmt: skip
    console = Console()
    console.print(table)
    left = [r for r in rows if r["state"] in ("missing", "partial", "stale")]
    known = [r["seconds"] for r in left if r["seconds"] is not None]
    about = f", about {duration(sum(known))} of one core" if known else ""
    more = f" ({len(left) - len(known)} cannot be guessed yet)" if len(known) < len(left) else ""
    images = sum(r["images"] for r in left)
    console.print(f"{len(rows)} cells, {len(rows) - len(left)} decoded; left: {images} images{about}{more}")


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
