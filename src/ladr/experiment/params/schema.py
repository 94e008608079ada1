"""The JSON schema of params.yaml, for editors."""

from dataclasses import fields
from functools import partial
from typing import Any

from ladr.decoding.policies import POLICIES
from ladr.experiment.params.models import Params


def schema() -> dict[str, Any]:
    """Of the whole file; a sampler may have any field of any policy, and no other."""
    found = Params.model_json_schema()
    sampler = found["$defs"]["Sampler"]
    known: dict[str, list[str]] = {}
    for name, made in POLICIES.items():
        cls = made.func if isinstance(made, partial) else made
        for field in fields(cls):
            if field.metadata.get("spec", True):
                known.setdefault(field.name, []).append(name)
    for name, owners in known.items():
        sampler["properties"].setdefault(name, {"description": f"a field of {', '.join(owners)}"})
    for part in ("first", "second"):
        sampler["properties"][part] = {"type": "object", "description": "a part of then or union"}
    sampler["properties"]["policy"]["enum"] = sorted([*POLICIES, "then", "union"])
    sampler["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
