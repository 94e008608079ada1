"""Records: what a finished cell says about its own files, and whether that is still true."""

import os
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.base.files import read_json, sha256

RESULTS = Path("results")
CELL, SCORE = "cell.json", "score.json"
TOKENS, TRACE, SCORES = "tokens.safetensors", "trace.parquet", "scores.jsonl"


def described(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Bytes and sha256 of the files, as a record keeps them."""
    return {n: {"bytes": (folder / n).stat().st_size, "sha256": sha256(folder / n)} for n in names}


def damage(record: Path, thorough: bool = True) -> list[str]:
    """Compare the files of a record (cell.json, score.json) with what it says; one line for each difference.

    It compares sizes, and contents too if `thorough`.
    """
    try:
        files = read_json(record)["files"].items()
    except (LadrError, KeyError, AttributeError) as error:
        return [str(error) if isinstance(error, LadrError) else f"{record}: names no files"]
    faults = []
    for name, written in files:
        path = Path(os.path.normpath(record.parent / name))
        if not path.is_file():
            faults.append(f"{path}: is missing")
        elif path.stat().st_size != written["bytes"]:
            faults.append(f"{path}: {path.stat().st_size} bytes, {written['bytes']} were written")
        elif thorough and sha256(path) != written["sha256"]:
            faults.append(f"{path}: its content has changed since it was written (sha256)")
    return faults


def done(record: Path) -> bool:
    """Does a whole record exist, and does every file that it names have its size?"""
    return record.is_file() and not damage(record, thorough=False)
