"""The table of a grid: every judgement, every score with its interval, every difference to the baseline."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.removal import remove
from ladr.benchmarks.column import main_column
from ladr.benchmarks.compare import compare, tidy, write_table
from ladr.benchmarks.official.named import renamed
from ladr.benchmarks.rows import Row
from ladr.benchmarks.summary import OVERALL, samples
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells import parts, record
from ladr.experiment.cells.ceiling import ceiling_file, read_ceiling
from ladr.experiment.cells.decode import folder_of
from ladr.experiment.cells.record import BESIDE, CELL, RESULTS, SCORE, described, done
from ladr.experiment.cells.rows import read_scores, substance

TABLE, LINES, CSV, QUALITY, METRICS, MAIN = BESIDE
DIFFERENCES = ("difference", "difference_low", "difference_high", "p")
PLACE = ["group", "name", "label", "backbone", "benchmark", "cell"]


def write(
    grid: Grid,
    baseline: str,
    out: Path = RESULTS,
    results: Path = RESULTS,
    *,
    note: Callable[[], None] | None = None,
) -> pd.DataFrame:
    """Write the table; table.json, which vouches for its files, last.

    table.parquet: every judgement; scores.parquet and .csv: one line per row of params.yaml and column;
    quality.csv: the main score against passes; metrics.json. A cell that is missing or lacks an image is an
    error, as are files of others in `out` by these names. note: called when nothing can be missing any more,
    before the first file is written.
    """
    require_own(out)
    rows, lines = _worked_out(grid, baseline, results)
    if note is not None:
        note()
    _write_files(grid, rows, lines, out)
    scores = {i: substance(record.read(folder_of(i, results) / SCORE)) for i in grid.cells}
    content = {"baseline": baseline, "scores": scores, "files": described(out, list(BESIDE))}
    record.write(out / record.TABLE, content)
    for cell in grid.cells:
        remove([folder_of(cell, results) / parts.FOLDER], results)
    return lines


def require_own(folder: Path) -> None:
    """LadrError where a file in the folder has a name of the table's and nothing shows that it is ours.

    A table.json, a grid.json or cells of ours in the folder show it.
    """
    ours = [name for name in (record.TABLE, "grid.json") if (folder / name).is_file()]
    others = [name for name in ours if record.of_others(folder / name)]
    if not ours and not (folder / "cells").is_dir():
        others = [name for name in BESIDE if os.path.lexists(folder / name)]
    if others:
        raise LadrError(f"{folder / others[0]}: is somebody's own, and no table of ours; name another folder")


def write_files(grid: Grid, baseline: str, out: Path, results: Path = RESULTS) -> pd.DataFrame:
    """The files of the table, without the record that vouches for them."""
    rows, lines = _worked_out(grid, baseline, results)
    _write_files(grid, rows, lines, out)
    return lines


def _worked_out(grid: Grid, baseline: str, results: Path) -> tuple[dict[str, tuple[Row, ...]], pd.DataFrame]:
    """The judgements of each cell, and the lines of the table."""
    rows = dict(_rows(grid, results))
    lines = pd.DataFrame(_lines(grid, rows, baseline, results))
    lines["n"] = lines["n"].astype("Int64")
    return rows, lines


def _write_files(grid: Grid, rows: Mapping[str, tuple[Row, ...]], lines: pd.DataFrame, out: Path) -> None:
    for name, table in {TABLE: tidy(rows), LINES: lines, CSV: lines, QUALITY: quality(lines)}.items():
        write_table(table, out / name)
    files.write_json(out / METRICS, metrics(lines))
    files.write_json(out / MAIN, main_numbers(grid, lines))


def _rows(grid: Grid, results: Path) -> Iterator[tuple[str, tuple[Row, ...]]]:
    for cell in grid.cells.values():
        folder = folder_of(cell.id, results)
        if not done(folder / CELL):
            raise LadrError(f"cell {cell.id}: not decoded; run `ladr run {cell.id}`")
        rows = read_scores(folder)[1]
        cell.benchmark.require_complete(cell.id, rows, cell.prompts, cell.spec["benchmark"]["images"])
        yield cell.id, rows


def _lines(grid: Grid, rows: Mapping[str, tuple[Row, ...]], baseline: str, results: Path) -> Iterator[dict]:
    records = {i: record.read(folder_of(i, results) / CELL) for i in grid.cells}
    scores = {i: record.read(folder_of(i, results) / SCORE) for i in grid.cells}
    compared: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for line in grid.lines:
        cell = grid.cells[line.cell]
        base = _baseline(grid, line, baseline)
        if base is not None and (cell.id, base) not in compared:
            compared[cell.id, base] = _compared(cell, rows, base)
        place = {key: getattr(line, key) for key in PLACE}
        about = {**place, "point": json.dumps(dict(line.point)), **records[cell.id]["summary"]}
        best = _ceiling(cell, results)
        for score in cell.benchmark.lines(rows[cell.id], scores[cell.id]["lines"]):
            column = score["column"]
            yield {
                **about, **score,
                "ceiling": best.get(column),
                "baseline": base,
                **dict.fromkeys(DIFFERENCES),
                **compared.get((cell.id, base), {}).get(column, {}),
            }  # fmt: skip


def _baseline(grid: Grid, line: Any, name: str) -> str | None:
    """The baseline's cell with the same backbone, benchmark and prompts as this line's cell."""
    key = grid.cells[line.cell].key
    for other in grid.lines:
        if (other.group, other.name) == ("samplers", name) and grid.cells[other.cell].key == key:
            return other.cell
    return None


def _compared(cell: Cell, rows: Mapping[str, tuple[Row, ...]], base: str) -> dict[str, dict[str, Any]]:
    """Column -> DIFFERENCES to the baseline. Exactly zero for the baseline itself."""
    ours, theirs = comparable(rows[cell.id], rows[base])
    suite = renamed(cell.benchmark, ours)
    differences = compare(suite, ours, theirs).to_dict("records")
    names = {"difference": "difference", "low": "difference_low", "high": "difference_high", "mcnemar_p": "p"}
    same = {"low": 0.0, "high": 0.0} if cell.id == base else {}
    return {line["column"]: {new: (line | same)[old] for old, new in names.items()} for line in differences}


def comparable(ours: Sequence[Row], theirs: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The judgements in columns that both have. Where one lacks a scorer, there is nothing to compare."""
    both = {row.column for row in ours} & {row.column for row in theirs}
    return [r for r in ours if r.column in both], [r for r in theirs if r.column in both]


