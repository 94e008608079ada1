"""Policies from outside this package: a plain function of a view, or a dataclass that is called with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

from ladr.base import outside
from ladr.base.errors import LadrError
from ladr.base.late import Tensor
from ladr.decoding.policies.base import Policy, field_names, field_values, from_fields
from ladr.decoding.view import Commit, View


@dataclass(frozen=True)
class Outside(Policy):
    """`rule` as a policy. address: `package.module:name`, where the rule or its class stands.

    The spec holds the address, the rule's fields if it is a dataclass, and its version: the `version` that
    the rule declares, or a hash of the file that it stands in.
    """

    rule: Callable[[View], Tensor | Commit]
    address: str

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.address

    @property
    def version(self) -> int | str:  # type: ignore[override]
        return outside.version_of(self.rule, self.address)

    @property
    def history(self) -> bool:  # type: ignore[override]
        return bool(getattr(self.rule, "history", False))

    @property
    def everywhere(self) -> bool:  # type: ignore[override]
        return bool(getattr(self.rule, "everywhere", False))

    @property
    def spec(self) -> dict[str, Any]:
        return {"policy": self.name, "version": self.version, **field_values(self.rule)}

    @property
    def replays(self) -> str | None:
        return self.rule.replays if isinstance(self.rule, Policy) else None

    def with_counts(self, counts: Sequence[Sequence[int]]) -> Policy:
        return replace(self, rule=self.rule.with_counts(counts)) if isinstance(self.rule, Policy) else self

    def __call__(self, view: View) -> Tensor | Commit:
        return self.rule(view)


def adopted(rule: Callable[[View], Tensor | Commit]) -> Policy:
    """The rule itself if it is a policy of this package, else the policy made of it."""
    if isinstance(rule, Policy):
        return rule
    if isinstance(rule, type):
        raise LadrError(
            f"policy: the class {rule.__name__} is not allowed; an instance, {rule.__name__}(...)"
        )
    return Outside(rule, outside.address_of(rule))


def from_address(address: str, own: Mapping[str, Any]) -> Policy:
    """The function, or the dataclass with the fields `own`, that stands at `package.module:name`."""
    rule, where = _imported(address), f"policy {address!r}"
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
