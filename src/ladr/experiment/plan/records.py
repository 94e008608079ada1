"""Records of figures and of illustrations. A record vouches for the files that it names."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.removal import is_inside, remove
from ladr.experiment.cells import record as records
from ladr.experiment.cells.record import RESULTS, done

RECORDS, ILLUSTRATIONS, FIGURES = "figures", "pictures", Path("figures/latest")
PUBLISHED, PUBLICATION = Path("figures/published"), "published.json"
TABLED = ("scores", "traces")  # records of figures that are drawn from the table
DRAWN = {"figures", "files"}  # keys of a record of illustrations; one of figures has more
FROM = {"table", "drawings"}
PAPER = "paper"  # the folder of figures that are the same for every experiment
VERSION = 6  # of what `ladr pictures` writes: raise it when that changes, and it is written anew


def record(
    path: Path,
    names: list[str],
    written: list[Path],
    out: Path,
    results: Path = RESULTS,
    drawings: Mapping[str, Any] | None = None,
) -> None:
    """Write to `path` what was drawn into the folder `out`, and remove what is not drawn any more.

    The record has the digest of the table in `results` that the figures were drawn from. drawings: figure ->
    what it was drawn from, for `drawings_of`.

    Only a file that this record named before, that lies inside `out`, that is still what was drawn and that
    no record beside this one names, is removed.
    """
    _leave(path, out, written)
    about = {**_drawn_from(path, results), "drawings": dict(drawings or {})}
    _write(path, names, _entries(path, written), about)


def _leave(path: Path, out: Path, written: Iterable[Path]) -> None:
    """Remove what the record vouches for in `out`, but for these files and those of the records beside it."""
    others = [other for other in path.parent.glob("*.json") if other != path]
    kept = {file.resolve() for file in written}
    kept |= {(path.parent / name).resolve() for other in others for name in _recorded(other)}
    remove([file for file in _vouched(path, out) if file.resolve() not in kept], out)


def _drawn_from(path: Path, results: Path) -> dict[str, str]:
    """The digest of the whole table that the figures of this record are drawn from."""
    table = results / records.TABLE
    return {"table": records.read(table)[records.DIGEST]} if path.stem in TABLED and done(table) else {}


def outdated(results: Path = RESULTS) -> list[Path]:
    """The records of figures that were drawn from another table than the one that is there now."""
    drawn = ((path, _drawn_from(path, results)) for path in sorted((results / RECORDS).glob("*.json")))
    return [
        path for path, now in drawn if now and records.read(path).get("table") not in (None, now["table"])
    ]


def renew(
    results: Path, out: Path, drawings: Mapping[str, Any], sources: Mapping[str, str] | None = None
) -> None:
    """Bring the records of the figures in `out` up to date with `drawings`, which were drawn just now.

    sources: figure -> the name of its record, where every figure was drawn: then each record has all of its
    source, and says which table they are from. A record that is not there, or of another folder, stays so.
    """
    for path in sorted((results / RECORDS).glob("*.json")):
        entries = _recorded(path)
        if entries and all(is_inside(path.parent / name, out) for name in entries):
            _renew(path, results, out, drawings, sources)


def _renew(
    path: Path, results: Path, out: Path, drawings: Mapping[str, Any], sources: Mapping[str, str] | None
) -> None:
    before = records.read(path)
    names = before["figures"]
    if sources is not None:
        asked = [name for name in drawings if sources.get(name) == path.stem]
        names = [*asked, *(name for name in names if name not in sources)]
    now = {name: drawings[name] for name in names if name in drawings}
    if not now:
        return
    still = [name for name in names if name not in now]
    past = before.get("drawings", {})
    gone = {
        os.path.relpath(out / file, path.parent)
        for name, one in past.items()
        for file in one["files"]
        if name not in still
    }
    kept = {name: entry for name, entry in before["files"].items() if still and name not in gone}
    written = [out / file for one in now.values() for file in one["files"]]
    _leave(path, out, [*written, *(path.parent / name for name in kept)])
    older = {"table": before["table"]} if "table" in before else {}
    table = older if sources is None or still else _drawn_from(path, results)
    known = {**past, **now}
    drawn = {name: known[name] for name in names if name in known}
    _write(path, names, {**kept, **_entries(path, written)}, {**table, "drawings": drawn})


def drawings_of(path: Path, out: Path) -> dict[str, dict[str, Any]]:
    """Figure -> what it was drawn from, of each figure whose files in `out` are still what was drawn."""
    whole = {file.resolve() for file in _vouched(path, out)}
    drawings = records.read(path).get("drawings", {}) if whole else {}
    return {
        name: one
        for name, one in drawings.items()
        if all((out / file).resolve() in whole for file in one["files"])
    }


def record_illustrations(path: Path, written: list[Path]) -> None:
    """Write to `path` that these are the illustrations now, and remove those of the records beside it.

    Only the records and what they name are removed, and only files inside the folder of `path` that are still
    what was written.
    """
    folder = path.parent
    folders = [one.parent for one in written]
    now = [file for illustration in folders for file in sorted(illustration.iterdir())]
    kept = {file.resolve() for file in now}
    others = [one for one in sorted(folder.glob("*.json")) if one != path and _of_illustrations(one)]
    gone = [file for other in others for file in _vouched(other, folder) if file.resolve() not in kept]
    remove([*gone, *others], folder)
    left = {file.parent for file in gone if file.parent != folder}
    remove([place for place in sorted(left) if place.is_dir() and not any(place.iterdir())], folder)
    _write(path, [one.name for one in folders], _entries(path, now))


def _of_illustrations(path: Path) -> bool:
    """Is this a whole record of illustrations, and of nothing else?"""
    return bool(_recorded(path)) and records.read(path).keys() == {*DRAWN, records.DIGEST}


def _entries(path: Path, written: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Bytes and sha256 of these files, by their names as seen from the folder of the record at `path`."""
    return {
        os.path.relpath(file, path.parent): {"bytes": file.stat().st_size, "sha256": files.sha256(file)}
        for file in written
    }


