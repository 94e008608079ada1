"""Mistakes in the policy of a sampler in params.yaml: its name, its fields, their values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.base.outside import is_address
from ladr.decoding.policies import PAIRS, POLICIES, Phase, build, fields_of, parts_of
from ladr.experiment.params.models import CurveRow

OWN = tuple(CurveRow.model_fields)
NO_FIELD = "no such field of policy"
PHASE = ("until", "alpha", "tau")


@dataclass(frozen=True)
class Issue:
    """One mistake. `path` holds the keys that lead to it."""

    path: tuple[str | int, ...]
    message: str


def policy_issues(path: tuple[str, ...], spec: Mapping[str, Any]) -> Iterator[Issue]:
    """Every wrong field of a policy's plain dict, each by itself; then mistakes of the whole policy."""
    name = spec.get("policy")
    if not isinstance(name, str):
        return
    wrong = False
    for issue in _parts(path, name, spec):
        wrong = True
        yield issue
    if name not in PAIRS and name not in POLICIES:
        try:
            build(name) if not is_address(name) else fields_of(name)
        except LadrError as error:
            yield Issue((*path, "policy"), str(error).replace("policy: ", "policy ", 1))
            return
    for issue in _fields(path, name, spec):
        wrong = True
        yield issue
    if not wrong and name not in PAIRS:
        yield from _built(path, spec)


def _parts(path: tuple[str, ...], name: str, spec: Mapping[str, Any]) -> Iterator[Issue]:
    """The mistakes of the policies that a policy is made of, each a name or a mapping with `policy`."""
    for part in parts_of(name):
        inner = spec.get(part)
        if part not in spec:
            if name not in PAIRS:
                continue
            yield Issue(path, f"policy {name!r}: {part} is missing; a policy's name or its mapping")
        elif isinstance(inner, str):
            yield from policy_issues((*path, part), {"policy": inner})
        elif not isinstance(inner, Mapping) or not isinstance(inner.get("policy"), str):
            yield Issue((*path, part), f"{inner!r} is not allowed; a policy's name or its mapping")
        else:
            yield from policy_issues((*path, part), inner)


def _fields(path: tuple[str, ...], name: str, spec: Mapping[str, Any]) -> Iterator[Issue]:
    known = fields_of(name)
    for key, value in spec.items():
        if key == "policy":
            continue
        if key not in known:
            yield Issue((*path, key), f"{NO_FIELD} {name!r}{nearest(key, [*known, *OWN])}")
        elif key == "phases" and isinstance(value, Mapping):
            yield from _phases((*path, key), value)
        elif key not in parts_of(name):
            yield from _built((*path, key), {"policy": name, key: value})


def _phases(path: tuple[str, ...], phases: Mapping[str, Any]) -> Iterator[Issue]:
    for name, row in phases.items():
        if not isinstance(row, Mapping):
            yield Issue((*path, name), f"{row!r} is not allowed; a mapping with {', '.join(PHASE)}")
            continue
        for key, value in row.items():
            if key not in PHASE:
                yield Issue((*path, name, key), f"no such field of a phase{nearest(key, PHASE)}")
                continue
            try:
                Phase(name, **{"until": 1.0, "alpha": 0.0, key: value})
            except (LadrError, TypeError) as error:
                yield Issue((*path, name, key), str(error).removeprefix(f"phases.{name}.{key}: "))


def _built(path: tuple[str, ...], spec: Mapping[str, Any]) -> Iterator[Issue]:
    try:
        build(spec)
    except (LadrError, TypeError) as error:
        message = re.sub(r"^policy '[\w.:]+': ", "", str(error))
        yield Issue(path, message.removeprefix(f"{path[-1]}: ") if path else message)
