"""Errors that a person can act on."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

FEW = 5  # names that one message lists

# What a terminal would obey, or what would turn the order of the text around, and lone surrogates.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class LadrError(ValueError):
    """Bad input: the message names what, where, its value and what is allowed.

    status: the exit code of a command that ends with it.
    """

    status = 2


class FailedError(LadrError):
    """What was typed may be right, but a server did not answer, or a file of the results failed."""

    status = 1


def nearest(name: str, names: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest of `names`. When none is near: all, or the FEW
    nearest."""
    known = sorted(set(map(str, names)))
    if not known:
        return " (there is none)"
    close = get_close_matches(str(name), known, n=1, cutoff=0.6)
    if close:
        return f" (did you mean {close[0]!r}?)"
    if len(known) <= FEW:
        return f" (known: {', '.join(known)})"
    shown = get_close_matches(str(name), known, n=FEW, cutoff=0.0)
    return f" (known: {', '.join(shown)} and {len(known) - len(shown)} more)"


def shown(value: Any) -> str:
    """The value, short enough for one line; of a tensor or an array its type and shape."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{type(value).__name__} {value.dtype} {tuple(value.shape)}"
    if type(value) is int and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    text = ascii(value)
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= 80 else f"{text[:77]}..."


def printable(text: str) -> str:
    """The text with every character that could control a terminal written as an escape."""
    return UNSAFE.sub(lambda unsafe: ascii(unsafe[0])[1:-1], text)


@contextmanager
def needs(what: str) -> Iterator[None]:
    """For imports: a package that is not there becomes one LadrError: what needs it, and what to type."""
    try:
        yield
    except ImportError as error:
        raise LadrError(f"{what}: {missing(error)}") from None


def missing(error: ImportError) -> str:
    """Says which package is not installed, and what to type. An error of a module of our own is raised
    again."""
    package = (error.name or "").partition(".")[0]
    if package in ("", "ladr"):
        raise error
    package = package.replace("_", "-")
    if not isinstance(error, ModuleNotFoundError):
        return f"the package {package} does not fit ({error}); {install(package)}"
    return f"the package {package} is not installed; {install(package)}"


def install(package: str) -> str:
    """What to type to have a package: the extra that it belongs to, or else the range of it that fits."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires("ladr") or []
    except PackageNotFoundError:  # run from a source tree
        lines = []
    for line in lines:
        requirement, _, condition = (part.strip() for part in line.partition(";"))
        name = re.match(r"[\w-]+", requirement)
        if name and name[0] == package:
            extra = re.search(r"extra == ['\"](\w+)['\"]", condition)
            return f"pip install 'ladr[{extra[1]}]'" if extra else f"pip install '{requirement}'"
    return f"pip install {package}"
