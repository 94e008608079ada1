"""Checks of a policy's fields: each raises one line that names the field, its value and what is allowed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.decoding.fields import check_types, field_names


def one_of(name: str, value: Any, allowed: Sequence[str]) -> None:
    """Raise unless `value` is one of the allowed words."""
    if value not in allowed:
        raise LadrError(f"{name}: {value!r} is not allowed{nearest(value, allowed)}")


def within(name: str, value: Any, low: float, high: float = math.inf) -> None:
    """Raise unless `value` is a number in [low, high]."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise LadrError(f"{name}: {value!r} is not allowed; a number from {low} to {high}")


def count(name: str, value: Any, low: int, high: float = math.inf) -> None:
    """Raise unless `value` is an integer in [low, high]."""
    if not isinstance(value, int):
        raise LadrError(f"{name}: {value!r} is not allowed; an integer from {low} to {high}")
    within(name, value, low, high)


def flag(name: str, value: Any) -> None:
    """Raise unless `value` is true or false."""
    if not isinstance(value, bool):
        raise LadrError(f"{name}: {value!r} is not allowed; true or false")


def from_fields(cls: type, own: Mapping[str, Any], where: str) -> Any:
    """`cls(**own)`. An unknown field is an error that names the nearest one; `where` begins each message."""
    known = field_names(cls)
    for key in own:
        if key not in known:
            raise LadrError(f"{where}: no field {key!r}{nearest(key, known)}")
    try:
        check_types(cls, own)
        return cls(**own)
    except (LadrError, TypeError) as error:
        raise LadrError(f"{where}: {error}") from None
