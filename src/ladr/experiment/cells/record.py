"""Records: what a finished thing says about itself and its files, sealed so that every change is seen.

A record is a JSON object with a digest of itself. `write` seals it, `read` gives it back only if it is byte
for byte what was written, `damage` also compares the files that it names, and its id and spec with its place.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.experiment.canonical import canonical

RESULTS = Path("results")
CELL, SCORE = "cell.json", "score.json"
TOKENS, TRACE, SCORES, SHEET = "tokens.safetensors", "trace.parquet", "scores.jsonl", "samples.png"
TABLE = "table.json"
BESIDE = ("table.parquet", "scores.parquet", "scores.csv", "quality.csv", "metrics.json", "main.json")
DIGEST = "digest"
LARGEST = 16 << 20  # bytes of a record
FILES = {CELL: {TOKENS, TRACE}, SCORE: {SCORES, SHEET}, TABLE: {*BESIDE}}  # what these records vouch for
# Name of a record, or of its folder -> its keys and the types of their values.
FORMS: dict[str, dict[str, type]] = {
    CELL: {"id": str, "spec": dict, "images": int, "summary": dict, "provenance": dict, "files": dict},
    SCORE: {"id": str, "tokens": str, "lines": list, "files": dict},
    TABLE: {"baseline": str, "scores": dict, "files": dict},
    "tracked.json": {"cells": list},
    "grid.json": {"cells": list, "lines": list},
    ".began.json": {"decoded": list, "scored": list},
    "latency": {"id": str, "rows": dict, "cells": dict, "seconds": dict},
    "figures": {"figures": list, "files": dict},
    "pictures": {"figures": list, "files": dict},
}


def described(folder: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """Bytes and sha256 of the files, as a record keeps them."""
    return {n: {"bytes": (folder / n).stat().st_size, "sha256": files.sha256(folder / n)} for n in names}


def digest_of(content: Mapping[str, Any]) -> str:
    """sha256 of the content without its own digest, in one form: keys sorted, no spaces."""
    plain = {key: value for key, value in content.items() if key != DIGEST}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed(content: Mapping[str, Any]) -> str:
    """The text of a record: the content and its digest."""
    plain = {key: value for key, value in content.items() if key != DIGEST}
    return json.dumps({**plain, DIGEST: digest_of(plain)}, indent=1) + "\n"


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the content as a sealed record."""
    files.write_text(path, sealed(content))


def read(path: Path) -> dict[str, Any]:
    """The record in this file, exactly as it was written; LadrError says what else is there."""
    text = text_of(path)
    try:
        content = json.loads(text)
        whole = isinstance(content, dict) and text == sealed(content)
    except (ValueError, RecursionError) as error:
        raise LadrError(f"{path}: cannot be read (not valid JSON: {str(error)[:100]})") from None
    if not isinstance(content, dict):
        raise LadrError(f"{path}: holds a {type(content).__name__}, not an object")
    if DIGEST not in content:
        raise LadrError(
            f"{path}: is not sealed; `ladr doctor --mend` removes it, and the next run makes it again"
        )
    if not whole:
        raise LadrError(f"{path}: its content has changed since it was written (digest)")
    return content


def placed(path: Path) -> dict[str, Any]:
    """The record in this file, if it has its form and is the one that belongs in this place.

    LadrError where it is the record of another cell, measurement or spec.
    """
    content = read(path)
    for fault in (*_misshapen(path, content),) or _misplaced(path, content):
        raise LadrError(fault)
    return content


def vouched(path: Path, content: Mapping[str, Any]) -> Path:
    """The path, if the file there has the size and sha256 that a record with this content says of it."""
    written = content.get("files", {}).get(path.name)
    if not _is_description(written):
        raise LadrError(f"{path}: no record vouches for it")
    for fault in _changed(path, written, thorough=True):
        raise LadrError(fault)
    return path


def require_own(path: Path, keys: Collection[str]) -> None:
    """LadrError where a record with these keys may not be written: over what is no record of its kind.

    What cannot be read as JSON may be what a dead process left of one.
    """
    files.require_place(path)
    if not os.path.lexists(path):
        return
    refusal = LadrError(f"{path}: holds something else than a record of this kind; name another file")
    if path.suffix != ".json":
        raise refusal
    try:
        content = json.loads(text_of(path))
    except (ValueError, RecursionError):
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise refusal from None
        return
    if not isinstance(content, dict) or not content.keys() <= {*keys, DIGEST}:
        raise refusal


