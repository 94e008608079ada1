"""Standard output as a file that has a name, so that an error of it is not taken for one of another file."""

import io
import sys
from typing import Any

OUTPUT = "standard output"


class NamedOutput(io.FileIO):
    """A file of the system; an error in writing to it names it as standard output. What comes after an error,
    such as what a buffer still holds at the end, is dropped."""

    failed = False

    def write(self, content: Any) -> int:
        if self.failed or not len(content):  # typer writes nothing to learn what kind of file this is
            return len(content)
        try:
            return super().write(content)
        except OSError as error:
            self.failed = True
            error.filename = OUTPUT
            raise


def name_output() -> None:
    """Let errors of `sys.stdout` name it, where it is a file of the system and open."""
    before = sys.stdout
    try:
        raw = NamedOutput(before.fileno(), "wb", closefd=False)
    except (AttributeError, OSError, ValueError):
        return
    if isinstance(before, io.TextIOWrapper):
        sys.stdout = io.TextIOWrapper(
            raw if before.write_through else io.BufferedWriter(raw),  # type: ignore[arg-type]
            before.encoding,
            before.errors,
            line_buffering=before.line_buffering,
            write_through=before.write_through,
        )
