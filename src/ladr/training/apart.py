"""The processes that share a run: a mistake that ends one of them is raised where they were started."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ladr.base.errors import FailedError, LadrError
from ladr.base.files import read_json, write_json
from ladr.base.outside import said
from ladr.training.settings import SHARDS

MISTAKE = "mistake.json"


def require_processes(count: int) -> None:
    """LadrError at more processes than there are shards to work on."""
    if not 1 <= count <= SHARDS:
        raise LadrError(f"processes: {count} is not allowed; 1 to {SHARDS}, as each step has {SHARDS} shards")


def spawn(work: Callable[..., None], processes: int, meeting: str, *arguments: Any) -> None:
    """Call `work` with (rank, meeting, *arguments) in so many processes, which meet in the folder `meeting`.

    What ends one of them ends all, and is raised here: the first error that one has told, in one line.
    """
    try:
        torch.multiprocessing.spawn(_one, (work, meeting, *arguments), nprocs=processes)
    except torch.multiprocessing.ProcessExitedException as killed:
        raise FailedError(f"{killed}, perhaps as memory was short; call again to go on") from None
    except torch.multiprocessing.ProcessRaisedException as raised:
        path = Path(meeting) / MISTAKE
        if not path.exists():
            raise
        error = _error(read_json(path))
        raise error from error.__cause__ or raised


def _one(rank: int, work: Callable[..., None], meeting: str, *arguments: Any) -> None:
    try:
        work(rank, meeting, *arguments)
    except Exception as error:
        if not (Path(meeting) / MISTAKE).exists():
            write_json(Path(meeting) / MISTAKE, _described(error, rank))
        raise


def _described(error: Exception, rank: int) -> dict[str, Any]:
    """An error as JSON values: its line, whether it is a failure, and what the system said."""
    system = error if isinstance(error, OSError) else error.__cause__
    known = isinstance(error, LadrError)
    return {
        "text": str(error) if known else f"process {rank}: {said(error)}",
        "failed": not known or isinstance(error, FailedError),
        "of system": isinstance(error, OSError),
        "system": [system.errno, system.strerror, system.filename] if isinstance(system, OSError) else [],
    }


def _error(mistake: dict[str, Any]) -> Exception:
    """The error that the file of a process describes."""
    system = OSError(*mistake["system"]) if mistake["system"] else None
    if system is not None and mistake["of system"]:
        return system
    error = (FailedError if mistake["failed"] else LadrError)(mistake["text"])
    error.__cause__ = system
    return error
