"""Names of columns: an official name is for the official scorer, a substitute's column says whose it is."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

BRACKET = re.compile(r"^(?P<column>.*?) \[(?P<scorer>.*)\]$")


def named(column: str, scorer: str, exact: bool) -> str:
    """`Color`, or where something else than the official weights scored, `Color [clip:other]`."""
    return column if exact else f"{column} [{scorer}]"


def plain(column: str) -> str:
    """The column without its scorer."""
    match = BRACKET.match(column)
    return match["column"] if match else column


def renamed(suite: Any, rows: Iterable[Any]) -> Any:
    """The suite with its columns under the names that `rows` give them; where these are its own, itself."""
    found: dict[str, list[str]] = {}
    for column in dict.fromkeys(row.column for row in rows):
        found.setdefault(plain(column), []).append(column)
    if all(found.get(column, [column]) == [column] for column in suite.columns):
        return suite
    columns = tuple(name for column in suite.columns for name in found.get(column, [column]))
    overall = tuple(found.get(column, [column])[0] for column in suite.overall)
    return replace(suite, columns=columns, overall=overall)
