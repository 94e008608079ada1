"""Types and ranges of what a config.json says, checked before anything is made of it."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, shown

WHOLE, NUMBER, TEXT, TRUTH = "a whole number", "a number", "a text", "true or false"
SIZE = (1, 1 << 20)  # of a width, a depth, a count of heads
IDS = (0, 1 << 24)  # of ids and vocabularies
MOST = 1 << 24  # of any other number
KINDS = {bool: TRUTH, int: WHOLE, float: NUMBER, str: TEXT}
LONGEST = 10_000  # characters of a text


def require(
    content: Mapping[str, Any], key: str, kind: str, path: Path, low: float = 0, high: float = 0
) -> None:
    """LadrError unless `content[key]` is of that kind and, if a number, in [low, high]."""
    value = content[key.rpartition(".")[2]]
    right = {
        WHOLE: type(value) is int and low <= value <= high,
        NUMBER: type(value) in (int, float) and math.isfinite(value) and low <= value <= high,
        TEXT: isinstance(value, str) and len(value) <= LONGEST and "\0" not in value,
        TRUTH: isinstance(value, bool),
    }[kind]
    if not right:
        bounds = f" from {low:.12g} to {high:.12g}" if kind in (WHOLE, NUMBER) else ""
        raise LadrError(f"{path}: {key} is {shown(value)}, must be {kind}{bounds}")


def require_sizes(content: Mapping[str, Any], key: str, path: Path, most: int, high: int) -> None:
    """LadrError unless `content[key]` is a list of 1 to `most` whole numbers from 1 to `high`."""
    value = content[key.rpartition(".")[2]]
    right = isinstance(value, list | tuple) and 1 <= len(value) <= most
    if not right or any(type(n) is not int or not 1 <= n <= high for n in value):
        raise LadrError(f"{path}: {key} is {shown(value)}, must be a list of whole numbers from 1 to {high}")


def require_like(usual: Mapping[str, Any], content: Mapping[str, Any], path: Path) -> None:
    """LadrError where a setting has another type than its usual value, or is no sensible number."""
    for key in usual.keys() & content.keys():
        kind = KINDS.get(type(usual[key]))
        if kind:
            require(content, key, kind, path, -MOST, MOST)


@contextmanager
def settings_of(path: Path, what: str) -> Iterator[None]:
    """For calls of libraries with a config that others wrote: whatever they raise is one LadrError."""
    try:
        yield
    except LadrError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise LadrError(f"{path}: no {what} has these settings ({type(error).__name__}: {reason})") from None
