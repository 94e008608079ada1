"""The functions that draw: those of the figure modules of this package, and those from outside."""

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from ladr.base import outside
from ladr.base.errors import LadrError, nearest
from ladr.figures.frame.results import Results

HERE = Path(__file__).parents[1]
Draw = Callable[[Results], Iterable[Any]]  # yields what has `save(folder)`, such as a Plot or a Table


def names() -> list[str]:
    """The names of the figure modules of this package."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__init__")


def drawer(name: str) -> Draw:
    """The function `draw` of the figure module of that name, or the function at `package.module:name`."""
    if outside.is_address(name):
        return _checked(outside.imported(name, "figure"), name)
    if name not in names():
        raise LadrError(f"figure {name!r} is unknown{nearest(name, names())}, or package.module:draw")
    return import_module(f"ladr.figures.{name}").draw


def _checked(draw: Any, address: str) -> Draw:
    """The function at this address; an error names what it yields if that cannot be saved."""
    if not callable(draw):
        raise LadrError(f"figure {address!r}: {type(draw).__name__} is not allowed; draw(results) is")

    def checked(results: Results) -> Iterable[Any]:
        with outside.called("figure", address):
            for one in draw(results):
                if not hasattr(one, "save"):
                    kind = type(one).__name__
                    raise LadrError(f"it yields {kind}, which has no save(folder); Plot and Table have one")
                yield one

    return checked
