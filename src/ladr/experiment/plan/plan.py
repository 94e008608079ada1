"""What the Snakefile knows: which cells exist, which are still to be made, and how they share processes."""

import json
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ladr.base.imports import PACKAGE
from ladr.base.removal import remove
from ladr.experiment.cell import Cell, Grid, batches, short
from ladr.experiment.cells import doctor, record
from ladr.experiment.cells.ceiling import ceiling_file
from ladr.experiment.cells.decode import tell
from ladr.experiment.cells.latency import measurements, needs
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, done
from ladr.experiment.cells.rows import scored
from ladr.experiment.grid import grid
from ladr.experiment.params import Params, load
from ladr.experiment.plan.clock import brought_back
from ladr.experiment.plan.figures import FigurePlan

LOOKING = {  # options of Snakemake that change nothing
    "-n", "--dry-run", "--dryrun", "--lint", "--report", "--dag", "--rulegraph", "--filegraph", "--d3dag",
    "--summary", "-S", "--detailed-summary", "-D", "--unlock", "--list", "-l", "--list-rules", "--mode",
    "--archive", "--print-compilation", "--generate-unit-tests", "--lt", "--list-target-rules",
}  # fmt: skip
BEGAN = ".began.json"
THERE = "there"  # the batch of the cells that exist already
SCORED_TOGETHER = 4  # times as many cells as are decoded in one process
TABLE = (record.TABLE, *record.BESIDE)


@dataclass(frozen=True)
class CellBatch:
    """Cells that one job makes: their name as a batch, and what the job asks of the machine."""

    name: str
    cells: tuple[Cell, ...]

    def files(self, record: str) -> list[str]:
        """That file of each of its cells."""
        return [path(cell.id, record) for cell in self.cells]

    @property
    def needs(self) -> list[str]:
        """The records of cells outside the batch that cells of the batch read."""
        own = {cell.id for cell in self.cells}
        return list(dict.fromkeys(path(i, CELL) for cell in self.cells for i in cell.needs if i not in own))

    @property
    def threads(self) -> int:
        return self.cells[0].row.threads if self.cells else 1

    @property
    def resources(self) -> dict[str, int]:
        row = self.cells[0].row if self.cells else None
        return {"mem_mb": row.mem_mb, "runtime": row.runtime, "gpu": row.gpus} if row else {}


def path(cell: str, record: str) -> str:
    """Where that file of a cell is."""
    return str(RESULTS / "cells" / cell / record)


