"""Is everything that was written still what was written? And make room for what is not."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.experiment.cells import locks
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, SCORES, TOKENS, TRACE, damage

RUNNING = ".locks/snakemake.lock"
STALE = Path(".snakemake/locks")
RECORD = "table.json"
BESIDE = ("table.parquet", "scores.parquet", "scores.csv", "quality.csv", "metrics.json")


@dataclass(frozen=True)
class Finding:
    """A damaged file, why, and the files to remove so that the next run makes them anew."""

    message: str
    remove: tuple[Path, ...]


def examine(results: Path = RESULTS) -> Iterator[Finding]:
    """Every checksum below results/ that does not hold."""
    for folder in sorted(p for p in (results / "cells").glob("*") if p.is_dir()):
        yield from _cell(folder)
    for record in sorted((*results.glob("pictures/*.json"), *results.glob("**/figures/*.json"))):
        yield from (Finding(message, (record,)) for message in damage(record))
    for record in sorted(results.glob(f"**/{RECORD}")):
        beside = tuple(record.parent / name for name in BESIDE)
        for message in damage(record):
            yield Finding(message, (record, *beside))


def _cell(folder: Path) -> Iterator[Finding]:
    scores = (folder / SCORE, folder / SCORES, folder / "samples.png")
    if (folder / CELL).is_file():
        for message in damage(folder / CELL):
            yield Finding(message, (folder / CELL, folder / TOKENS, folder / TRACE, *scores))
    if (folder / SCORE).is_file():
        for message in damage(folder / SCORE):
            yield Finding(message, scores)
        yield from _other_tokens(folder, scores)
    for path in sorted((folder / "parts").glob("*.safetensors")):
        from ladr.experiment.cells import parts

        if parts.read(path) is None:
            yield Finding(f"{path}: a damaged part", (path,))


def _other_tokens(folder: Path, scores: tuple[Path, ...]) -> Iterator[Finding]:
    try:
        judged = files.read_json(folder / SCORE)["tokens"]
        there = files.read_json(folder / CELL)["files"][TOKENS]["sha256"]
    except (LadrError, KeyError):
        return
    if judged != there:
        yield Finding(f"{folder / SCORES}: scores of other tokens than {folder / TOKENS}", scores)


def mend(findings: Iterable[Finding]) -> int:
    """Remove what is damaged; how many files went."""
    gone = {path for finding in findings for path in finding.remove if path.exists()}
    for path in gone:
        path.unlink()
    return len(gone)


def claim(results: Path = RESULTS) -> None:
    """This process alone runs the workflow in this folder from now to its end; LadrError while another does.

    The kernel drops the claim with the process, so a lock of Snakemake's own that is still there then was
    left by one that was killed: it is removed.
    """
    if locks.take(results / RUNNING) is None:
        raise LadrError(
            f"process {locks.holder(results / RUNNING)} runs the workflow in this folder; "
            "wait until it is done, or stop it first"
        )
    for path in STALE.glob("*"):
        path.unlink()


def prune(cells: Iterable[str], files: Iterable[str] = (), results: Path = RESULTS) -> list[str]:
    """Leave these cells, in ceilings/ and latency/ these files, and pictures/ if its record is one of them.

    The names of what went.
    """
    wanted, kept = set(cells), {Path(file).name for file in files}
    gone = [p for p in (results / "cells").glob("*") if p.is_dir() and p.name not in wanted]
    for name in ("ceilings", "latency", "pictures"):
        (results / name).mkdir(parents=True, exist_ok=True)
        there = list((results / name).iterdir())
        whole = name == "pictures" and any(p.name in kept for p in there)
        gone += [p for p in there if p.name not in kept and not whole]
    for path in gone:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return sorted(path.name for path in gone)
