"""results/ as figures read it. What the experiment asks for must be there, or an error names it."""

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ladr.base.errors import LadrError
from ladr.benchmarks.column import main_column
from ladr.benchmarks.intervals import PromptSums
from ladr.experiment.cells import record
from ladr.experiment.lines import SAMPLERS, illustrated
from ladr.figures.frame.asked import Asked
from ladr.figures.frame.sealed import SHOWN, record_in, table_in

PLACE = ["group", "name", "backbone", "benchmark", "cell"]
LATENCY = "latency"
NUMBERS = ["value", "low", "high", "floor", "ceiling", "difference", "difference_low", "difference_high"]
JUNK, DIVERSITY = "Junk area", "Diversity"


class NotAskedError(LadrError):
    """The experiment does not ask for the data that the figure shows."""


class Results(Asked):
    """The results below `root`: the grid's lines, their scores, the cells' records and traces.

    The table of a sweep lies in a folder below the results whose cells it names: these cells are in the
    nearest folder above it that has cells.
    """

    def __init__(self, root: Path):
        self.root = root
        folders = (root, *root.resolve().parents)
        self.store = next((f for f in folders if (f / "cells").is_dir()), root)
        self.unscored: dict[tuple[str, str], None] = {}  # (backbone, benchmark) left out by `scored`
        super().__init__()
        self._samples: dict[tuple[str, str], dict[str, PromptSums]] = {}

    @cached_property
    def _grid(self) -> pd.DataFrame:
        return pd.DataFrame(self._asked["lines"])

    @cached_property
    def _asked(self) -> dict[str, Any]:
        return record_in(self.root / "grid.json")

    @cached_property
    def _table(self) -> dict[str, Any]:
        return record_in(self.root / record.TABLE)

    @property
    def scores(self) -> pd.DataFrame:
        """scores.parquet; every line of the grid is in it."""
        self.asked["scores "] = None
        return self._scores

    @cached_property
    def _scores(self) -> pd.DataFrame:
        path = self.root / "scores.parquet"
        scores = table_in(path, self._table)
        for column in NUMBERS:
            scores[column] = pd.to_numeric(scores[column], errors="coerce").astype(float)
        known = set(scores[PLACE].itertuples(index=False, name=None))
        missing = [row for row in self._grid[PLACE].itertuples(index=False, name=None) if row not in known]
        if missing:
            cells = list(dict.fromkeys(f"{row[-1]} ({row[0]}/{row[1]})" for row in missing))
            raise LadrError(f"{path} lacks {len(cells)} cells: {', '.join(cells)}; run `snakemake`")
        return scores

    @cached_property
    def judgements(self) -> pd.DataFrame:
        """table.parquet: every judgement of every cell."""
        return table_in(self.root / "table.parquet", self._table)

    @cached_property
    def _judged(self) -> dict[tuple[str, str], pd.DataFrame]:
        table = self.judgements[["cell", "kind", "column", "prompt", "value"]]
        return dict(iter(table.groupby(["cell", "kind"], sort=False)))

    def judged(self, cell: str, kind: str) -> dict[str, PromptSums]:
        """Column -> sums and counts of each prompt, in the order of the prompts' ids, for one kind of
        judgement of a cell."""
        self.asked[f"judged {cell}"] = None
        if (cell, kind) not in self._samples:
            own = self._judged.get((cell, kind), self.judgements[:0])
            by_prompt = own.groupby(["column", "prompt"], sort=True).value.agg(["sum", "count"])
            self._samples[cell, kind] = {
                column: PromptSums(g["sum"].to_numpy(float), g["count"].to_numpy(float))
                for column, g in by_prompt.groupby(level="column", sort=False)
            }
        return self._samples[cell, kind]

    def places(self, group: str = SAMPLERS) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """(backbone, benchmark, the group's scores) for every place in which the experiment has the group."""
        lines = self.lines(group)
        lines = lines[lines.group == group]
        if lines.empty:
            raise NotAskedError(f"the experiment has no {group}")
        for backbone, benchmark in lines[["backbone", "benchmark"]].drop_duplicates().itertuples(index=False):
            yield backbone, benchmark, self.at(backbone, benchmark, group)

    def scored(self, group: str = SAMPLERS) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """The places whose benchmark has a scorer here. `unscored` notes the others."""
        for backbone, benchmark, scores in self.places(group):
            if standing(scores) is None:
                self.unscored[backbone, benchmark] = None
            else:
                yield backbone, benchmark, scores

    def at(self, backbone: str, benchmark: str, group: str = SAMPLERS) -> pd.DataFrame:
        """The scores of a group in one place, checked by `whole`; empty if there are none."""
        self.asked[f"scores {backbone} {benchmark} {group}"] = None
        return whole(self._placed(backbone, benchmark, group))

    def _placed(self, backbone: str, benchmark: str, group: str) -> pd.DataFrame:
        s = self._scores
        return s[(s.backbone == backbone) & (s.benchmark == benchmark) & (s.group == group)]

    def record(self, cell: str) -> dict[str, Any]:
        """cell.json."""
        self.asked[f"cell {cell}"] = None
        path = self.store / "cells" / cell / record.CELL
        if not os.path.lexists(path):
            raise LadrError(f"cell {cell}: {path} is not there; run `ladr run {cell}`, or `snakemake`")
        return record_in(path, f"cell {cell}: ")

    def trace(self, cell: str) -> pd.DataFrame:
        """One row per image and pass."""
        path = self.store / "cells" / cell / record.TRACE
        return table_in(path, self.record(cell), f"cell {cell}: ")

    def latency(self, rows: pd.DataFrame) -> dict[str, Any] | None:
        """The measurement of these samplers; None if the experiment does not time them on this benchmark."""
        self.asked["timed "] = None
        cells = dict(zip(rows.name, rows.cell, strict=True))
        name = next((name for name, held in self._timed.items() if held == cells), None)
        if name is None:
            return None
        self.asked[f"file {LATENCY}/{name}.json"] = None
        path = self.store / LATENCY / f"{name}.json"
        record = record_in(path, f"latency {name}: ")
        if record.get("cells") != cells:
            raise LadrError(f"{path}: is not about the cells that are to be timed; run `ladr latency {name}`")
        return record

    @cached_property
    def _timed(self) -> dict[str, dict[str, str]]:
        """Measurement -> row -> cell, as grid.json asks. An old grid.json does not say: then the measurements
        that are there, the newest first."""
        if "timed" in self._asked:
            return self._asked["timed"]
        there = sorted((self.store / LATENCY).glob("*.json"), key=lambda p: -p.stat().st_mtime_ns)
        return {path.stem: record_in(path).get("cells", {}) for path in there}

    def theory(self) -> dict[str, Any]:
        """The output of `ladr theory --json`."""
        self.asked["theory "] = None
        return record_in(self.root / "theory.json", "`ladr theory --json > results/theory.json`: ")

    def illustrations(self) -> Iterator[tuple[str, dict[str, Any], Path]]:
        """(backbone, its pictures.json, its folder) for every illustration that the experiment asks for."""
        folder = self.store / "pictures"
        asked = illustrated(self.lines(SAMPLERS).itertuples(index=False))
        self.asked |= {f"file pictures/{name}/{SHOWN}": None for name in asked}
        if not asked:
            raise NotAskedError("no benchmark of the experiment has pixels, so `ladr pictures` shows nothing")
        records = {name: self._illustration(folder / name, lines) for name, lines in asked.items()}
        lacking = [backbone for backbone, record in records.items() if record is None]
        if lacking:
            error = NotAskedError if len(lacking) == len(asked) else LadrError
            paths = ", ".join(str(folder / backbone / SHOWN) for backbone in lacking)
            raise error(f"{paths}: not there, or about other cells than the grid's; `ladr pictures` makes it")
        yield from ((backbone, record, folder / backbone) for backbone, record in records.items())

    def _illustration(self, folder: Path, lines: list[Any]) -> dict[str, Any] | None:
        """pictures.json of one backbone; None if it is not there or shows other cells than these lines."""
        path = folder / SHOWN
        record = record_in(path) if path.is_file() else {}
        same = [one["cell"] for one in record.get("samplers", ())] == [line.cell for line in lines]
        return record if same else None


