"""Files that are there whole or not at all, and what a finished cell says about its own."""

import json
import os
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ladr.backbones.checkpoint.hashes import sha256
from ladr.base.errors import LadrError

RESULTS = Path("results")
CELL, SCORE = "cell.json", "score.json"
TOKENS, TRACE, SCORES = "tokens.safetensors", "trace.parquet", "scores.jsonl"


@contextmanager
def appearing(path: Path):
    """A path to write to; when the block ends well its content is at `path`, on the disk, in one step."""
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield half
        with open(half, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(half, 0o644)
        os.replace(half, path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LadrError(f"{path}: cannot be written ({reason}); what is finished is kept") from error
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    with appearing(path) as half:
        half.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; LadrError if it is not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LadrError(f"{path}: cannot be read ({error})") from None
    if not isinstance(found, dict):
        raise LadrError(f"{path}: holds no object")
    return found


def described(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Bytes and sha256 of the files, as a record keeps them."""
    return {n: {"bytes": (folder / n).stat().st_size, "sha256": sha256(folder / n)} for n in names}


def damage(record: Path, thorough: bool = True) -> list[str]:
    """What is wrong with the files that a record (cell.json, score.json) vouches for, one line each.

    Sizes always; contents too if `thorough`.
    """
    try:
        files = read_json(record)["files"].items()
    except (LadrError, KeyError, AttributeError) as error:
        return [str(error) if isinstance(error, LadrError) else f"{record}: names no files"]
    found = []
    for name, wanted in files:
        path = Path(os.path.normpath(record.parent / name))
        if not path.is_file():
            found.append(f"{path}: is missing")
        elif path.stat().st_size != wanted["bytes"]:
            found.append(f"{path}: {path.stat().st_size} bytes, {wanted['bytes']} were written")
        elif thorough and sha256(path) != wanted["sha256"]:
            found.append(f"{path}: its content has changed since it was written (sha256)")
    return found


def done(record: Path) -> bool:
    """Is there a whole record, and every file it names at its size?"""
    return record.is_file() and not damage(record, thorough=False)
