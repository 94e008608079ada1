"""The scores of a cell on disk: scores.jsonl holds the judgements, score.json vouches for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.benchmarks import benchmark
from ladr.benchmarks.rows import Row, header, read_rows, write_rows
from ladr.benchmarks.submission import BenchmarkScores
from ladr.experiment.cell import Cell
from ladr.experiment.cells import record
from ladr.experiment.cells.provenance import provenance
from ladr.experiment.cells.record import CELL, SCORE, SCORES, SHEET, TOKENS, damage, described, done


def write_scores(cell: Cell, folder: Path, scores: BenchmarkScores) -> None:
    """Write the judgements, then score.json, which makes the scores exist. The contact sheet is there."""
    spec = cell.spec["benchmark"]
    head = {**header(cell.benchmark, cell.prompts, spec["images"]), "seed": spec["seed"]}
    write_rows(folder / SCORES, head, scores.rows)
    content = {
        "id": cell.id,
        "tokens": record.read(folder / CELL)["files"][TOKENS]["sha256"],
        **cell.benchmark.scorer(cell.official),
        **({"parts": scores.parts} if scores.parts else {}),
        "lines": scores.lines,
        "provenance": provenance(),
        "files": described(folder, [SCORES, SHEET]),
    }
    record.write(folder / SCORE, content)


def scored(folder: Path, cell: Cell | None = None) -> bool:
    """Are there whole scores of the tokens that are there now, by the scorer of this version?

    With the `cell`, also: by what params.yaml now says under `official`, where its benchmark is scored by
    that.
    """
    if not done(folder / SCORE) or not done(folder / CELL):
        return False
    score, decoded = record.read(folder / SCORE), record.read(folder / CELL)
    own = benchmark(decoded["spec"]["benchmark"]["name"]).scorer(None if cell is None else cell.official)
    same = all(score.get(key) == value for key, value in own.items())
    return same and score.get("tokens") == decoded["files"][TOKENS]["sha256"]


def read_scores(folder: Path) -> tuple[Mapping[str, object], tuple[Row, ...]]:
    """The header and the judgements of a scored cell."""
    if not scored(folder) or damage(folder / SCORE):
        raise LadrError(
            f"{folder / SCORE}: no scores, by this version of ladr, of the tokens that are there; "
            f"run `ladr score {folder.name}`"
        )
    return read_rows(folder / SCORES)


def substance(score: Mapping[str, Any]) -> str:
    """A digest of what a score says, without when and where it was made."""
    return record.digest_of({key: score.get(key) for key in ("tokens", "lines", "files")})
