"""What is wrong below results/: each damaged file by name, and what to remove so that it is made again."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING

from ladr.base import locks
from ladr.experiment.cells import ceiling, record, store
from ladr.experiment.cells.record import BESIDE, CELL, RESULTS, SCORE, SCORES, SHEET, TOKENS, TRACE, damage

if TYPE_CHECKING:
    from ladr.experiment.cells.agreement import Agreement

ILLUSTRATIONS = "pictures"
FOLDERS = ("cells", "ceilings", "latency", "figures", ILLUSTRATIONS, store.ARTIFACTS, ".locks")
CELL_NAME = re.compile(r".+-[0-9a-f]{8}")
DRAWN = tuple(f"{source}.json" for source in ("scores", "traces", "pictures", "theory"))
CRATE = "ro-crate-metadata.json"
HALF = re.compile(r"\..+\.(\d+)\.part(-journal)?")


@dataclass(frozen=True)
class Damage:
    """A damaged file, why, and the files to remove so that the next run makes them anew."""

    message: str
    remove: tuple[Path, ...]


def examine(results: Path = RESULTS, thorough: bool = False) -> Iterator[Damage]:
    """Everything below results/ that is not what was written. A cell that a process works on is left out.

    With `thorough`, what is vouched for is worked out again too: all scores from tokens, and the table.
    """
    from ladr.experiment.cells.agreement import Agreement

    agreement = Agreement(results, thorough)
    yield from _folders(results)
    for folder in sorted((results / "cells").glob("*")):
        if CELL_NAME.fullmatch(folder.name) and not at_work(folder):
            yield from _cell(folder, agreement)
    for path in sorted((results / "ceilings").glob("*.jsonl")):
        if CELL_NAME.fullmatch(path.stem) and (fault := ceiling.fault(path)):
            yield Damage(fault, (path,))
    named = [path for path in (results / "latency").glob("*.json") if CELL_NAME.fullmatch(path.stem)]
    shown = [p for p in (results / ILLUSTRATIONS).glob("*.json") if re.fullmatch("[0-9a-f]{8}", p.stem)]
    ours = [path for path in (*sorted(named), *sorted(shown)) if not record.of_others(path)]
    yield from _records(ours)
    yield from _other_seconds(path for path in ours if path in named)
    written = (path for path in results.glob(f"**/{record.TABLE}") if not record.of_others(path))
    tables = (path.parent for path in written if not _packed(path))
    for folder in sorted({results, *tables}):
        yield from _table(folder, agreement)
    yield from (Damage(fault, gone) for fault, gone in store.faults(results))
    yield from _halves(results)


def _packed(path: Path) -> bool:
    """Does the file lie in a crate? It holds a part of what a table vouches for."""
    return any((place / CRATE).is_file() for place in path.parents)


def at_work(folder: Path) -> bool:
    """Does a process work on the cell of this folder now, or on some of its images?"""
    return any(
        map(locks.taken, locks.lock_of(folder.parents[1], folder.name).parent.glob(f"{folder.name}.*lock"))
    )


def _folders(results: Path) -> Iterator[Damage]:
    """A file in the place of a folder, and a folder in the place of a lock."""
    if os.path.lexists(results) and not results.is_dir():
        yield Damage(f"{results}: is {record.kind_of(results)}, where a folder is meant; move it away", ())
    for path in (results / name for name in FOLDERS):
        if os.path.lexists(path) and not path.is_dir():
            yield Damage(f"{path}: is a file, where a folder is meant", (path,))
    for path in sorted((results / ".locks").glob("*.lock")):
        if not path.is_file():
            yield Damage(f"{path}: is {record.kind_of(path)}, where a file is meant", (path,))


def _records(paths: Iterable[Path], *beside: Path) -> Iterator[Damage]:
    """What is wrong with these records, where they are there, and with the files that they name."""
    for path in paths:
        for message in damage(path) if os.path.lexists(path) else ():
            yield Damage(message, (path, *beside))


def _cell(folder: Path, agreement: "Agreement") -> Iterator[Damage]:
    if not folder.is_dir():
        yield Damage(f"{folder}: is a file, where a folder is meant", (folder,))
        return
    scores = tuple(folder / name for name in (SCORE, SCORES, SHEET))
    decoded = list(_records([folder / CELL], folder / TOKENS, folder / TRACE, *scores))
    if not decoded and (folder / CELL).exists():
        decoded = list(_other_numbers(folder, (folder / CELL, *scores)))
    yield from decoded
    judged = list(_records(*[[scores[0]]], *scores[1:]))
    if not judged and not decoded:
        judged = list(_other_tokens(folder, agreement, scores))
    yield from judged
    yield from _unvouched(folder / CELL, (TOKENS, TRACE))
    yield from _unvouched(folder / SCORE, (SCORES, SHEET))
    yield from _parts(folder)


def _unvouched(path: Path, names: Iterable[str]) -> Iterator[Damage]:
    """Where there is no record yet: what stands in the places of its files and is no file."""
    for place in () if os.path.lexists(path) else (path.parent / name for name in names):
        if os.path.lexists(place) and not place.is_file():
            yield Damage(f"{place}: is {record.kind_of(place)}, where a file is meant", (place,))


def _other_seconds(paths: Iterable[Path]) -> Iterator[Damage]:
    from ladr.experiment.cells import latency

    for path in paths:
        if not damage(path) and (fault := latency.fault(path)):
            yield Damage(fault, (path,))


def _parts(folder: Path) -> Iterator[Damage]:
    from ladr.experiment.cells import parts

    place = folder / parts.FOLDER
    if os.path.lexists(place) and not place.is_dir():
        yield Damage(f"{place}: is a file, where a folder is meant", (place,))
    for path in sorted(place.glob("*.safetensors")):
        part = parts.read(path)
        if part is None:
            yield Damage(f"{path}: a damaged part", (path,))
        elif not is_of(part.owner, folder.name):
            yield Damage(f"{path}: a part of cell {part.owner[0]}", (path,))


def is_of(owner: Sequence[str], cell: str) -> bool:
    """Are this the id of the cell and the hash of the spec that the id ends with?"""
    return owner[0] == cell and cell.endswith(f"-{owner[1][:8]}")


def _other_numbers(folder: Path, gone: tuple[Path, ...]) -> Iterator[Damage]:
    """Does the trace say what the record's summary says?"""
    content = record.read(folder / CELL)
    try:
        means = _means(folder / TRACE, content["images"])
        same = all(isclose(content["summary"][key], mean, rel_tol=1e-6) for key, mean in means.items())
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError):
        same = False
    if not same:
        yield Damage(f"{folder / CELL}: its summary is not that of {folder / TRACE}", gone)


