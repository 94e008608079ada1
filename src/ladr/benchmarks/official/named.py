"""Names of columns. A column scored by the official scorer has the official name; a substitute's column says
which scorer it was."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

BRACKET = re.compile(r"^(?P<column>.*?) \[(?P<scorer>.*)\]$")


def name_of(checkpoint: str | Path, *official: str) -> str:
    """The label of a checkpoint's scores: the last part of its name. A checkpoint with an official last part
    but another owner is called by its full name, so that nobody takes it for the official one."""
    last, whole = Path(checkpoint).name, str(checkpoint)
    another = any(last == o.rpartition("/")[2] and whole != o for o in official)
    return whole if another and not Path(checkpoint).is_dir() else last


def is_official(name: str, official: str) -> bool:
    """Is a checkpoint of that label `official` (owner/name at the hub), or a folder of its name?"""
    return name == official.rpartition("/")[2]


def named(column: str, scorer: str, exact: bool) -> str:
    """`Color`, or where something else than the official weights scored, `Color [clip:other]`."""
    return column if exact else f"{column} [{scorer}]"


def plain(column: str) -> str:
    """The column without its scorer."""
    match = BRACKET.match(column)
    return match["column"] if match else column


def renamed(suite: Any, rows: Iterable[Any]) -> Any:
    """The benchmark with its columns under the names that they have in `rows`."""
    names: dict[str, list[str]] = {}
    for column in dict.fromkeys(row.column for row in rows):
        names.setdefault(plain(column), []).append(column)
    if all(names.get(column, [column]) == [column] for column in suite.columns):
        return suite
    columns = tuple(name for column in suite.columns for name in names.get(column, [column]))
    overall = tuple(names.get(column, [column])[0] for column in suite.overall)
    return replace(suite, columns=columns, overall=overall)
