"""What the four official benchmarks share: prompts, the layout of a folder, and scores in long form."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.base.foreign import LONGEST_LINE, read_lines
from ladr.benchmarks.prompt import Prompt, prompts_sha256

LONGEST_TEXT = 1 << 14  # characters of a prompt or a question
GRID_SIDE = 2  # an image file that holds several tiles is a square of GRID_SIDE x GRID_SIDE


@dataclass(frozen=True)
class Suite:
    """One official benchmark as published at `source`.

    `place(prompt_index, image_no)` is the file of one image below the benchmark's folder. Images that share
    a file are its tiles, left to right, top to bottom. `sidecars()` are the text files the official scorer
    wants beside the images. `version` is ours: it grows when parsing, layout or columns change.
    """

    name: str
    version: int
    source: str
    columns: tuple[str, ...]
    prompts: tuple[Prompt, ...]
    images_per_prompt: int
    place: Callable[[int, int], str]
    sidecars: Callable[[], Iterable[tuple[str, str]]] = field(default=lambda: ())
    outputs: tuple[str, ...] = ()  # patterns of what the official scorer writes into the folder

    @cached_property
    def prompts_sha256(self) -> str:
        return prompts_sha256(self.prompts)

    @cached_property
    def index(self) -> dict[str, int]:
        """Prompt id -> position."""
        return {prompt.id: i for i, prompt in enumerate(self.prompts)}

    @property
    def images(self) -> int:
        return len(self.prompts) * self.images_per_prompt

    def files(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """(relative path, prompt index, its image numbers), in order, each path once."""
        for i in range(len(self.prompts)):
            tiles: dict[str, list[int]] = {}
            for j in range(self.images_per_prompt):
                tiles.setdefault(self.place(i, j), []).append(j)
            for path, numbers in tiles.items():
                yield path, i, tuple(numbers)


@dataclass(frozen=True)
class Score:
    """One judgement in 0..1 of `image` of `prompt` under `column`. `reason` says why it is less than 1."""

    prompt: str
    image: int
    column: str
    value: float
    reason: str = ""
    path: str = ""


@dataclass(frozen=True)
class Scores:
    """One scored run. `columns` are fractions over fixed denominators; `official` is what the official script
    prints for the same judgements, where the two differ or not. `scorer` is "official" only for imported
    official files. `counts` gives (sum, denominator) of every column that is a mean over judgements."""

    benchmark: str
    version: int
    prompts_sha256: str
    scorer: str
    columns: Mapping[str, float]
    official: Mapping[str, float]
    counts: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    rows: Sequence[Score] = ()
    notes: Sequence[str] = ()
    others: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # further conventions, by name


def lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[tuple[int, str]]:
    """(number from 1, line) of a text file without its blank lines. Only newlines end a line."""
    for number, line in enumerate(read_lines(Path(path), longest), start=1):
        if line.strip():
            yield number, line


def csv_rows(text: str, columns: Iterable[str], where: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV with a header. LadrError where a column or a quote is missing or a field too long."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    try:
        if lacking := set(columns) - set(reader.fieldnames or ()):
            raise LadrError(f"{where}: column {sorted(lacking)[0]} is missing")
        yield from reader
    except csv.Error as error:
        raise LadrError(f"{where}: line {reader.line_num}: not a CSV ({error})") from None


def checked(text: object, what: str) -> str:
    """The text, if it is one that can be a prompt or a question; `what` names it in the message."""
    if not isinstance(text, str) or not text.strip():
        raise LadrError(f"{what} must not be empty, and must be text")
    if len(text) > LONGEST_TEXT:
        raise LadrError(f"{what} has {len(text)} characters; at most {LONGEST_TEXT} are read")
    if "\0" in text:
        raise LadrError(f"{what} holds a NUL, so it is no text")
    return text


@contextmanager
def formed(where: str, what: str) -> Iterator[None]:
    """Reads of files that others wrote: whatever does not have the form of `what` becomes a LadrError at
    `where`."""
    try:
        yield
    except LadrError:
        raise
    except KeyError as error:
        raise LadrError(f"{where}: not {what}: {error.args[0]!r} is missing") from error
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise LadrError(f"{where}: not {what}: {error}") from error


def mean(values: Sequence[float], what: str) -> float:
    """The mean; LadrError where there is nothing to average."""
    if not values:
        raise LadrError(f"{what}: no judgement to average")
    return sum(values) / len(values)


def some(items: Sequence[object], limit: int = 5) -> str:
    """`a, b, c and 12 more`: enough of a list to act on."""
    shown = ", ".join(str(item) for item in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def require_images(suite: Suite, seen: Mapping[tuple[int, int], object], where: str) -> None:
    """LadrError where a result lacks images of `suite` or has others."""
    expected = {(i, j) for i in range(len(suite.prompts)) for j in range(suite.images_per_prompt)}
    missing = sorted(expected - seen.keys())
    surplus = sorted(seen.keys() - expected)
    parts = [f"{len(missing)} missing ({some([suite.place(*ij) for ij in missing])})"] if missing else []
    parts += [f"{len(surplus)} surplus (prompt, image: {some(surplus)})"] if surplus else []
    if parts:
        raise LadrError(f"{where}: {suite.name} needs {suite.images} images, {'; '.join(parts)}")
