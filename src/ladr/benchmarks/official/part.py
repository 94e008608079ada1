"""What the scorer of a part is handed, what it returns, and how it says that something is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.benchmarks.official import fetch
from ladr.benchmarks.official.suite import Scores, Suite
from ladr.benchmarks.rows import Row
from ladr.benchmarks.submission import silent

TELL = "`ladr benchmark import CELL --results ...` takes the official script's result"


@dataclass(frozen=True)
class PartInput:
    """A cell's images and what may score them.

    `suite` is their official layout. `images()` renders them into that layout and returns the folder.
    `imported` is the folder of official results. `book` is the folder that keeps answers. `official` are the
    settings of params.yaml. `say` tells a person how far the scoring is.
    """

    suite: Suite
    official: Any
    imported: Path
    book: Path
    images: Callable[[], Path]
    say: Callable[[str], None] = silent

    @property
    def prompts(self) -> Path | None:
        """The folder of this benchmark's official files."""
        return self.folder_of(self.suite.name)

    def folder_of(self, name: str) -> Path | None:
        """The folder of the official files of the benchmark of that name."""
        folder = self.official.prompts
        if folder is None:
            fetch.ensure(name)
        return fetch.place(name, folder)

    def progress(self, what: str, total: int) -> Callable[[object], None]:
        """A function to be called after each of `total` judgements; it reports every tenth of them."""
        calls = count(1)

        def one(_: object) -> None:
            if (done := next(calls)) % max(1, total // 10) == 0:
                self.say(f"{what}: {done}/{total} judged")

        return one


@dataclass(frozen=True)
class PartScores:
    """The judgements of one part, under the names of the official columns.

    `scorer` made them, and `exact` says whether that is the official scorer or has its very weights. `notes`
    are for a person. `lacks` is what an official result leaves out; tables say it.
    """

    rows: tuple[Row, ...]
    scorer: str
    exact: bool
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def rows_of(scores: Scores) -> tuple[Row, ...]:
    """The judgements as rows."""
    return tuple(Row(s.prompt, s.image, s.column, s.reason, round(s.value, 6)) for s in scores.rows)


def loaded(what: str, make: Callable[[], Any]) -> Any:
    """The network that `make` loads; LadrError where its weights, a package or the device is missing."""
    try:
        return make()
    except (OSError, ImportError, ValueError, RuntimeError, AssertionError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise LadrError(f"{what}: cannot be loaded ({reason})") from error


def need(value: Any, key: str, what: str) -> Any:
    """The setting `official.KEY`; LadrError where it is not set."""
    if value is None:
        raise LadrError(f"{what}: `official.{key}` is not set in params.yaml; {TELL}")
    return value
