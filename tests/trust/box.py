"""Where a hostile file is tried: its own folder, files beside it that must stay, a trace of any run."""

import hashlib
import pickle
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from ladr.base.errors import LadrError

HARMLESS = "harmless"  # what an attempt returns that is let in because it does nothing


@dataclass(frozen=True)
class Box:
    """`inside` is the attempt's own folder, `outside` holds files of others, `marker` is a file that a
    payload makes when it runs."""

    inside: Path
    outside: Path
    marker: Path

    @classmethod
    def at(cls, root: Path) -> "Box":
        box = cls(root / "inside", root / "outside", root / "executed")
        box.inside.mkdir(parents=True)
        box.outside.mkdir()
        (box.outside / "victim.txt").write_text("a thesis")
        (box.outside / "folder").mkdir()
        (box.outside / "folder/data.json").write_text("{}")
        return box

    def payload(self) -> bytes:
        """A pickle that makes the marker when it is loaded."""
        return pickle.dumps(_Bomb(str(self.marker)))

    def state(self) -> dict[str, str]:
        """Every file outside, by its name, with a hash of its content."""
        files = sorted(path for path in self.outside.rglob("*") if path.is_file())
        return {str(f.relative_to(self.outside)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


class _Bomb:
    def __init__(self, marker: str):
        self.marker = marker

    def __reduce__(self):
        return open, (self.marker, "w")


@dataclass(frozen=True)
class Attempt:
    """One hostile thing. `act` hands it to the package, which must answer with one LadrError line; an attempt
    whose content is let in because it does nothing returns HARMLESS."""

    name: str
    act: Callable[[Box], str | None]


@dataclass
class Tally:
    """How many attempts were tried, refused or harmless, ran code, or touched a file outside."""

    tried: int = 0
    refused: int = 0
    executed: int = 0
    touched: int = 0

    def __str__(self) -> str:
        return (
            f"refused {self.refused} of {self.tried}; "
            f"{self.executed} executed, {self.touched} files touched outside"
        )


def tried(attempt: Attempt, root: Path, tally: Tally) -> str:
    """Try one; what was wrong with the answer, or an empty text."""
    box = Box.at(root)
    before = box.state()
    with chdir(box.inside):
        fault = _answer(attempt, box)
    after = box.state()
    touched = sum(before.get(name) != after.get(name) for name in before.keys() | after.keys())
    tally.tried += 1
    tally.refused += not fault
    tally.executed += box.marker.exists()
    tally.touched += touched
    if box.marker.exists():
        fault = "it ran code"
    return f"it touched {touched} files outside" if touched else fault


def _answer(attempt: Attempt, box: Box) -> str:
    try:
        if attempt.act(box) == HARMLESS:
            return ""
        return "it was let in"
    except LadrError as error:
        text = str(error)
        return "" if text.strip() and "\n" not in text else f"not one line: {text[:200]!r}"
    except Exception as error:
        return f"a traceback: {type(error).__name__}: {str(error)[:200]}"


def named(prefix: str, cases: dict[str, Callable]) -> Iterator[Attempt]:
    """The cases as attempts."""
    for name, act in cases.items():
        yield Attempt(f"{prefix}: {name}", act)
