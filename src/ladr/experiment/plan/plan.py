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
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells import doctor, record
from ladr.experiment.cells.ceiling import ceiling_file
from ladr.experiment.cells.decode import tell
from ladr.experiment.cells.latency import measurements, needs
from ladr.experiment.cells.pace import Paces
from ladr.experiment.cells.parts import span_of
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, done
from ladr.experiment.cells.rows import scored
from ladr.experiment.grid import grid
from ladr.experiment.lines import source
from ladr.experiment.params import Params, load
from ladr.experiment.plan.batch import DECODED, CellBatch, Shard, cell_files, named, path, shard_path
from ladr.experiment.plan.clock import brought_back
from ladr.experiment.plan.cut import Cut, cut
from ladr.experiment.plan.figures import FigurePlan
from ladr.experiment.plan.store import DISK, Disk, Storage

LOOKING = {  # options of Snakemake that change nothing
    "-n", "--dry-run", "--dryrun", "--lint", "--report", "--dag", "--rulegraph", "--filegraph", "--d3dag",
    "--summary", "-S", "--detailed-summary", "-D", "--unlock", "--list", "-l", "--list-rules", "--mode",
    "--archive", "--print-compilation", "--generate-unit-tests", "--lt", "--list-target-rules",
}  # fmt: skip
BEGAN = ".began.json"
SCORED_TOGETHER, JUDGED_TOGETHER = 32, 8  # cells that one process scores
TABLE = (record.TABLE, *record.BESIDE)


@dataclass(frozen=True)
class Plan:
    """The experiment as Snakemake sees it.

    config: `params` (a file, default params.yaml), `out` (where the table goes), `backbone` (run this one
    alone), and `set` (KEY=VALUE, or several, separated and quoted as words of a shell are).
    """

    params: Params
    grid: Grid
    out: Path
    began: Mapping[str, Any] | None = None
    reporting: bool = False
    store: Disk | Storage = DISK

    @classmethod
    def read(
        cls, config: Mapping[str, Any], argv: Sequence[str] = (), store: Disk | Storage = DISK
    ) -> "Plan":
        """Check params.yaml, and claim the working folder unless the command line `argv` only looks.

        A job that reads the Snakefile on another machine sees the cells that existed when the run began.
        """
        from ladr.experiment.params import changes_of
        from ladr.experiment.params.source import words_of

        file = str(config.get("params", "params.yaml"))
        sets = words_of(str(config.get("set", "")), "set")
        if "backbone" in config:
            sets.append(f"use=[{config['backbone']}]")
        params = load(file, changes_of(sets, "--config set="))
        out = Path(config.get("out", RESULTS))
        reporting = any(word.startswith("--report") for word in argv)
        plan = cls(params, grid(params), out, reporting=reporting, store=store)
        os.environ.update({"LADR_PARAMS": file, "LADR_SET": shlex.join(sets), "OMP_NUM_THREADS": "1"})
        if "--mode" in argv:
            return replace(plan, began=record.read(plan.out / BEGAN))
        if not looking(argv):
            plan.claim()
            record.write(plan.out / BEGAN, plan.state())
            store.send([Path(file), plan.out / BEGAN])
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

    def state(self) -> dict[str, Any]:
        """Ids of the cells that are decoded now and of those that are scored, and the jobs of the rest."""
        decoded = [i for i, cell in self.grid.cells.items() if self.store.decoded(cell)]
        estimates, known = Paces.read(self.grid), set(decoded)
        left = [cell for i, cell in self.grid.cells.items() if i not in known]
        seconds = {cell.id: estimates.of(cell).seconds * cell.images for cell in left}
        return {
            "decoded": decoded,
            "scored": [i for i in decoded if self.store.scored(self.grid.cells[i])],
            "cut": cut(left, lambda cell: seconds[cell.id], self.params.part).json(),
        }

    @cached_property
    def beginning(self) -> Mapping[str, Any]:
        """The `state` when the run began."""
        return self.began or self.state()

    @cached_property
    def there(self) -> dict[str, tuple[Cell, ...]]:
        """Cells already decoded or scored when the run began."""
        cells = self.grid.cells
        return {k: tuple(cells[i] for i in self.beginning[k] if i in cells) for k in ("decoded", "scored")}

    @cached_property
    def cut(self) -> Cut:
        return Cut.of(self.beginning["cut"])

    @cached_property
    def decoding(self) -> list[CellBatch]:
        """One batch of the cells that exist already, and batches of those that are decoded whole."""
        batches = [[self.grid.cells[i] for i in batch if i in self.grid.cells] for batch in self.cut.batches]
        return named(self.there["decoded"], [batch for batch in batches if batch])

    @cached_property
    def shards(self) -> list[Shard]:
        """What each job decodes of the cells that are cut."""
        return [Shard(self.grid.cells[i], span) for i, spans in self.cut.shards.items() for span in spans]

    def needs(self, shard: Shard) -> list[str]:
        """What a shard reads: of a source that is cut the shard of the same images, else whole cells."""
        read = source(shard.cell.spec["sampler"])
        cut_alike = read if read in self.cut.shards else None
        whole = [i for i in shard.cell.needs if i != cut_alike or self.matches(shard.cell, i)]
        files = cell_files(whole, DECODED)
        return files if cut_alike is None else [*files, shard_path(cut_alike, shard.span)]

    def shard(self, cell: str, images: str) -> Shard:
        """The shard whose file has this cell and these images in its name."""
        return Shard(self.grid.cells[cell], span_of(images))

    @staticmethod
    def matches(cell: Cell, other: str) -> bool:
        """Does the cell take as many steps as the other needed passes?"""
        return cell.spec["sampler"]["steps"] == {"match": other}

    @property
    def scoring(self) -> list[CellBatch]:
        """Few, large batches: to score a cell takes about as long as to start a process."""
        return self.batches(
            [c for c in self.grid.cells.values() if not c.benchmark.official], SCORED_TOGETHER
        )

    @property
    def judging(self) -> list[CellBatch]:
        """Cells of official benchmarks, whose scorers want another machine than the rest."""
        return self.batches([c for c in self.grid.cells.values() if c.benchmark.official], JUDGED_TOGETHER)

    def batches(self, cells: Sequence[Cell], size: int) -> list[CellBatch]:
        """One batch of the cells that are scored already, and batches of at most `size` of the others."""
        known = {cell.id for cell in self.there["scored"]}
        by_key: dict[str, list[Cell]] = {}
        for cell in cells:
            if cell.id not in known:
                by_key.setdefault(cell.key, []).append(cell)
        groups = [group[i : i + size] for group in by_key.values() for i in range(0, len(group), size)]
        return named([cell for cell in cells if cell.id in known], groups)

    def records(self, *names: str) -> list[str]:
        """These files of every cell."""
        return cell_files(self.grid.cells, names)

    @property
    def ceilings(self) -> list[str]:
        ceilings = (ceiling_file(cell) for cell in self.grid.cells.values())
        return list(dict.fromkeys(str(file) for file in ceilings if file is not None))

    @cached_property
    def latencies(self) -> dict[str, list[str]]:
        """Measurement -> the files that it reads."""
        stopwatches = measurements(self.params, self.grid)
        return {name: cell_files(needs(rows), DECODED) for name, rows in stopwatches.items()}

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
        return self.figures.jobs(self.table, self.timed)

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
