"""Specs as plain JSON, there and back; what is unstated is left out."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from ladr.shapes.spec import Item, Relation, Spec, Word

_PARTS = {"items": Item, "absent": Item, "relations": Relation}


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """JSON values only; `spec_from_json` gives back an equal spec."""
    plain = _plain(spec)
    for name in _PARTS:
        if name in plain:
            plain[name] = [_plain(part) for part in plain[name]]
    if spec.word is not None:
        plain["word"] = _plain(spec.word)
    if "same" in plain:
        plain["same"] = list(plain["same"])
    return plain


def spec_from_json(plain: Mapping[str, Any]) -> Spec:
    """The spec that `spec_to_json` wrote; TypeError for a key that no spec has."""
    values = dict(plain)
    for name, kind in _PARTS.items():
        values[name] = tuple(kind(**part) for part in values.get(name, ()))
    values["word"] = Word(**values["word"]) if values.get("word") else None
    values["same"] = tuple(values.get("same", ()))
    return Spec(**values)


def _plain(thing) -> dict[str, Any]:
    """Fields that differ from their default."""
    return {
        f.name: getattr(thing, f.name)
        for f in fields(thing)
        if f.default is MISSING or getattr(thing, f.name) != f.default
    }