def _means(trace: Path, images: int) -> dict[str, float]:
    """What a record's summary says of a trace."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = pq.read_table(trace, columns=["scheduled", "rescued", "cost", "seconds"])
    scheduled, rescued, cost, seconds = (pc.sum(column).as_py() for column in columns.columns)
    return {
        "passes": len(columns) / images,
        "equivalents": cost / images,
        "seconds": seconds / images,
        "rescued": rescued / (scheduled + rescued),
    }


def _other_tokens(folder: Path, agreement: "Agreement", scores: tuple[Path, ...]) -> Iterator[Damage]:
    if not (folder / SCORE).exists() or not (folder / CELL).exists():
        return
    judged = record.read(folder / SCORE)["tokens"]
    if judged != record.read(folder / CELL)["files"][TOKENS]["sha256"]:
        yield Damage(f"{folder / SCORES}: scores of other tokens than {folder / TOKENS}", scores)
    elif fault := agreement.fault_of_scores(folder):
        yield Damage(fault, scores)


def _table(folder: Path, agreement: "Agreement") -> Iterator[Damage]:
    """The table in this folder, the grid that it is about, and what was drawn from it."""
    own = tuple(folder / name for name in (record.TABLE, *BESIDE))
    yield from _records([folder / "figures" / name for name in DRAWN])
    yield from _records([own[0]], *own[1:])
    yield from _unvouched(own[0], BESIDE)
    if folder in agreement.tables and (fault := agreement.fault_of_table(folder)):
        yield Damage(fault, own)
    yield from _records(folder / name for name in ("grid.json", "tracked.json", ".began.json", "theory.json"))
    drawn = folder / "figures.done"
    if os.path.lexists(drawn) and not (drawn.is_file() and drawn.stat().st_size == 0):
        yield Damage(f"{drawn}: is no empty file", (drawn,))


def _halves(results: Path) -> Iterator[Damage]:
    """What processes that are no more were writing."""
    for path in sorted(results.rglob(".*.part*")):
        name = HALF.fullmatch(path.name)
        if name and not Path("/proc", name[1]).exists() and not _in_work(path, results):
            yield Damage(f"{path}: is half a file, which a process that ended has left", (path,))


def _in_work(path: Path, results: Path) -> bool:
    inside = path.relative_to(results).parts
    return inside[0] == "cells" and len(inside) > 2 and at_work(results / "cells" / inside[1])
