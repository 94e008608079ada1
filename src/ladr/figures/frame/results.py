"""results/ as figures read it: what the experiment asked for must be there, or an error names it."""

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ladr.benchmarks.intervals import Sample
from ladr.errors import LadrError

PLACE = ["group", "name", "backbone", "benchmark", "cell"]
NUMBERS = ["value", "low", "high", "floor", "ceiling", "difference", "difference_low", "difference_high"]
SAMPLERS = "samplers"
JUNK, DIVERSITY, OVERALL = "Junk area", "Diversity", "Overall"


class NotAskedError(LadrError):
    """The experiment does not ask for what the figure shows."""


class Results:
    """The results below `root`: the grid's lines, their scores, the cells' records and traces.

    A table made elsewhere (of a sweep) lies below the results whose cells it names: those are in the nearest
    folder that has some.
    """

    def __init__(self, root: Path):
        self.root = root
        folders = (root, *root.resolve().parents)
        self.store = next((f for f in folders if (f / "cells").is_dir()), root)
        self._samples: dict[tuple[str, str], dict[str, Sample]] = {}

    @cached_property
    def grid(self) -> pd.DataFrame:
        """One row per row of params.yaml, backbone and benchmark."""
        return pd.DataFrame(self._json(self.root / "grid.json")["lines"])

    @cached_property
    def scores(self) -> pd.DataFrame:
        """scores.parquet; every line of the grid is in it."""
        path = self.root / "scores.parquet"
        scores = self._parquet(path)
        for column in NUMBERS:
            scores[column] = pd.to_numeric(scores[column], errors="coerce").astype(float)
        known = set(scores[PLACE].itertuples(index=False, name=None))
        missing = [row for row in self.grid[PLACE].itertuples(index=False, name=None) if row not in known]
        if missing:
            cells = list(dict.fromkeys(f"{row[-1]} ({row[0]}/{row[1]})" for row in missing))
            raise LadrError(f"{path} lacks {len(cells)} cells: {', '.join(cells)}; run `snakemake`")
        return scores

    @cached_property
    def judgements(self) -> pd.DataFrame:
        """table.parquet: every judgement of every cell."""
        return self._parquet(self.root / "table.parquet")

    @cached_property
    def _judged(self) -> dict[tuple[str, str], pd.DataFrame]:
        table = self.judgements[["cell", "kind", "column", "prompt", "value"]]
        return dict(iter(table.groupby(["cell", "kind"], sort=False)))

    def judged(self, cell: str, kind: str) -> dict[str, Sample]:
        """Column -> what each prompt gave to it, in the order of the prompts' ids, of a cell's judgements of
        that kind."""
        if (cell, kind) not in self._samples:
            own = self._judged.get((cell, kind), self.judgements[:0])
            given = own.groupby(["column", "prompt"], sort=True).value.agg(["sum", "count"])
            self._samples[cell, kind] = {
                column: Sample(g["sum"].to_numpy(float), g["count"].to_numpy(float))
                for column, g in given.groupby(level="column", sort=False)
            }
        return self._samples[cell, kind]

    def places(self, group: str = SAMPLERS) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """(backbone, benchmark, the group's scores) wherever the experiment has the group."""
        asked = self.grid[self.grid.group == group]
        if asked.empty:
            raise NotAskedError(f"the experiment has no {group}")
        for backbone, benchmark in asked[["backbone", "benchmark"]].drop_duplicates().itertuples(index=False):
            yield backbone, benchmark, self.at(backbone, benchmark, group)

    def at(self, backbone: str, benchmark: str, group: str = SAMPLERS) -> pd.DataFrame:
        """The scores of a group in one place; empty if there is none."""
        s = self.scores
        return s[(s.backbone == backbone) & (s.benchmark == benchmark) & (s.group == group)]

    def record(self, cell: str) -> dict[str, Any]:
        """cell.json."""
        return self._json(self.store / "cells" / cell / "cell.json", f"cell {cell}: ")

    def trace(self, cell: str) -> pd.DataFrame:
        """One row per image and pass."""
        return self._parquet(self.store / "cells" / cell / "trace.parquet", f"cell {cell}: ")

    def latency(self, rows: pd.DataFrame) -> dict[str, Any] | None:
        """The measurement of these samplers, None if they were not timed on this benchmark."""
        cells = dict(zip(rows.name, rows.cell, strict=True))
        for path in sorted((self.store / "latency").glob("*.json")):
            record = self._json(path)
            if record["cells"] == cells:
                return record
        return None

    def theory(self) -> dict[str, Any]:
        """What `ladr theory --json` said."""
        return self._json(self.root / "theory.json", "`ladr theory --json > results/theory.json`: ")

    def pictures(self) -> Iterator[tuple[str, dict[str, Any], Path]]:
        """(backbone, what `ladr pictures` wrote about it, its folder)."""
        found = sorted((self.store / "pictures").glob("*/pictures.json"))
        if not found:
            raise NotAskedError(f"{self.store}/pictures is not there; `ladr pictures` makes it")
        for path in found:
            yield path.parent.name, self._json(path), path.parent

    def _json(self, path: Path, whose: str = "") -> Any:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise LadrError(f"{whose}{path}: cannot be read ({error}); run `snakemake`") from None

    def _parquet(self, path: Path, whose: str = "") -> pd.DataFrame:
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise LadrError(f"{whose}{path}: cannot be read ({error}); run `snakemake`") from None


def main(scores: pd.DataFrame) -> pd.DataFrame:
    """The column that stands for the benchmark: Overall, or the first one; every row has a value."""
    columns = list(dict.fromkeys(scores.column))
    return known(scores[scores.column == (OVERALL if OVERALL in columns else columns[0])])


def known(scores: pd.DataFrame) -> pd.DataFrame:
    """The lines of columns that are not N/A; LadrError names cells that lack what others have, or all."""
    given = scores.value.notna()
    for column, has in given.groupby(scores.column, sort=False):
        if has.any() and not has.all():
            lacking = ", ".join(dict.fromkeys(scores.loc[has.index[~has]].cell))
            raise LadrError(f"column {column!r} has no value for {lacking}; run `snakemake`")
    if not given.any():
        raise LadrError(f"no score at all for {', '.join(dict.fromkeys(scores.cell))}; run `snakemake`")
    return scores[given]


def shown(columns: Iterable[str]) -> list[str]:
    """The columns of the paper's table: not the diagnostics, nor what stands under another convention."""
    return [c for c in dict.fromkeys(columns) if c not in (JUNK, DIVERSITY) and not c.endswith(")")]


def rows_of(scores: pd.DataFrame) -> pd.DataFrame:
    """One line per row of params.yaml."""
    return scores.drop_duplicates(["group", "name"])
