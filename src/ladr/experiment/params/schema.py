"""The JSON schema of params.yaml, for editors."""

from collections.abc import Mapping
from typing import Any

from ladr.base.outside import ADDRESS
from ladr.decoding.policies import PAIRS, POLICIES, fields_of
from ladr.experiment.params.models import Params


def schema() -> dict[str, Any]:
    """The schema of the whole file. A sampler may have any field of any policy and no other; one from outside
    this package may have fields of its own."""
    file = Params.model_json_schema()
    owners: dict[str, list[str]] = {}
    for name in POLICIES:
        for field in fields_of(name):
            owners.setdefault(field, []).append(name)
    for kind in ("Sampler", "CurveRow"):
        _complete(file["$defs"][kind], owners)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **file}


def _complete(sampler: dict[str, Any], owners: Mapping[str, list[str]]) -> None:
    """Add the fields of all policies to the schema of a sampler."""
    for field, names in owners.items():
        sampler["properties"].setdefault(field, {"description": f"a field of {', '.join(names)}"})
    for part in ("first", "second"):
        sampler["properties"][part] = {"type": "object", "description": "a part of then or union"}
    outside = {"pattern": f"^{ADDRESS}$"}
    own = {"enum": sorted([*POLICIES, *PAIRS])}
    sampler["properties"]["policy"]["anyOf"] = [own, {**outside, "description": "package.module:name"}]
    sampler["if"] = {"properties": {"policy": outside}}
    sampler["else"] = {"propertyNames": {"enum": sorted(sampler["properties"])}}