def _ceiling(cell: Cell, results: Path) -> dict[str, float]:
    path = ceiling_file(cell, results)
    if path is None or not path.exists():
        return {}
    suite = cell.benchmark
    sums = samples(read_ceiling(path))
    best = {c: 100 * sum(s for s, _ in f.values()) / sum(n for _, n in f.values()) for c, f in sums.items()}
    if suite.overall and set(suite.overall) <= best.keys():
        best[OVERALL] = sum(best[c] for c in suite.overall) / len(suite.overall)
    return best


def quality(lines: pd.DataFrame) -> pd.DataFrame:
    """One line per row of params.yaml: passes and the score that stands for the benchmark."""
    named = _main(lines).rename(columns={"value": "score", "label": "sampler"})
    columns = ["backbone", "benchmark", "group", "name", "sampler", "passes", "score", "low", "high"]
    return named[columns].reset_index(drop=True)


def metrics(lines: pd.DataFrame) -> dict[str, Any]:
    """Backbone -> benchmark -> sampler -> score and passes."""
    out: dict[str, Any] = {}
    for row in _main(lines[lines.group == "samplers"]).itertuples():
        measured = {"score": round(float(row.value), 4), "passes": round(float(row.passes), 4)}
        out.setdefault(row.backbone, {}).setdefault(row.benchmark, {})[row.name] = measured
    return out


def main_numbers(grid: Grid, lines: pd.DataFrame) -> dict[str, float]:
    """What `dvc metrics show` and `dvc exp show` print: few numbers, so that they fit a terminal.

    Of the first sampler with phases (LADR), or else the first sampler, on the first benchmark of each
    backbone: `passes` of the first backbone, and the main score by the name of the backbone.
    """
    out: dict[str, float] = {}
    rows = _main(lines[lines.group == "samplers"])
    for backbone, own in rows.groupby("backbone", sort=False):
        first = own[own.benchmark == own.iloc[0].benchmark]
        phased = [bool(grid.cells[cell].spec["sampler"]["policy"].get("phases")) for cell in first.cell]
        row = first[phased].iloc[0] if any(phased) else first.iloc[0]
        out.setdefault("passes", round(float(row.passes), 2))
        out[str(backbone)] = round(float(row.value), 2)
    return out


def _main(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with a value in the column that stands for their backbone's benchmark."""
    known = lines[lines.value.notna()]
    place = ["backbone", "benchmark"]
    chosen = {at: main_column(at[1], own.column) for at, own in known.groupby(place)}
    columns = [chosen[at] for at in known[place].itertuples(index=False, name=None)]
    return known[known.column == columns]
