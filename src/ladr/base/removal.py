"""The one way to remove something: only what lies inside a folder that the caller owns."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from ladr.base.errors import LadrError


def remove(paths: Iterable[Path], inside: Path) -> list[Path]:
    """Remove these files and folders, all of which must lie inside the folder `inside`.

    Returns those that existed.

    Links are looked through first: a path whose folder resolves to a place outside of `inside`, or `inside`
    itself, is a LadrError, and then nothing at all is removed. A path that is itself a link goes, and what it
    points to stays. What is not there is no error.
    """
    targets = list(paths)
    for path in targets:
        refuse_outside(path, inside)
    present = [path for path in targets if path.is_symlink() or path.exists()]
    for path in present:
        _remove(path)
    return present


def refuse_outside(path: Path, inside: Path) -> None:
    """Raise LadrError unless `path` is an entry somewhere below the folder `inside`."""
    if not is_inside(path, inside):
        raise LadrError(f"{path}: does not lie inside {inside}, so it is not removed; nothing was")


def is_inside(path: Path, inside: Path) -> bool:
    """Is `path` an entry below the folder `inside`, once the links in its folder are followed?"""
    if path.name in ("", ".", ".."):
        return False
    place = path.parent.resolve() / path.name
    root = inside.resolve()
    return place != root and place.is_relative_to(root)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise LadrError(f"{path}: cannot be removed ({error.strerror or error})") from None
