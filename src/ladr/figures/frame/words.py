"""Readable names of an experiment's groups, of a sampler's fields, and of a sampler."""

import re
from collections.abc import Iterable
from typing import Any

from ladr.figures.frame import roles
from ladr.figures.frame.results import SAMPLERS, Results

PHASED = re.compile(r"phases\.(\w+)\.(\w+)$")
ENDS = {"until": "end"}  # names of a phase's fields in text, where they differ


def listed(things: Iterable[str]) -> str:
    """The things in a sentence, for example `a, b and c`."""
    *first, last = things
    return f"{', '.join(first)} and {last}" if first else last


def group(key: str) -> str:
    """A key of `ablations` or `sweeps` as a title: figure5 becomes Figure 5."""
    text = re.sub(r"(?<=[a-z])(?=\d)", " ", key.replace("_", " "))
    return text[:1].upper() + text[1:]


def field(path: str) -> str:
    """The name of a sampler's field on an axis: phases.structure.alpha becomes structure phase: alpha."""
    match = PHASED.match(path)
    if match is None:
        return path.replace("_", " ").replace(".", ": ")
    return f"{match[1]} phase: {ENDS.get(match[2], match[2])}"


def fields(paths: Iterable[str]) -> str:
    """The fields in a sentence, for example `alpha and tau of the structure phase`."""
    owners: dict[str, list[str]] = {}
    for path in paths:
        owner, _, name = field(path).rpartition(": ")
        owners.setdefault(owner, []).append(name)
    return listed(listed(names) + (f" of the {owner}" if owner else "") for owner, names in owners.items())


def kin(results: Results, backbone: str, sampler: dict[str, Any], but: Iterable[str] = ()) -> str | None:
    """The label of the first sampler of the table that equals this one except for the fields `but`."""
    but = list(but)
    spec = without(sampler, but)
    lines = results.lines(SAMPLERS)
    for line in lines[lines.backbone == backbone].itertuples():
        if without(roles.sampler_of(results, line.cell), but) == spec:
            return line.label
    return None


def without(sampler: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """A sampler without the values of some fields; fields of its policy are named as in params.yaml."""
    for path in paths:
        keys = path.split(".")
        sampler = _blank(sampler, keys if keys[0] in sampler else ["policy", *keys])
    return sampler


def _blank(tree: Any, keys: list[str]) -> Any:
    if not isinstance(tree, dict) or keys[0] not in tree:
        return tree
    return {**tree, keys[0]: _blank(tree[keys[0]], keys[1:]) if keys[1:] else None}
