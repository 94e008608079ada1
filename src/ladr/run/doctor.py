"""Is everything that was written still what was written? And make room for what is not."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ladr.errors import LadrError
from ladr.run import files, locks, parts
from ladr.run.files import CELL, RESULTS, SCORE, SCORES, TOKENS, TRACE

RUNNING = ".locks/snakemake.lock"
STALE = Path(".snakemake/locks")


@dataclass(frozen=True)
class Finding:
    """A damaged file, why, and the files to remove so that the next run makes them anew."""

    message: str
    remove: tuple[Path, ...]


def examine(results: Path = RESULTS) -> Iterator[Finding]:
    """Every checksum below results/ that does not hold."""
    for folder in sorted(p for p in (results / "cells").glob("*") if p.is_dir()):
        yield from _cell(folder)
    for record in sorted(results.glob("**/table.json")):
        beside = tuple(
            record.parent / n for n in ("table.parquet", "scores.parquet", "scores.csv", "metrics.json")
        )
        for message in files.damage(record):
            yield Finding(message, (record, *beside))


def _cell(folder: Path) -> Iterator[Finding]:
    scores = (folder / SCORE, folder / SCORES)
    if (folder / CELL).is_file():
        for message in files.damage(folder / CELL):
            yield Finding(message, (folder / CELL, folder / TOKENS, folder / TRACE, *scores))
    if (folder / SCORE).is_file():
        for message in files.damage(folder / SCORE):
            yield Finding(message, scores)
        yield from _other_tokens(folder, scores)
    for path in (folder / parts.FOLDER).glob("*.safetensors"):
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


def unlock(results: Path = RESULTS) -> bool:
    """Drop the lock of a Snakemake that was killed; LadrError while one is at work here."""
    handle = locks.take(results / RUNNING)
    if handle is None:
        raise LadrError(
            f"process {locks.holder(results / RUNNING)} runs the workflow in this folder; "
            "wait until it is done, or stop it first"
        )
    try:
        if not any(STALE.glob("*")):
            return False
        subprocess.run(
            [sys.executable, "-m", "snakemake", "--unlock", "--quiet", "all"], check=True, timeout=300
        )
        return True
    finally:
        import os

        os.close(handle)


def prune(keep: Iterable[str], results: Path = RESULTS) -> list[str]:
    """Remove the cells that are not among `keep`; their names."""
    wanted = set(keep)
    gone = sorted(p.name for p in (results / "cells").glob("*") if p.is_dir() and p.name not in wanted)
    for name in gone:
        shutil.rmtree(results / "cells" / name)
    return gone
