"""Doors that fuzzed input comes in through, and what must hold of every answer."""

import io
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from ladr.base.errors import LadrError
from ladr.cli.main import answer
from trust.refusals import CONTROL, SECONDS, files_below

CODES = (0, 1, 2)
COUNTED = re.compile(r": \d+ mistakes$")
MEMORY = 2 << 30  # bytes that an example may take
RESET, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
MISTAKES = 22  # lines at most
FINDINGS = {"doctor"}  # commands that end with 1 and list what is damaged


@dataclass(frozen=True)
class Door:
    """`act` hands one drawn example to the package in the working folder; what was wrong, or an empty text.

    `examples` are drawn by `make fuzz`, `part` of them by `make test`.
    """

    examples: int
    part: int
    drawn: SearchStrategy
    act: Callable[[Any], str]


@dataclass
class Tally:
    """How many examples were tried, how many were refused or answered as they must be, and what was not."""

    tried: int = 0
    held: int = 0
    faults: dict[str, Any] = field(default_factory=dict)

    def add(self, example: Any, fault: str) -> None:
        self.tried += 1
        self.held += not fault
        if fault:
            self.faults.setdefault(fault, example)

    def __str__(self) -> str:
        return f"refused or answered {self.held} of {self.tried}"


def fault_of_call(words: list[str]) -> str:
    """Call `ladr WORDS` in the working folder; what was wrong with the answer."""
    before = files_below(Path())
    out, err = io.StringIO(), io.StringIO()
    stdin, sys.stdin = sys.stdin, io.StringIO()
    began = time.perf_counter()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = answer([*words])
    except BaseException as error:
        return f"a traceback: {type(error).__name__}: {str(error)[:200]}"
    finally:
        sys.stdin = stdin
    seconds = time.perf_counter() - began
    if seconds >= SECONDS:
        return f"it took {seconds:.0f} seconds"
    if code not in CODES:
        return f"exit code {code}"
    if CONTROL.search(out.getvalue() + err.getvalue()):
        return "control characters reach the terminal"
    if code and "--mend" not in words and files_below(Path()) != before:
        return f"exit code {code}, and files are not as they were"
    found = code == 1 and words[0] in FINDINGS and " findings; " in err.getvalue()
    return _fault_of_line(err.getvalue()) if code and not found else ""


def _fault_of_line(text: str) -> str:
    """One line is right, and a list of mistakes below a line that counts them."""
    lines = text.splitlines()
    listed = 1 < len(lines) <= MISTAKES and COUNTED.search(lines[0])
    if not (len(lines) == 1 or listed) or not lines[0].startswith("ladr: "):
        return f"not one line that begins with ladr: {text[:300]!r}"
    return lines[0][:300] if "a fault of this program" in text else ""


def fault_of(function: Callable[[], object]) -> str:
    """Call a function of the Python API: a value or one LadrError of one line are right."""
    began = time.perf_counter()
    try:
        function()
    except LadrError as error:
        if not str(error).strip() or "\n" in str(error):
            return f"not one line: {str(error)[:200]!r}"
    except Exception as error:
        return f"a traceback: {type(error).__name__}: {str(error)[:200]}"
    seconds = time.perf_counter() - began
    return f"it took {seconds:.0f} seconds" if seconds >= SECONDS else ""


def in_a_folder(door: Door, example: Any) -> str:
    """What was wrong with the answer to one example, in a folder of its own; too much memory is wrong too."""
    with tempfile.TemporaryDirectory(prefix="ladr-fuzz-") as root, chdir(root), highest() as peak:
        fault = door.act(example)
        return fault or (f"it took {peak() >> 20} MiB" if peak() > MEMORY else "")


@contextmanager
def highest() -> Iterator[Callable[[], int]]:
    """Asks how many bytes this process held at most since the block began; Linux counts them."""
    RESET.write_text("5")

    def peak() -> int:
        (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    yield peak


def drawn(door: Door, number: int, start: int | None, each: Callable[[Any, str], None]) -> None:
    """Draw so many examples and hand each with its fault to `each`; the same ones without `start`."""
    options = settings(
        max_examples=number,
        derandomize=start is None,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    @options
    @given(door.drawn)
    def examine(example: Any) -> None:
        each(example, in_a_folder(door, example))

    if start is not None:
        examine = seed(start)(examine)
    examine()
