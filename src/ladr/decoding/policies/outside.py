"""Policies that are named by where they stand in another package, `package.module:name`."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from ladr.base import outside
from ladr.base.errors import LadrError
from ladr.decoding.fields import field_names
from ladr.decoding.policies.allowed import from_fields
from ladr.decoding.policies.base import Outside, Policy


def from_address(address: str, own: Mapping[str, Any]) -> Policy:
    """The function, or the dataclass with the fields `own`, that stands at `package.module:name`."""
    rule = _imported(address)
    where = f"policy {address!r}"
    if isinstance(rule, type):
        return Outside(from_fields(rule, own, where), address)
    if own:
        raise LadrError(f"{where}: no field {next(iter(own))!r}; a function has no fields, a dataclass may")
    return Outside(rule, address)


def fields_at(address: str) -> list[str]:
    """The fields of the dataclass at `package.module:name`; none of a function."""
    rule = _imported(address)
    return field_names(rule) if isinstance(rule, type) else []


def _imported(address: str) -> Any:
    rule = outside.imported(address, "policy")
    if not callable(rule) or (isinstance(rule, type) and not is_dataclass(rule)):
        kind = f"the class {rule.__name__}" if isinstance(rule, type) else f"a {type(rule).__name__}"
        raise LadrError(f"policy {address!r}: {kind} is not allowed; a function of a view, or a dataclass")
    return rule
