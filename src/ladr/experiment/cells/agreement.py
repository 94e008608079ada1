"""Do records that speak of the same thing say the same?

A record with other numbers whose digest was made to fit is whole by itself. But scores follow from tokens,
their means and intervals from judgements, and the table from all scores. What another record vouches for is
believed; the rest is worked out again, and with `thorough` everything is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ladr.base.errors import LadrError
from ladr.benchmarks import benchmark
from ladr.benchmarks.rows import Row, read_rows
from ladr.experiment.cell import Cell, Grid, Line, prompts_of
from ladr.experiment.cells import record
from ladr.experiment.cells.record import BESIDE, CELL, SCORE, SCORES, TABLE, TOKENS, damage
from ladr.experiment.cells.rows import scored, substance
from ladr.experiment.params import BackboneRow, Official

NEAR = 1e-5  # relative and absolute: what two machines may differ by
ROUNDED = 2e-4  # of numbers that were rounded to four digits


@dataclass(frozen=True)
class Agreement:
    """Of the results in a folder."""

    results: Path
    thorough: bool = False

    @cached_property
    def tables(self) -> dict[Path, dict[str, Any]]:
        """Folder -> its whole table.json."""
        places = {self.results / TABLE, *self.results.glob(f"**/{TABLE}")}
        return {
            path.parent: record.read(path) for path in sorted(places) if path.is_file() and not damage(path)
        }

    def fault_of_scores(self, folder: Path) -> str | None:
        """What is wrong with the scores of a cell, both whole; None if they are those of its tokens."""
        score = record.read(folder / SCORE)
        said = [
            table["scores"][folder.name] for table in self.tables.values() if folder.name in table["scores"]
        ]
        if not scored(folder) or (set(said) == {substance(score)} and not self.thorough):
            return None
        try:
            cell, rows = _cell(folder), read_rows(folder / SCORES)[1]
            lines = cell.benchmark.lines(rows, score["lines"])
        except (LadrError, KeyError, TypeError, ValueError, ArithmeticError):
            return f"{folder / SCORES}: holds no scores"
        if not alike(lines, score["lines"]):
            return f"{folder / SCORE}: its lines are not those of {folder / SCORES}"
        if (said or self.thorough) and not _are_of(rows, cell, folder):
            return f"{folder / SCORES}: are not the scores of {folder / TOKENS}"
        return None

    def fault_of_table(self, folder: Path) -> str | None:
        """What is wrong with a whole table; None if it is that of the scores, or older than they are."""
        path = folder / TABLE
        try:
            scores = {i: self.results / "cells" / i / SCORE for i in self.tables[folder]["scores"]}
            now = {i: substance(record.read(place)) for i, place in scores.items()}
            others = [i for i, digest in now.items() if digest != self.tables[folder]["scores"][i]]
            if others:
                after = max(scores[i].stat().st_mtime_ns for i in others) > path.stat().st_mtime_ns
                return None if after else f"{path}: is of other scores than those of {others[0]}"
            if self._is_drawn(folder) and not self.thorough:
                return None
            return None if self._is_worked_out(folder) else f"{path}: is not the table of the scores"
        except (LadrError, OSError):  # a cell is damaged or gone, which is named by itself
            return None

    def _is_drawn(self, folder: Path) -> bool:
        """Does a record of figures say that they were drawn from this table?"""
        digest = self.tables[folder][record.DIGEST]
        drawn = [path for path in (folder / "figures").glob("*.json") if path.is_file() and not damage(path)]
        return any(record.read(path).get("table") == digest for path in drawn)

    def _is_worked_out(self, folder: Path) -> bool:
        """Is the table what its cells and their scores give?"""
        from ladr.experiment.cells.table import write_files

        content = self.tables[folder]
        cells = {i: _cell(self.results / "cells" / i) for i in content["scores"]}
        with TemporaryDirectory() as place:
            try:
                write_files(Grid(cells, _lines(folder)), content["baseline"], Path(place), self.results)
            except (KeyError, TypeError, ValueError):
                return False
            return all(_same_file(Path(place, name), folder / name) for name in BESIDE)


def _cell(folder: Path) -> Cell:
    """The cell in this folder, without what only decoding needs; LadrError if its prompts are no more."""
    spec = record.read(folder / CELL)["spec"]
    own, prompts = spec["benchmark"], ()
    if not benchmark(own["name"]).official:
        prompts, digest = prompts_of(own["name"], own["size"], None)
        if digest != own["prompts"]:
            raise LadrError(f"cell {folder.name}: its prompts are those of another version")
    return Cell(folder.name, spec, (), "", BackboneRow(benchmarks={}), prompts, Official())


def _are_of(rows: Sequence[Row], cell: Cell, folder: Path) -> bool:
    """Are these the judgements of the cell's tokens? True where this cannot be told here."""
    from ladr.benchmarks.submission import Means
    from ladr.experiment.cells.score import origin_of, submission_of

    if cell.benchmark.official:
        return True
    try:
        asked = submission_of(cell, folder, Means(cell.official), origin_of(cell, folder))
        again = cell.benchmark.rows(asked)
    except (LadrError, OSError, ImportError):  # no weights
        return True
    return alike([asdict(row) for row in again], [asdict(row) for row in rows])


def _lines(folder: Path) -> tuple[Line, ...]:
    """The lines of a table: those of the grid beside it, or its own where the grid was changed after."""
    import pandas as pd

    grid, table = folder / "grid.json", folder / TABLE
    if grid.is_file() and not damage(grid) and grid.stat().st_mtime_ns <= table.stat().st_mtime_ns:
        return tuple(Line(**line) for line in record.read(grid)["lines"])
    names = list(Line.__dataclass_fields__)
    own = pd.read_parquet(folder / BESIDE[1], columns=names).drop_duplicates()
    return tuple(Line(**{**line, "point": json.loads(line["point"])}) for line in own.to_dict("records"))


def _same_file(ours: Path, theirs: Path) -> bool:
    import pandas as pd

    if ours.suffix == ".json":
        return alike(json.loads(ours.read_text()), json.loads(theirs.read_text()), ROUNDED)
    read = pd.read_parquet if ours.suffix == ".parquet" else pd.read_csv
    try:
        pd.testing.assert_frame_equal(read(ours), read(theirs), rtol=NEAR, atol=NEAR)
    except AssertionError:
        return False
    return True


def alike(one: Any, other: Any, near: float = NEAR) -> bool:
    """Are two values of JSON the same, but for the last digits of numbers?"""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(alike(one[key], other[key], near) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(lambda a, b: alike(a, b, near), one, other))
    if type(one) in (int, float) and type(other) in (int, float):
        return isclose(one, other, rel_tol=near, abs_tol=near) or (one != one and other != other)
    return type(one) is type(other) and one == other
