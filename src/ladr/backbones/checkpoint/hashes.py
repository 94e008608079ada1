"""The sha256 of a file; that of a large one is remembered."""

import hashlib
import json
from pathlib import Path

BIG = 64 << 20
CACHE = Path(".cache/weights.json")


def sha256(path: Path) -> str:
    """sha256 of the file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path) -> str:
    """sha256 of the file's content. From BIG bytes on it is remembered while size and time stay the same."""
    stat = path.stat()
    if stat.st_size < BIG:
        return sha256(path)
    key = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    known = json.loads(CACHE.read_text()) if CACHE.is_file() else {}
    if key not in known:
        known[key] = sha256(path)
        CACHE.parent.mkdir(exist_ok=True)
        part = CACHE.with_suffix(".part")
        part.write_text(json.dumps(known, indent=1))
        part.replace(CACHE)
    return known[key]
