"""Options and arguments that several commands share, each declared once, and how they are read."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ladr.base.errors import LadrError

if TYPE_CHECKING:
    from ladr.experiment.cell import Grid
    from ladr.experiment.params import Params

PARAMS = Path("params.yaml")
MOST = 10_000  # prompts of a column, images of a prompt: nobody means more
MOST_STEPS = 1_000_000
MOST_THREADS = 1024
LARGEST_SEED = (1 << 63) - 1
DIGITS = 6
File = Annotated[Path, typer.Option("--params", envvar="LADR_PARAMS", help="The file of the experiment.")]
SET = "LADR_SET"  # what `--set` says, as the words of a shell, for commands that other programs start
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help=f"Change one dotted key of that file; {SET} may hold several."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Cells = Annotated[
    list[str], typer.Argument(help="Cell ids, their last 8 digits, paths in results/cells, or row names.")
]
OneCell = Annotated[
    str, typer.Argument(help="The id of a cell, its last 8 digits, or its path in results/cells.")
]
Size = Annotated[str, typer.Option(help="smoke, default, full, or a number of prompts per column.")]


def experiment_of(path: Path, changes: list[str] | None) -> "tuple[Params, Grid]":
    """The experiment in `path` after the changes of `--set`, or else of LADR_SET, and its grid of cells."""
    from ladr.experiment.grid import grid
    from ladr.experiment.params import load

    params = load(path, changed(changes))
    return params, grid(params)


def changed(changes: list[str] | None) -> dict[str, Any]:
    """What `--set` says, or else LADR_SET: dotted keys and their values."""
    from ladr.experiment.params import changes_of
    from ladr.experiment.params.source import words_of

    return changes_of(changes) if changes else changes_of(words_of(os.environ.get(SET, ""), SET), SET)


def size_of(text: str) -> str | int:
    """The value of `--size`: a number of prompts where the text is one, else the name of a size."""
    if not (text.isascii() and text.lstrip("-").isdecimal()):
        return text
    if not 0 < int(text[:DIGITS]) <= MOST or len(text) > DIGITS:
        raise LadrError(f"size: {text[:80]!r} is not allowed; from 1 to {MOST} prompts per column, or a name")
    return int(text)


def pixels_of(text: str) -> tuple[int, int]:
    """Height and width of `--size HEIGHTxWIDTH` in pixels."""
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and len(text) <= 2 * DIGITS):
        raise LadrError(f"size: {text[:80]!r} is not allowed; HEIGHTxWIDTH in pixels, such as 1024x1024")
    return int(height), int(width)


def named_values(pairs: Sequence[str]) -> dict[str, Any]:
    """The settings that the texts NAME=VALUE of `--with` say; a value is JSON, or else a text."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not equals:
            raise LadrError(f"with: {pair[:80]!r} is not allowed; NAME=VALUE")
        if name in settings:
            raise LadrError(f"with: {name[:80]!r} stands here twice; give each setting once")
        try:
            settings[name] = json.loads(text)
        except ValueError:
            settings[name] = text
    return settings


def print_json(value: Any, indent: int | None = 1) -> None:
    """Print one JSON value. Without an indent it takes one line."""
    typer.echo(json.dumps(value, indent=indent))