@dataclass(frozen=True)
class Plan:
    """The experiment as Snakemake sees it.

    config: `params` (a file, default params.yaml), `out` (where the table goes), `backbone` (run this one
    alone), and `set` (KEY=VALUE, or several, separated and quoted as words of a shell are).
    """

    params: Params
    grid: Grid
    out: Path
    began: Mapping[str, list[str]] | None = None
    reporting: bool = False

    @classmethod
    def read(cls, config: Mapping[str, Any], argv: Sequence[str] = ()) -> "Plan":
        """Check params.yaml, and claim the working folder unless the command line `argv` only looks.

        A job that reads the Snakefile on another machine sees the cells that existed when the run began.
        """
        from ladr.experiment.params import changes_of
        from ladr.experiment.params.source import words_of

        file = str(config.get("params", "params.yaml"))
        sets = words_of(str(config.get("set", "")), "set")
        if "backbone" in config:
            sets.append(f"use=[{config['backbone']}]")
        params = load(file, changes_of(sets))
        out = Path(config.get("out", RESULTS))
        reporting = any(word.startswith("--report") for word in argv)
        plan = cls(params, grid(params), out, reporting=reporting)
        os.environ.update({"LADR_PARAMS": file, "LADR_SET": shlex.join(sets), "OMP_NUM_THREADS": "1"})
        if "--mode" in argv:
            return replace(plan, began=record.read(plan.out / BEGAN))
        if not looking(argv):
            plan.claim()
            record.write(plan.out / BEGAN, plan.state())
        plan.note()
        for name, reason in plan.figures.left_out.items() if out == RESULTS else ():
            tell(f"figure {name} is not drawn: {reason}")
        return plan

    def claim(self) -> None:
        """Before a real run: lock the folder, and remove damaged files and scores of another version."""
        doctor.claim()
        findings = list(doctor.examine())
        for finding in findings:
            tell(f"{finding.message}; will be made anew")
        doctor.mend(findings)
        folders = (RESULTS, self.out, self.figures.folder, PACKAGE)
        late = brought_back((p for folder in folders for p in folder.rglob("*")), time.time_ns())
        if late:
            tell(f"{late} files are from the future, as the clock was set back; they count as made just now")
        for cell in self.grid.cells.values():
            score = Path(path(cell.id, SCORE))
            decoded = done(score.with_name(CELL))
            if decoded and score.is_file() and not scored(score.parent, cell):
                other = "other settings than `official` has now"
                by = other if cell.benchmark.official else "another version of ladr"
                tell(f"{cell.id}: scored by {by}; will be scored anew")
                remove([score], score.parent)

    def note(self) -> None:
        """Write grid.json: the grid, and which cells are timed. It is written when its content changes.

        The table depends on it, and figures learn from it what must be in the results.
        """
        stopwatches = measurements(self.params, self.grid)
        timed = {name: {row: cell.id for row, cell in rows} for name, rows in stopwatches.items()}
        file = self.out / "grid.json"
        content = json.loads(self.grid.json(timed))
        if not file.is_file() or file.read_bytes() != record.sealed(content).encode():
            record.write(file, content)

    def state(self) -> dict[str, list[str]]:
        """The ids of the cells that are decoded now, and of those that are scored."""
        places = {i: Path(path(i, CELL)) for i in self.grid.cells}
        decoded = [i for i, place in places.items() if done(place)]
        return {
            "decoded": decoded,
            "scored": [i for i in decoded if scored(places[i].parent, self.grid.cells[i])],
        }

    @cached_property
    def there(self) -> dict[str, tuple[Cell, ...]]:
        """Cells already decoded or scored when the run began."""
        states = self.began or self.state()
        return {k: tuple(self.grid.cells[i] for i in v if i in self.grid.cells) for k, v in states.items()}

    @property
    def decoding(self) -> list["CellBatch"]:
        return self.batches(self.there["decoded"])

    @property
    def scoring(self) -> list["CellBatch"]:
        """Few, large batches: to score a cell takes about as long as to start a process."""
        mini = [c for c in self.grid.cells.values() if not c.benchmark.official]
        return self.batches(self.there["scored"], mini, SCORED_TOGETHER * self.params.cells_per_job)

    @property
    def judging(self) -> list["CellBatch"]:
        """Cells of official benchmarks, whose scorers want another machine than the rest."""
        return self.batches(
            self.there["scored"], [c for c in self.grid.cells.values() if c.benchmark.official]
        )

    def batches(
        self, there: Sequence[Cell], cells: Sequence[Cell] | None = None, size: int | None = None
    ) -> list[CellBatch]:
        """One batch of the cells that exist already, and batches of the others, each run by one process."""
        cells = [*self.grid.cells.values()] if cells is None else cells
        there = [cell for cell in there if cell in cells]
        known = {cell.id for cell in there}
        left = [cell for cell in cells if cell.id not in known]
        groups = batches(left, size or self.params.cells_per_job)
        names = [f"{g[0].backbone}_{short(g[0].spec['benchmark']['name'])}_{i}" for i, g in enumerate(groups)]
        named = [CellBatch(n.replace("-", "_"), tuple(g)) for n, g in zip(names, groups, strict=True)]
        return [*([CellBatch(THERE, tuple(there))] if there else []), *named]

    def records(self, name: str) -> list[str]:
        """That file of every cell."""
        return [path(i, name) for i in self.grid.cells]

    @property
    def ceilings(self) -> list[str]:
        ceilings = (ceiling_file(cell) for cell in self.grid.cells.values())
        return list(dict.fromkeys(str(file) for file in ceilings if file is not None))

    @cached_property
    def latencies(self) -> dict[str, list[str]]:
        """Measurement -> the records that it reads."""
        stopwatches = measurements(self.params, self.grid)
        return {name: [path(i, CELL) for i in needs(rows)] for name, rows in stopwatches.items()}

    @property
    def table(self) -> list[str]:
        return [str(self.out / name) for name in TABLE]

    @property
    def timed(self) -> list[str]:
        return [str(RESULTS / "latency" / f"{name}.json") for name in self.latencies]

    @property
    def tracked(self) -> str:
        """Says that MLflow knows all cells and figures."""
        return str(self.out / "tracked.json")

    @cached_property
    def figures(self) -> FigurePlan:
        return FigurePlan(self.params, self.grid, self.out)

    @property
    def figure_jobs(self) -> dict[str, tuple[list[str], list[str], str]]:
        """What one process draws: figures, what they are drawn from, and the record that says they are."""
        return self.figures.jobs([*self.table, *self.timed])

    @property
    def results(self) -> list[str]:
        """All that is decoded, scored, measured and worked out: what figures and MLflow are made from."""
        made = [*self.records(CELL), *self.records(SCORE), *self.timed, *self.table]
        return [*made, *self.figures.illustrations, *self.figures.theory]

    @property
    def all(self) -> list[str]:
        """Everything that `rule all` names."""
        return [*self.results, self.figures.done, *([self.tracked] if self.params.tracking else [])]


def looking(argv: Sequence[str]) -> bool:
    """Does this command line only look, or belong to a job of another run?"""
    return bool(LOOKING & {word.split("=")[0] for word in argv})
