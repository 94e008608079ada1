"""Calls of `ladr` in this process, and what must hold when one is refused."""

import re
import time
from pathlib import Path

from ladr.cli.main import answer

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SECONDS = 10.0


def files_below(folder: Path) -> dict[str, bytes | None]:
    """Every path below the folder with its bytes; None for what is no regular file."""
    paths = sorted(Path(folder).rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


def refused(words: list[str], capsys, code: int = 2) -> str:
    """Call `ladr WORDS` in the current folder; the one line that it is refused with.

    It must end with the exit code, in time, without frames, and leave every file as it was.
    """
    before = files_below(Path())
    capsys.readouterr()
    began = time.perf_counter()
    status = answer([*words])
    seconds = time.perf_counter() - began
    shown = capsys.readouterr()
    assert status == code, (words, status, shown)
    assert seconds < SECONDS, (words, seconds)
    assert files_below(Path()) == before, words
    assert not CONTROL.search(shown.out + shown.err), (words, shown)
    (line,) = shown.err.splitlines()
    assert line.startswith("ladr: "), line
    assert "a fault of this program" not in line, line
    assert len(line) < 1000, line
    return line
