"""SIGTERM as a request to stop: a batch system sends it to a job whose time is up."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ladr.base.errors import LadrError


class StoppedError(LadrError):
    """The work was stopped by SIGTERM after what is finished was saved. The exit code is the shell's."""

    status = 128 + signal.SIGTERM


class Stop:
    """Call it to learn whether SIGTERM has come."""

    def __init__(self) -> None:
        self._signalled = False

    def __call__(self) -> bool:
        return self._signalled

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True


@contextmanager
def on_sigterm() -> Iterator[Stop]:
    """While the block runs, SIGTERM does not end the process: the block asks the `Stop` and ends by itself.

    Python lets the main thread alone handle signals; in another thread nothing changes.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, stop._handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
