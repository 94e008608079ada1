"""The processes that share a run: a mistake that ends one of them is raised where they were started."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ladr.base.errors import FailedError, LadrError
from ladr.base.files import read_json, write_json
from ladr.training.settings import SHARDS

MISTAKE = "mistake.json"


def require_processes(count: int) -> None:
    """LadrError at more processes than there are shards to work on."""
    if not 1 <= count <= SHARDS:
        raise LadrError(f"processes: {count} is not allowed; 1 to {SHARDS}, as each step has {SHARDS} shards")


def spawn(work: Callable[..., None], processes: int, meeting: str, *arguments: Any) -> None:
    """Call `work` with (rank, meeting, *arguments) in so many processes, which meet in the folder `meeting`.

    A mistake of the user, or a file that fails, in one of them ends all, and is raised here.
    """
    try:
        torch.multiprocessing.spawn(_one, (work, meeting, *arguments), nprocs=processes)
    except torch.multiprocessing.ProcessRaisedException:
        path = Path(meeting) / MISTAKE
        if not path.exists():
            raise
        error = _error(read_json(path))
        raise error from error.__cause__


def _one(rank: int, work: Callable[..., None], meeting: str, *arguments: Any) -> None:
    try:
        work(rank, meeting, *arguments)
    except (LadrError, OSError) as error:
        system = error if isinstance(error, OSError) else error.__cause__
        parts = [system.errno, system.strerror, system.filename] if isinstance(system, OSError) else []
        text = None if isinstance(error, OSError) else str(error)
        write_json(
            Path(meeting) / MISTAKE, {"text": text, "system": parts, "failed": isinstance(error, FailedError)}
        )
        raise


def _error(mistake: dict[str, Any]) -> Exception:
    """The error that the file of a process describes."""
    system = OSError(*mistake["system"])
    if mistake["text"] is None:
        return system
    error = (FailedError if mistake["failed"] else LadrError)(mistake["text"])
    error.__cause__ = system
    return error
