"""The one way to write a file, to hash it, and to read an object that must be whole."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from ladr.base.errors import LadrError
from ladr.base.removal import remove

BIG = 64 << 20  # from so many bytes on, the hash of a file is remembered
CACHE = Path(".cache/weights.json")


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A path to write to. When the block ends well, its content is at `path` in one step, and on the disk.

    When the block fails, `path` is as it was. A disk that refuses (full, read-only) is one LadrError.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield half
        replace(half, path)
    except Exception as error:
        if not isinstance(error, OSError) and not type(error).__module__.startswith("safetensors"):
            raise
        reason = getattr(error, "strerror", None) or error
        raise LadrError(f"{path}: cannot be written ({reason}); what is finished is kept") from error
    finally:
        with suppress(LadrError):
            remove([half], path.parent)


def replace(half: Path, path: Path) -> None:
    """Give a finished file its name in one step, and bring both to the disk. Others may read it."""
    _sync(half)
    if half.stat().st_nlink == 1:  # else it is a second name of another file, whose rights are not ours
        os.chmod(half, 0o644)
    os.replace(half, path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):  # a file system without fsync of a folder
            raise
    finally:
        os.close(handle)


def put_aside(path: Path, name: Path) -> None:
    """Give a file or folder of somebody else another name in its folder, where nothing may stand yet."""
    if name.exists() or name.is_symlink():
        raise LadrError(f"{name}: already there, so {path} keeps its name")
    os.rename(path, name)


def require_place(path: Path) -> None:
    """Raise where no file can stand: at a folder, below a file, under a name that is too long, or in a folder
    that takes none. Nothing is left behind, and a file that is there is as it was.

    For what is written after a long time.
    """
    if path.is_dir():
        raise LadrError(f"{path}: is a folder; name a file")
    with suppress(FileNotFoundError):
        path.lstat()
    require_folder(path.parent)


def require_folder(folder: Path) -> None:
    """Raise where no file can be written into the folder or, while it is not there, into the folder that it
    would be made in. Nothing is left behind.

    For what is written after a long time.
    """
    place = folder
    try:
        while not place.exists():
            place = place.parent
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise LadrError(
            f"{place}: no file can be written there ({error.strerror}); choose another folder"
        ) from None


def require_beginning(path: Path, beginning: str, kind: str) -> None:
    """LadrError where a text of this kind would be written over one that begins otherwise."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if text and not text.startswith(beginning):
        raise LadrError(f"{path}: is somebody's own text, and no {kind}; choose another folder")


def write_bytes(path: Path, content: bytes) -> None:
    with appearing(path) as half:
        half.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """The text as UTF-8, with its line ends as they are. Half of a character is written as its escape."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: Path, content: Mapping[str, Any], indent: int = 1) -> None:
    write_text(path, json.dumps(content, indent=indent) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; LadrError if there is no whole one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LadrError(f"{path}: cannot be read ({error})") from None
    except ValueError as error:
        raise LadrError(f"{path}: cannot be read (not valid JSON: {error})") from None
    if not isinstance(content, dict):
        raise LadrError(f"{path}: holds a {type(content).__name__}, not an object")
    return content


def sha256(path: Path) -> str:
    """The sha256 of the file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path) -> str:
    """The sha256 of the file's content. For a big file it is remembered by size and time of change."""
    stat = path.stat()
    if stat.st_size < BIG:
        return sha256(path)
    key = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    known: dict[str, Any] = {}
    with suppress(LadrError):
        known = read_json(CACHE)
    if key not in known:
        known[key] = sha256(path)
        write_json(CACHE, known)
    return known[key]
