"""Errors that a person can act on."""

from collections.abc import Iterable
from difflib import get_close_matches


class LadrError(ValueError):
    """Bad input: the message names what, where, its value and what is allowed."""


def nearest(name: str, names: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest of `names`, or the list of them when none is near."""
    known = sorted(map(str, names))
    close = get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else f" (known: {', '.join(known)})"


def missing(error: ModuleNotFoundError) -> str:
    """Which package is not installed, and what to type."""
    package = (error.name or str(error)).partition(".")[0].replace("_", "-")
    return f"the package {package} is not installed; pip install {package}"
