"""Names of columns: an official name is for the official scorer, a substitute's column says whose it is."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

BRACKET = re.compile(r"^(?P<column>.*?) \[(?P<scorer>.*)\]$")


def name_of(checkpoint: str | Path, *official: str) -> str:
    """What the scores of a checkpoint are labelled with: its last name. One that bears an official last name
    but is another owner's is called in full, so that it cannot be taken for the official one."""
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
    """The suite with its columns under the names that `rows` give them; where these are its own, itself."""
    names: dict[str, list[str]] = {}
    for column in dict.fromkeys(row.column for row in rows):
        names.setdefault(plain(column), []).append(column)
    if all(names.get(column, [column]) == [column] for column in suite.columns):
        return suite
    columns = tuple(name for column in suite.columns for name in names.get(column, [column]))
    overall = tuple(names.get(column, [column])[0] for column in suite.overall)
    return replace(suite, columns=columns, overall=overall)
