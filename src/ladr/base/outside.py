"""Things from outside this package, named `package.module:name`: imported, and told apart by a version."""

import hashlib
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, nearest

ADDRESS = r"[A-Za-z_]\w*(\.\w+)*:[A-Za-z_]\w*(\.\w+)*"


def is_address(name: str) -> bool:
    """Does the name have the form `package.module:name`?"""
    return re.fullmatch(ADDRESS, str(name)) is not None


def imported(address: str, what: str) -> Any:
    """What stands at `package.module:name`; `what` says in messages what it is for."""
    module_name, _, path = address.partition(":")
    try:
        held = module = import_module(module_name)
    except ImportError as error:
        raise LadrError(
            f"{what} {address!r}: {module_name} cannot be imported ({error}); install its package, "
            "or add its folder to PYTHONPATH"
        ) from None
    except (Exception, SystemExit) as error:  # the module's own code may raise anything
        raise LadrError(
            f"{what} {address!r}: {module_name} fails when it is imported ({said(error)})"
        ) from None
    for name in path.split("."):
        if not hasattr(held, name):
            known = [own for own in vars(module) if not own.startswith("_")]
            raise LadrError(f"{what} {address!r}: {module_name} has no {path!r}{nearest(path, known)}")
        held = getattr(held, name)
    return held


@contextmanager
def called(what: str, address: str) -> Iterator[None]:
    """For calls of what stands at an address: what its code raises becomes one LadrError that names it."""
    try:
        yield
    except (LadrError, ImportError, MemoryError, OSError):
        raise
    except (Exception, SystemExit) as error:
        if "allocate memory" in str(error) or "out of memory" in str(error):
            raise
        raise LadrError(f"{what} {address!r}: fails when it is called ({said(error)})") from error


def said(error: BaseException) -> str:
    """The class of an error and the beginning of its message, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def address_of(thing: Any) -> str:
    """`package.module:name` of a function or class; of anything else, that of its class."""
    home = _home(thing)
    return f"{home.__module__}:{home.__qualname__}"


def _home(thing: Any) -> Any:
    """What stands in a file: a function or class itself, of anything else its class."""
    return thing if hasattr(thing, "__qualname__") else type(thing)


def version_of(thing: Any, address: str) -> int | str:
    """The `version` that a function, class or object declares, or a hash of the file that it stands in.

    What a class of this package declares does not count: it says nothing about a class derived from it.
    """
    homes = [thing, *_home(thing).__mro__] if isinstance(_home(thing), type) else [thing]
    for home in homes:
        declared = vars(home).get("version") if hasattr(home, "__dict__") else None
        if isinstance(declared, int | str) and not getattr(home, "__module__", "").startswith("ladr."):
            return declared
    return f"source-{hashlib.sha256(_source(thing, address)).hexdigest()[:12]}"


def _source(thing: Any, address: str) -> bytes:
    home = _home(thing)
    try:
        return Path(inspect.getfile(home)).read_bytes()
    except (TypeError, OSError):
        pass
    try:
        return inspect.getsource(home).encode()
    except (TypeError, OSError):
        raise LadrError(f"{address!r}: its source cannot be read; give it a `version`, a number") from None
