"""The fields of a dataclass as plain values, and whether they have the types that the class declares."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isnan
from typing import Any

from ladr.base.errors import LadrError

WORDS = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "a text"}


def check_types(cls: type, values: Mapping[str, Any], prefix: str = "") -> None:
    """Raise at the first value whose field is declared as bool, int, float or str and is none."""
    for field in fields(cls):
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", "")
        if field.name in values and kind in WORDS and not _fits(kind, values[field.name]):
            value = values[field.name]
            raise LadrError(f"{prefix}{field.name}: {value!r} is not allowed; {WORDS[kind]}")


def _fits(kind: str, value: Any) -> bool:
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    if kind == "int":
        return isinstance(value, int)
    return isinstance(value, (int, float)) and not isnan(value)


def field_names(cls: Any) -> list[str]:
    """The fields of a dataclass that belong to its plain dict."""
    return [f.name for f in fields(cls) if f.metadata.get("spec", True)]


def field_values(policy: Any) -> dict[str, Any]:
    """Those fields of a policy as lists, dicts, strings and numbers; nothing of what is no dataclass."""
    if not is_dataclass(policy):
        return {}
    values = {name: _plain(getattr(policy, name)) for name in field_names(policy)}
    return values | {f.name: float(values[f.name]) for f in fields(policy) if f.type in (float, "float")}


def _plain(value: Any) -> Any:
    """A field as lists, dicts, strings and numbers; a policy's are its `spec`."""
    if hasattr(value, "plain"):
        return value.plain()
    return value.spec if hasattr(value, "spec") else value
