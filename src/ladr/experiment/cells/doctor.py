"""Remove what is damaged and what is no longer asked for, while no other process works on it."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ladr.base import locks
from ladr.base.aside import free_name
from ladr.base.errors import LadrError
from ladr.base.files import put_aside
from ladr.base.removal import is_inside, refuse_outside, remove
from ladr.experiment.cells import ceiling, record
from ladr.experiment.cells.findings import CELL_NAME, ILLUSTRATIONS, Damage, at_work, examine
from ladr.experiment.cells.record import RESULTS

__all__ = ["Damage", "claim", "examine", "mend", "prune"]

RUNNING = ".locks/snakemake.lock"
STALE = Path(".snakemake/locks")
OWN_PART = re.compile(r"(shard-)?\d+-\d+\.safetensors|\..+\.part")
OWN_NAME = re.compile(
    r"(cell|score)\.json|tokens\.safetensors|trace\.parquet|scores\.jsonl|samples\.png"
    r"|parts|images(\.manifest\.json)?|[a-z0-9-]+\.answers\.jsonl|\.?official(\.new|\.before)?|\..+\.part"
)


def mend(findings: Iterable[Damage], results: Path = RESULTS) -> int:
    """Remove what is damaged below results/; return how many files went.

    An empty folder in the place of a file goes too. One that holds something was made by somebody else: it
    is put aside under another name.
    """
    paths = {path for finding in findings for path in finding.remove}
    aside = [path for path in paths if path.suffix and path.is_dir() and any(path.iterdir())]
    for path in aside:
        refuse_outside(path, results)
        put_aside(path, free_name(path))
    return len(aside) + len(remove(paths, results))


def claim(results: Path = RESULTS) -> None:
    """Claim this folder, so that no other process runs the workflow in it; LadrError while another does.

    The kernel drops the claim when the process ends. A lock of Snakemake's own that is still there was left
    by a killed process, and is removed.
    """
    if locks.take(results / RUNNING) is None:
        raise LadrError(f"{running(results)}; wait until it is done, or stop it first")
    remove(STALE.glob("*"), STALE)


def running(results: Path = RESULTS) -> str | None:
    """Which other process runs the workflow in this folder; None if none does."""
    holder = locks.holder(results / RUNNING)
    busy = locks.taken(results / RUNNING)
    return f"process {holder} runs the workflow in this folder" if busy else None


def prune(cells: Iterable[str], files: Iterable[str] = (), results: Path = RESULTS) -> list[str]:
    """Remove all results but these cells, and these files in ceilings/, latency/ and pictures/.

    Only what this package wrote goes: folders of cells that hold nothing else, whole ceilings and records of
    measurements, illustrations by their record. A cell that a process works on stays. Return the names of
    what went.
    """
    kept_cells = set(cells)
    kept = {Path(file).name for file in files}
    others = [place for place in (results / "cells").glob("*") if place.name not in kept_cells]
    gone = [place for place in others if _ours(place) and not at_work(place)]
    made = [place for place in (results / "ceilings").glob("*.jsonl") if not ceiling.fault(place)]
    made += [place for place in (results / "latency").glob("*.json") if not record.damage(place)]
    gone += [place for place in made if place.name not in kept]
    if not any(place.name in kept for place in (results / ILLUSTRATIONS).glob("*")):
        gone += _illustrations(results / ILLUSTRATIONS)
    return sorted(place.name for place in remove(gone, results))


def _ours(folder: Path) -> bool:
    """Is this the folder of a cell, with nothing in it that this package did not write?"""
    own = CELL_NAME.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink()
    parts = (entry.name for entry in (folder / "parts").glob("*"))
    return (
        bool(own)
        and all(OWN_NAME.fullmatch(entry.name) for entry in folder.iterdir())
        and all(OWN_PART.fullmatch(name) for name in parts)
    )


def _illustrations(folder: Path) -> list[Path]:
    """The records of illustrations in the folder, the files that they name, and the folders that hold no
    others."""
    places: list[Path] = []
    for path in folder.glob("*.json"):
        try:
            content = record.placed(path)
        except LadrError:
            continue
        named = [Path(os.path.normpath(folder / name)) for name in content["files"]]
        named = [file for file in named if is_inside(file, folder)]
        emptied = {file.parent for file in named if is_inside(file.parent, folder)}
        whole = {place for place in emptied if place.is_dir() and {*place.iterdir()} <= {*named}}
        places += [path, *sorted(whole), *(file for file in named if file.parent not in whole)]
    return [*dict.fromkeys(places)]
