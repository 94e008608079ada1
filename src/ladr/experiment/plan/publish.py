"""From figures/latest, which every run redraws, to figures/published, which git keeps."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.base.files import appearing, sha256
from ladr.experiment.cells import record as records
from ladr.experiment.cells.record import CELL, RESULTS, damage
from ladr.experiment.plan.records import (
    FIGURES,
    PAPER,
    PUBLICATION,
    PUBLISHED,
    RECORDS,
    drawn,
    outdated,
    record,
)

INDEX = "README.md"
Index = Callable[[Path, Iterable[Path]], Path]


def publish(
    results: Path = RESULTS,
    smaller: bool = False,
    latest: Path = FIGURES,
    published: Path = PUBLISHED,
    *,
    only: Sequence[str] = (),
    index: Index | None = None,
) -> dict[str, int]:
    """Copy the figures of a finished run, and remove what was published before and is not drawn any more.

    only: folders of figures, such as backbones, or gallery.html; all others stay as they are, and `index`
    writes the index of what is then there. Only files that published.json names and that are still what was
    published are removed. A LadrError, and nothing is copied, where a figure is damaged or missing, or where
    what is published shows more images (unless `smaller`). Returns how many files were written and removed.
    """
    sources = _whole(results, latest)
    place = published / PUBLICATION
    before = records.read(place) if place.is_file() else {}
    shown, kept = images(results), []
    if only:
        sources = _chosen(sources, latest, only)
        kept = _others(before, published, only)
        shown = {**before.get("images", {}), **{at: n for at, n in shown.items() if at.split("/")[0] in only}}
    if not smaller:
        _refuse_smaller(shown, before.get("images", {}))
    copies = [published / path.relative_to(latest) for path in sources]
    for path, copy in zip(sources, copies, strict=True):
        with appearing(copy) as half:
            shutil.copyfile(path, half)
    if only and index:
        copies.append(index(published, [*copies, *kept]))
    old = [name for name in before.get("files", {}) if (published / name).is_file()]
    there = [*copies, *kept]
    folders = sorted({path.parent.name for path in there if path.parent != published})
    record(place, folders, there, published)
    records.write(place, {"images": shown, **records.read(place)})
    return {"written": len(copies), "removed": sum(not (published / name).is_file() for name in old)}


def _chosen(sources: Sequence[Path], latest: Path, only: Sequence[str]) -> list[Path]:
    """The files of these folders, or these files."""
    choices = sorted({_choice(path, latest) for path in sources} - {INDEX})
    for name in only:
        if name not in choices:
            raise LadrError(f"--only {name}: {latest} has no such folder or file{nearest(name, choices)}")
    return [path for path in sources if _choice(path, latest) in only]


def _choice(path: Path, place: Path) -> str:
    """What `only` calls a file: the folder that it is in, or its own name where it is in none."""
    return path.name if path.parent == place else path.parent.name


def _others(before: Mapping[str, Any], published: Path, only: Sequence[str]) -> list[Path]:
    """What was published before and is not chosen, as it was published, but for the index."""
    files = {published / name: entry for name, entry in before.get("files", {}).items() if name != INDEX}
    others = {path: entry for path, entry in files.items() if _choice(path, published) not in only}
    for path, entry in others.items():
        if not path.is_file() or sha256(path) != entry["sha256"]:
            raise LadrError(f"{path}: is not what was published; `git checkout {published}` brings it back")
    return list(others)


def altered(published: Path = PUBLISHED) -> list[str]:
    """One line for each published file that is not what was published."""
    place = published / PUBLICATION
    return damage(place) if place.is_file() else []


def images(results: Path) -> dict[str, int]:
    """BACKBONE/BENCHMARK -> images per row of the sampler that has most."""
    shown: dict[str, int] = {}
    try:
        for line in records.placed(results / "grid.json")["lines"]:
            place = f"{line['backbone']}/{line['benchmark']}"
            count = records.placed(results / "cells" / line["cell"] / CELL)["images"]
            shown[place] = max(count, shown.get(place, 0))
    except LadrError as error:
        raise LadrError(f"{error}; see `ladr doctor`, then run `snakemake`") from None
    return shown


def _whole(results: Path, latest: Path) -> list[Path]:
    """The files of the last run, the index among them, if every one is there and is what was drawn."""
    if not (results / "figures.done").is_file():
        raise LadrError(
            f"{results / 'figures.done'}: not there, so figures are not all drawn; run `snakemake`"
        )
    faults = [line for path in sorted((results / RECORDS).glob("*.json")) for line in damage(path)]
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise LadrError(f"{faults[0]}{more}; `snakemake` draws it again")
    older = outdated(results)
    if older:
        raise LadrError(f"{older[0]}: its figures are not all of the table that is there; run `ladr figures`")
    drawings = [*drawn(latest, results), latest / INDEX]
    if not any(path.parent.name == PAPER for path in drawings) or not drawings[-1].is_file():
        raise LadrError(f"{latest}: has no {INDEX} or no {PAPER}/; run `snakemake`")
    return drawings


def _refuse_smaller(shown: Mapping[str, int], before: Mapping[str, int]) -> None:
    for place, count in _less(shown, before):
        raise LadrError(
            f"{PUBLISHED} shows {before[place]} images of {place}, this run {count}; "
            "`make full` first, or `ladr publish --smaller`"
        )


def _less(shown: Mapping[str, int], before: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    return ((place, shown.get(place, 0)) for place in before if shown.get(place, 0) < before[place])