def main(scores: pd.DataFrame) -> pd.DataFrame:
    """The lines of the benchmark's main column; empty where the benchmark has no scorer here."""
    return scores[scores.column == standing(scores)]


def standing(scores: pd.DataFrame) -> str | None:
    """The main column of these lines' benchmark; None where the benchmark has no scorer here."""
    valued = known(scores)
    return main_column(valued.iloc[0].benchmark, valued.column) if len(valued) else None


def known(scores: pd.DataFrame) -> pd.DataFrame:
    """The lines of columns that are not N/A."""
    return scores[scores.value.notna()]


def whole(scores: pd.DataFrame) -> pd.DataFrame:
    """The lines of one group and place, if they are complete.

    LadrError names cells without a value that other cells have, and cells that have no value at all and no
    note that says why.
    """
    cells = list(dict.fromkeys(scores.cell))
    for column, lines in scores.groupby("column", sort=False):
        having = set(known(lines).cell)
        lacking = [cell for cell in cells if having and cell not in having]
        if lacking:
            raise LadrError(
                f"column {column!r} has no value for {', '.join(lacking)}; {_mend(lines, lacking)}"
            )
    silent = scores[scores.note.fillna("") == ""]
    if len(known(scores)) == 0 < len(silent):
        raise LadrError(f"no score at all for {', '.join(dict.fromkeys(silent.cell))}; run `snakemake`")
    return scores


def _mend(lines: pd.DataFrame, cells: list[str]) -> str:
    """What to do about cells without a value in a column: a note may say that a scorer is missing."""
    note = next((note for note in lines[lines.cell.isin(cells)].note.fillna("") if note), None)
    return f"{note}; score all of them, or none" if note else "run `snakemake`"


def shown(columns: Iterable[str]) -> list[str]:
    """The columns of the paper's table: without diagnostics and without columns of another convention."""
    return [c for c in dict.fromkeys(columns) if c not in (JUNK, DIVERSITY) and not c.endswith(")")]


def rows_of(scores: pd.DataFrame) -> pd.DataFrame:
    """One line per row of params.yaml."""
    return scores.drop_duplicates(["group", "name"])
