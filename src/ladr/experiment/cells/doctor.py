"""Check that all files are still what was written, and remove those that are not."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.removal import is_inside, remove
from ladr.experiment.cells import locks
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, SCORES, TOKENS, TRACE, damage

RUNNING = ".locks/snakemake.lock"
STALE = Path(".snakemake/locks")
RECORD, ILLUSTRATIONS = "table.json", "pictures"
CELL_NAME = re.compile(r".+-[0-9a-f]{8}")
OWN_NAME = re.compile(
    r"(cell|score)\.json|tokens\.safetensors|trace\.parquet|scores\.jsonl|samples\.png"
    r"|parts|images(\.manifest\.json)?|[a-z0-9-]+\.answers\.jsonl|\.?official(\.new|\.before)?|\..+\.part"
)
BESIDE = ("table.parquet", "scores.parquet", "scores.csv", "quality.csv", "metrics.json")


@dataclass(frozen=True)
class Damage:
    """A damaged file, why, and the files to remove so that the next run makes them anew."""

    message: str
    remove: tuple[Path, ...]


def examine(results: Path = RESULTS) -> Iterator[Damage]:
    """Every checksum below results/ that does not hold."""
    for folder in sorted(p for p in (results / "cells").glob("*") if p.is_dir()):
        yield from _cell(folder)
    for record in sorted((*results.glob("pictures/*.json"), *results.glob("**/figures/*.json"))):
        yield from (Damage(message, (record,)) for message in damage(record))
    for record in sorted(results.glob(f"**/{RECORD}")):
        beside = tuple(record.parent / name for name in BESIDE)
        for message in damage(record):
            yield Damage(message, (record, *beside))


def _cell(folder: Path) -> Iterator[Damage]:
    scores = (folder / SCORE, folder / SCORES, folder / "samples.png")
    if (folder / CELL).is_file():
        for message in damage(folder / CELL):
            yield Damage(message, (folder / CELL, folder / TOKENS, folder / TRACE, *scores))
    if (folder / SCORE).is_file():
        for message in damage(folder / SCORE):
            yield Damage(message, scores)
        yield from _other_tokens(folder, scores)
    for path in sorted((folder / "parts").glob("*.safetensors")):
        from ladr.experiment.cells import parts

        if parts.read(path) is None:
            yield Damage(f"{path}: a damaged part", (path,))


def _other_tokens(folder: Path, scores: tuple[Path, ...]) -> Iterator[Damage]:
    try:
        judged = files.read_json(folder / SCORE)["tokens"]
        there = files.read_json(folder / CELL)["files"][TOKENS]["sha256"]
    except (LadrError, KeyError):
        return
    if judged != there:
        yield Damage(f"{folder / SCORES}: scores of other tokens than {folder / TOKENS}", scores)


def mend(findings: Iterable[Damage], results: Path = RESULTS) -> int:
    """Remove what is damaged below results/; how many files went."""
    return len(remove({path for finding in findings for path in finding.remove}, results))


def claim(results: Path = RESULTS) -> None:
    """Claim this folder, so that no other process runs the workflow in it; LadrError while another does.

    The kernel drops the claim when the process ends. A lock of Snakemake's own that is still there was left
    by a killed process, and is removed.
    """
    if locks.take(results / RUNNING) is None:
        raise LadrError(
            f"process {locks.holder(results / RUNNING)} runs the workflow in this folder; "
            "wait until it is done, or stop it first"
        )
    remove(STALE.glob("*"), STALE)


def prune(cells: Iterable[str], files: Iterable[str] = (), results: Path = RESULTS) -> list[str]:
    """Remove all results but these cells, and these files in ceilings/, latency/ and pictures/.

    Only what this package writes goes: folders of cells that hold nothing else, ceilings and measurements by
    their endings, illustrations by their record. The names of what went.
    """
    kept_cells = set(cells)
    kept = {Path(file).name for file in files}
    gone = [place for place in (results / "cells").glob("*") if place.name not in kept_cells and _ours(place)]
    for name, ending in (("ceilings", "*.jsonl"), ("latency", "*.json")):
        gone += [place for place in (results / name).glob(ending) if place.name not in kept]
    if not any(place.name in kept for place in (results / ILLUSTRATIONS).glob("*")):
        gone += _illustrations(results / ILLUSTRATIONS)
    return sorted(place.name for place in remove(gone, results))


def _ours(folder: Path) -> bool:
    """Is this the folder of a cell, with nothing in it that this package did not write?"""
    own = CELL_NAME.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink()
    return bool(own) and all(OWN_NAME.fullmatch(entry.name) for entry in folder.iterdir())


def _illustrations(folder: Path) -> list[Path]:
    """The records of illustrations in the folder, and the folders that they name."""
    places = []
    for record in folder.glob("*.json"):
        try:
            names = [name for name in files.read_json(record)["figures"] if isinstance(name, str)]
        except (LadrError, KeyError, TypeError):
            continue
        places += [record, *(folder / name for name in names if is_inside(folder / name, folder))]
    return places
