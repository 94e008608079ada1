"""Names that a reader understands: of the groups of an experiment, of fields of a sampler, of a sampler."""

import re
from collections.abc import Iterable
from typing import Any

from ladr.figures.frame import roles
from ladr.figures.frame.results import SAMPLERS, Results

PHASED = re.compile(r"phases\.(\w+)\.(\w+)$")
ENDS = {"until": "end"}  # of a phase


def listed(things: Iterable[str]) -> str:
    """a, b and c."""
    *first, last = things
    return f"{', '.join(first)} and {last}" if first else last


def group(key: str) -> str:
    """A key of `ablations` or `sweeps`: figure5 is Figure 5."""
    text = re.sub(r"(?<=[a-z])(?=\d)", " ", key.replace("_", " "))
    return text[:1].upper() + text[1:]


def field(path: str) -> str:
    """A field of a sampler, as an axis calls it: phases.structure.alpha is structure phase: alpha."""
    found = PHASED.match(path)
    if found is None:
        return path.replace("_", " ").replace(".", ": ")
    return f"{found[1]} phase: {ENDS.get(found[2], found[2])}"


def fields(paths: Iterable[str]) -> str:
    """Fields in a sentence: alpha and tau of the structure phase."""
    owners: dict[str, list[str]] = {}
    for path in paths:
        owner, _, name = field(path).rpartition(": ")
        owners.setdefault(owner, []).append(name)
    return listed(listed(names) + (f" of the {owner}" if owner else "") for owner, names in owners.items())


def kin(results: Results, backbone: str, sampler: dict[str, Any], but: Iterable[str] = ()) -> str | None:
    """The label of the first sampler of the table that is this one, but for the values of some fields."""
    but = list(but)
    wanted = without(sampler, but)
    lines = results.grid[(results.grid.group == SAMPLERS) & (results.grid.backbone == backbone)]
    for line in lines.itertuples():
        if without(roles.sampler_of(results, line.cell), but) == wanted:
            return line.label
    return None


def without(sampler: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """A sampler less the values of some fields; those of its policy are named as in params.yaml."""
    for path in paths:
        keys = path.split(".")
        sampler = _blank(sampler, keys if keys[0] in sampler else ["policy", *keys])
    return sampler


def _blank(tree: Any, keys: list[str]) -> Any:
    if not isinstance(tree, dict) or keys[0] not in tree:
        return tree
    return {**tree, keys[0]: _blank(tree[keys[0]], keys[1:]) if keys[1:] else None}
