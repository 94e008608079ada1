"""A clock that was set back: files from its future would make every job that reads them fail."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

STEP = 1000  # nanoseconds between the new times of two files


def brought_back(paths: Iterable[Path], now: int) -> int:
    """Give files whose time of change lies after `now` (nanoseconds) the present, in the order that they had.

    Returns how many there were. A file that may not be changed is left as it is.
    """
    times = {path: path.stat().st_mtime_ns for path in paths if path.is_file()}
    late = sorted({time for time in times.values() if time > now})
    new = {time: now - STEP * place for place, time in enumerate(reversed(late))}
    for path, time in times.items():
        with suppress(PermissionError):
            if time in new:
                os.utime(path, ns=(new[time], new[time]))
    return sum(time in new for time in times.values())
