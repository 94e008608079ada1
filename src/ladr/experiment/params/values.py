"""Mistakes of single values anywhere in params.yaml: numbers that are none, texts that no file may hold."""

import math
import unicodedata
from collections.abc import Iterator
from typing import Any

from ladr.experiment.params.policy import Issue

LARGEST = 1 << 63  # numbers stay below it
LONGEST = 1000  # characters of a text


def value_issues(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[Issue]:
    """Every value that is wrong whatever its key is."""
    if isinstance(data, dict):
        for key, value in data.items():
            if reason := _of_text(key):
                yield Issue(path, f"the key {key[:80]!r} {reason}")
            yield from value_issues(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from value_issues(value, (*path, i))
    elif isinstance(data, str):
        if reason := _of_text(data):
            yield Issue(path, reason)
    elif isinstance(data, float) and not math.isfinite(data):
        yield Issue(path, "is not allowed; a finite number")
    elif isinstance(data, int) and abs(data) >= LARGEST:
        yield Issue(path, "is too large; a number below 2^63")


def _of_text(text: str) -> str | None:
    """What is wrong with a text, None if nothing is."""
    if len(text) > LONGEST:
        return f"has {len(text)} characters; at most {LONGEST} are allowed"
    wrong = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"), None)
    return None if wrong is None else f"holds the control character {ascii(wrong)[1:-1]}; leave it out"