def of_others(path: Path) -> bool:
    """Did somebody else write this file? It holds an object with none of the keys that a record here has."""
    try:
        content = json.loads(text_of(path))
    except (ValueError, RecursionError):
        return False
    known = {DIGEST, "files", *(FORMS.get(path.name) or FORMS.get(path.parent.name) or {})}
    return isinstance(content, dict) and bool(content) and not content.keys() & known


def text_of(path: Path) -> str:
    """The text of a regular file of a record's size; LadrError for anything else."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise LadrError(f"{path}: is {kind_of(path)}, where a file is meant")
        if status.st_size > LARGEST:
            raise LadrError(f"{path}: {status.st_size} bytes are too many for a record")
        return path.read_bytes().decode()
    except OSError as error:
        raise LadrError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeError:
        raise LadrError(f"{path}: cannot be read (not UTF-8 text)") from None


def kind_of(path: Path) -> str:
    """What stands in the place of a file or a folder, for a message."""
    try:
        there = path.exists()
    except OSError:  # a link that leads to itself
        there = False
    if path.is_dir() or path.is_file():
        return "a folder" if path.is_dir() else "a file"
    return "no regular file" if there else "a broken link"


def damage(record: Path, thorough: bool = True) -> list[str]:
    """Compare a record with its place, its form and the files that it names; one line for each difference.

    It compares the sizes of files, and their contents too if `thorough`.
    """
    try:
        content = read(record)
    except LadrError as error:
        return [str(error)]
    faults = [*_misshapen(record, content)] or [*_misplaced(record, content)]
    for name, written in () if faults else content.get("files", {}).items():
        faults += _changed(Path(os.path.normpath(record.parent / name)), written, thorough)
    return faults


def _misshapen(record: Path, content: Mapping[str, Any]) -> Iterator[str]:
    form = FORMS.get(record.name) or FORMS.get(record.parent.name) or {}
    for key, kind in form.items():
        if type(content.get(key)) is not kind:
            yield f"{record}: {key} is missing, or is no {kind.__name__}"
    named = content.get("files", {})
    if not isinstance(named, dict) or not all(_is_description(one) for one in named.values()):
        yield f"{record}: does not say bytes and sha256 of its files"
    elif record.name in FILES and set(named) != FILES[record.name]:
        yield f"{record}: vouches for {len(named)} files, not for {', '.join(sorted(FILES[record.name]))}"


def _is_description(one: Any) -> bool:
    return isinstance(one, dict) and type(one.get("bytes")) is int and isinstance(one.get("sha256"), str)


def _misplaced(record: Path, content: Mapping[str, Any]) -> Iterator[str]:
    """Is this the record of another cell or measurement, or of another spec?"""
    place = record.parent.name if record.name in (CELL, SCORE) else record.stem
    own = content.get("id", place)
    if own != place:
        yield f"{record}: is the record of {str(own)[:100]}"
    if record.name == CELL:
        spec = hashlib.sha256(canonical(content["spec"]).encode()).hexdigest()[:8]
        if not re.fullmatch(rf".+-{spec}", place):
            yield f"{record}: its spec has the hash {spec}, which its folder's name does not end with"


def _changed(path: Path, written: Mapping[str, Any], thorough: bool) -> list[str]:
    if not os.path.lexists(path):
        return [f"{path}: is missing"]
    if not path.is_file():
        return [f"{path}: is {kind_of(path)}, where a file is meant"]
    try:
        size = path.stat().st_size
        if size != written["bytes"]:
            return [f"{path}: {size} bytes, {written['bytes']} were written"]
        same = not thorough or files.sha256(path) == written["sha256"]
    except OSError as error:
        return [f"{path}: cannot be read ({error.strerror or error})"]
    return [] if same else [f"{path}: its content has changed since it was written (sha256)"]


def done(record: Path) -> bool:
    """Does a whole record exist, in its own place, and does every file that it names have its size?"""
    return record.is_file() and not damage(record, thorough=False)
