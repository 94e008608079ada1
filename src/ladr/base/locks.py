"""Locks on files, so that one process works at a time. The kernel drops a lock when its holder ends."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ladr.base.errors import LadrError

LOOK = 0.05  # seconds after which who only looks at a lock has let go of it


def lock_of(folder: Path, name: str) -> Path:
    """The lock of what has that name in a folder: a cell in the results, a part of a training."""
    return folder / ".locks" / f"{name}.lock"


@contextmanager
def hold(
    path: Path, what: str, *, wait: bool = False, say: Callable[[str], None] = lambda text: None
) -> Iterator[None]:
    """Hold the lock file at `path`. While another process has it, raise LadrError, or wait if `wait`."""
    handle = take(path)
    if handle is None and not wait:
        raise LadrError(f"{what}: process {holder(path)} is at work on it; wait for it, or stop it first")
    if handle is None:
        say(f"{what}: waiting for process {holder(path)}")
        while (handle := take(path)) is None:
            time.sleep(0.5)
    try:
        yield
    finally:
        os.close(handle)


def take(path: Path) -> int | None:
    """The descriptor of the locked file; None if another process holds it. The lock ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except IsADirectoryError:
        raise LadrError(f"{path}: is a folder, where the file of a lock is meant; remove it") from None
    if not _locked(handle, fcntl.LOCK_EX) and not _locked(handle, fcntl.LOCK_EX, LOOK):
        os.close(handle)
        return None
    os.truncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return handle


def taken(path: Path) -> bool:
    """Does another process hold this lock? Nothing is changed."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    free = _locked(handle, fcntl.LOCK_SH)
    os.close(handle)
    return not free


def _locked(handle: int, kind: int, after: float = 0) -> bool:
    """Lock the file, shared or alone, unless another process has it; wait `after` seconds first."""
    time.sleep(after)
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def holder(path: Path) -> str:
    """The number of the process that wrote itself into the lock file last."""
    try:
        return path.read_text() or "unknown"
    except OSError:
        return "unknown"


def own_gpu(folder: Path, count: int) -> str | None:
    """Take one of this machine's `count` GPUs that no other job here has. This process then sees it alone.

    Return None and change nothing where there is no choice or none is free. Call it before CUDA is used.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(i) for i in range(count)]
    if len(names) < 2:
        return None
    for name in names:
        if take(folder / f"gpu-{os.uname().nodename}-{name}.lock") is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            return name
    return None
