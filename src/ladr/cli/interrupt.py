"""Ctrl-C ends the program without a word. This imports next to nothing, so that it can stand first."""

import sys
from types import TracebackType

INTERRUPTED = 130  # 128 + SIGINT, as a shell says it


class Silently:
    """A block in which Ctrl-C ends the program with exit code 130, and prints nothing."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.exit(INTERRUPTED)
