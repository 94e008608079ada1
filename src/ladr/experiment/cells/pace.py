"""How long cells take, image by image: from what was measured here, else from the operations of a pass.

Job sizes and the hours of `ladr grid` are made from these estimates. Tokens never depend on them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from ladr import backbones
from ladr.base import files
from ladr.base.errors import LadrError
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells import record
from ladr.experiment.cells.record import CELL, RESULTS, done

DEVICE = "device.json"
CPU_RATE, GPU_RATE = 5e10, 2e14  # operations per second where no device was measured: one core, one card
PASS = {"field": 0.0005, "mixture": 0.002}  # seconds per pass and image on one core
UNKNOWN = 0.01  # the same of a backbone that nothing is known about


@dataclass(frozen=True)
class Pace:
    """Seconds per image of one job, and where the number comes from. measured: on images, not computed."""

    seconds: float
    source: str
    measured: bool


@dataclass(frozen=True)
class Paces:
    """The paces of the cells of a grid; `records` are the cell.json of decoded cells by id."""

    grid: Grid
    records: Mapping[str, Mapping[str, Any]]
    results: Path = RESULTS

    @classmethod
    def read(cls, grid: Grid, results: Path = RESULTS) -> "Paces":
        places = {i: results / "cells" / i / CELL for i in grid.cells}
        return cls(grid, {i: record.read(p) for i, p in places.items() if done(p)}, results)

    def of(self, cell: Cell) -> Pace:
        """The best estimate that there is: done cells, then a stopwatch, then operations."""
        if cell.id in self.records:
            return self._of_cells([cell.id])
        for kind in kinds(cell):
            if kind in self._decoded:
                return self._of_cells(self._decoded[kind])
        return self._timed.get(cell.backbone) or self._computed(cell)

    def _of_cells(self, ids: list[str]) -> Pace:
        seconds = median(self.records[i]["summary"]["seconds"] for i in ids)
        images = sum(self.records[i]["images"] for i in ids)
        made = self.records[ids[0]]["provenance"]["made"][0]
        return Pace(seconds, f"from {images} images on {made.get('gpu') or made.get('cpu')}", True)

    @cached_property
    def _decoded(self) -> dict[tuple, list[str]]:
        """Decoded cells by backbone, policy and steps, by backbone and policy, and by backbone."""
        held: dict[tuple, list[str]] = {}
        for i in self.records:
            for kind in kinds(self.grid.cells[i]):
                held.setdefault(kind, []).append(i)
        return held

    @cached_property
    def _timed(self) -> dict[str, Pace]:
        """Backbone -> what the stopwatch says of it: the median of its samplers at batch 1."""
        known: dict[str, Pace] = {}
        for timed in _records(sorted((self.results / "latency").glob("*.json")), record.read):
            name = next((b for b in self._backbones if timed.get("id", "").startswith(f"{b}-")), None)
            if name is not None:
                seconds = median(row["seconds"] for row in timed["rows"].values())
                known[name] = Pace(seconds, f"from {timed['images']} images of the stopwatch", True)
        return known

    @cached_property
    def _backbones(self) -> list[str]:
        return sorted({cell.backbone for cell in self.grid.cells.values()}, key=len, reverse=True)

    def _computed(self, cell: Cell) -> Pace:
        passes = passes_of(cell, self.grid)
        backbone = cell.spec["backbone"]
        operations = backbones.kind(backbone["name"]).operations(backbone["settings"])
        if operations is None:
            each = PASS.get(backbone["name"], UNKNOWN)
            return Pace(passes * each, f"guessed from {each} s a pass", False)
        rate, source = self._rate(cell)
        cost = _share(cell.spec["sampler"]["cache"])
        text = f"guessed from {operations / 1e12:.3g} tera-operations a pass and {source}"
        return Pace(passes * cost * operations / rate, text, False)

    def _rate(self, cell: Cell) -> tuple[float, str]:
        """Operations per second, and who says so: results/device.json, if it is of this kind of device."""
        gpu = str(cell.spec["backbone"]["settings"].get("device", "cpu")).startswith("cuda")
        for device in _records([self.results / DEVICE], files.read_json):
            reached = device.get("pass_tflops") or device.get("matrix_tflops")
            if bool(device.get("hardware", {}).get("gpu")) == gpu and reached:
                return reached * 1e12, f"{DEVICE}'s {reached:.3g} tera-operations a second"
        rate = GPU_RATE if gpu else CPU_RATE * cell.row.threads
        return rate, f"a nominal {rate / 1e12:.3g} tera-operations a second"


def kinds(cell: Cell) -> list[tuple]:
    """From the nearest to the widest, the classes of cells that take about as long."""
    policy, steps = cell.spec["sampler"]["policy"]["policy"], str(cell.spec["sampler"]["steps"])
    return [(cell.backbone, policy, steps), (cell.backbone, policy), (cell.backbone,)]


def passes_of(cell: Cell, grid: Grid) -> int:
    """The most passes that a decode of the cell may take."""
    steps = cell.spec["sampler"]["steps"]
    return steps if isinstance(steps, int) else passes_of(grid.cells[steps["match"]], grid)


def _share(cache: Mapping[str, Any] | None) -> float:
    """What a pass costs with this cache, in full passes: of ML-Cache, all others count as full."""
    if not cache or cache["name"] != "ml":
        return 1.0
    full = cache["warmup"] + (1 - cache["warmup"]) / cache["refresh"]
    return full + (1 - full) * (1 - cache["ratio"])


def _records(paths: Iterable[Path], read: Callable[[Path], dict[str, Any]]) -> list[dict[str, Any]]:
    """The whole records among these files."""
    records = []
    for path in paths:
        try:
            records.append(read(path))
        except LadrError:
            continue
    return records