def _write(path: Path, names: list[str], entries: Mapping[str, Any], about: Mapping[str, Any] = {}) -> None:
    records.write(path, {"figures": names, **about, "files": entries})


def figure_files(results: Path = RESULTS) -> list[Path]:
    """The files that records of figures name, sorted by name."""
    recorded = {
        Path(os.path.normpath(path.parent / name))
        for path in (results / RECORDS).glob("*.json")
        for name in _recorded(path)
    }
    return sorted(file for file in recorded if file.is_file())


def retire(results: Path, sources: Iterable[str], out: Path) -> list[Path]:
    """Remove from `out` what the records of other sources than these vouch for alone, and these records.

    A source that this experiment does not draw from was drawn by another one. Returns the files that went.
    """
    folder, current = results / RECORDS, {f"{source}.json" for source in sources}
    old = [path for path in sorted(folder.glob("*.json")) if path.name not in current and _recorded(path)]
    kept = {(folder / name).resolve() for source in current for name in _recorded(folder / source)}
    gone = remove([f for path in old for f in _vouched(path, out) if f.resolve() not in kept], out)
    remove(old, folder)
    return gone


def drawn(out: Path, results: Path = RESULTS) -> list[Path]:
    """The files in `out` that the records name, and the tables about the paper alone, sorted by name."""
    own = [path for path in figure_files(results) if is_inside(path, out)]
    return sorted({*own, *(path for path in (out / PAPER).glob("*") if path.is_file())})


def strangers(folder: Path, own: Iterable[Path]) -> list[Path]:
    """Figures, tables and pages in a folder that are none of `own`: they belong to another experiment."""
    mine = {path.resolve() for path in own}
    there = [path for path in sorted(folder.rglob("*")) if path.suffix in (".svg", ".csv", ".html")]
    with_caption = [p for p in there if p.suffix == ".html" or p.with_suffix(".md").is_file()]
    return [p for p in with_caption if p.resolve() not in mine and p.parent.name != PAPER]


def _recorded(path: Path) -> dict[str, str]:
    """File name, relative to the record's folder -> sha256, as the record says; empty for no whole record."""
    try:
        entries = records.read(path)["files"] if path.is_file() else {}
        return {name: entry["sha256"] for name, entry in entries.items() if isinstance(entry["sha256"], str)}
    except (LadrError, AttributeError, KeyError, TypeError):
        return {}


def _vouched(path: Path, owned: Path) -> list[Path]:
    """The files that the record names, where they lie inside `owned` and are still what the record says."""
    named = {Path(os.path.normpath(path.parent / name)): digest for name, digest in _recorded(path).items()}
    return [
        file
        for file, digest in named.items()
        if is_inside(file, owned) and file.is_file() and files.sha256(file) == digest
    ]


def captions(folder: Path) -> dict[str, str]:
    """Place below the folder -> title and caption of each figure there, as reStructuredText."""
    out = {}
    for path in sorted(folder.rglob("*.md")):
        blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
        paragraphs = [b for b in blocks[1:] if not b.startswith(("#", "|", "!["))]
        title, text = blocks[0].lstrip("# "), paragraphs[-1] if paragraphs else ""
        out[path.relative_to(folder).with_suffix("").as_posix()] = (
            f"**{plain(title)}**\n\n{plain(' '.join(text.split()))}"
        )
    return out


def plain(text: str) -> str:
    """Text in which no character is markup."""
    return "".join(f"\\{c}" if c in "*_`|\\<>" else c for c in text)
