"""What has been drawn: records of figures and pictures, which vouch for their files."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.experiment.cells.record import RESULTS

RECORDS, PICTURES, FIGURES = "figures", "pictures", Path("figures")
AUDIT = "audit"  # of the paper: the same for every experiment
VERSION = 2  # of what `ladr pictures` writes: raise it when that changes, and it is written anew


def record(path: Path, names: list[str], written: list[Path]) -> None:
    """Write what was drawn to `path`, and remove what it drew before and does not any more, unless another
    record beside it does."""
    now = {os.path.relpath(file, path.parent): file for file in written}
    others = [other for other in path.parent.glob("*.json") if other != path]
    kept = {*now, *(name for other in others for name in _recorded(other))}
    for name in _recorded(path):
        if name not in kept:
            (path.parent / name).unlink(missing_ok=True)
    told = {name: {"bytes": f.stat().st_size, "sha256": files.sha256(f)} for name, f in now.items()}
    files.write_json(path, {"figures": names, "files": told})


def stamp(path: Path, written: list[Path]) -> None:
    """Write that the pictures of these records are those of `path`; others beside it go."""
    folders = [one.parent for one in written]
    for other in path.parent.iterdir():
        if other.is_dir() and other not in folders:
            shutil.rmtree(other)
        elif other.suffix == ".json":
            other.unlink()
    record(path, [folder.name for folder in folders], [f for g in folders for f in sorted(g.iterdir())])


def drawn(results: Path = RESULTS) -> list[Path]:
    """The files that the records name, by name."""
    found = {
        Path(os.path.normpath(path.parent / name))
        for path in (results / RECORDS).glob("*.json")
        for name in _recorded(path)
    }
    return sorted(file for file in found if file.is_file())


def strangers(folder: Path, own: Iterable[Path]) -> list[Path]:
    """Pictures, tables and pages in a folder of figures that are none of `own`: another experiment's."""
    mine = {path.resolve() for path in own}
    there = [path for path in sorted(folder.iterdir()) if path.suffix in (".svg", ".csv", ".html")]
    with_caption = [p for p in there if p.suffix == ".html" or p.with_suffix(".md").is_file()]
    return [p for p in with_caption if p.resolve() not in mine and p.stem != AUDIT]


def _recorded(path: Path) -> list[str]:
    try:
        return list(files.read_json(path)["files"]) if path.is_file() else []
    except (LadrError, KeyError):
        return []


def captions(folder: Path) -> dict[str, str]:
    """Name -> title and caption of each figure there, as reStructuredText."""
    out = {}
    for path in folder.glob("*.md"):
        blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
        told = [b for b in blocks[1:] if not b.startswith(("#", "|", "!["))]
        title, text = blocks[0].lstrip("# "), told[-1] if told else ""
        out[path.stem] = f"**{plain(title)}**\n\n{plain(' '.join(text.split()))}"
    return out


def plain(text: str) -> str:
    """Text in which no character is markup."""
    return "".join(f"\\{c}" if c in "*_`|\\<>" else c for c in text)
