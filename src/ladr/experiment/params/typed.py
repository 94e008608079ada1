"""Mistakes in params.yaml that types show: a wrong type or range, a key that is missing or unknown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from ladr.base.errors import nearest
from ladr.experiment.params.models import (
    Ablation,
    BackboneRow,
    Curves,
    JudgeRow,
    Latency,
    Official,
    Params,
    Sampler,
    Strict,
    Sweep,
)
from ladr.experiment.params.policy import Issue

ARMS = ("[key]", "str", "constrained-int", "int")  # pydantic's names for the parts of a union
MAPPING = re.compile(r"dict\[.*\]")  # and for a part that reads mappings
GONE = {("cells_per_job",): "is no longer a key; `job_minutes` in a backbone's row says how long jobs are"}


def typed(data: Mapping[str, Any]) -> list[Issue]:
    """The mistakes of a whole file."""
    return list(_issues(Params, data))


def typed_row(row: Mapping[str, Any]) -> list[Issue]:
    """The mistakes of one sampler's row."""
    return list(_issues(Sampler, row))


def _issues(model: type[Strict] | type[Sampler], data: Mapping[str, Any]) -> Iterator[Issue]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        every = sorted(error.errors(include_url=False), key=_of_another_form)
        meant = [_path(one) for one in every if not _of_another_form(one)]
        for one in every:
            here = _path(one)
            if not _of_another_form(one) or not any(path[: len(here)] == here for path in meant):
                yield _issue(one)


def _path(error: Mapping[str, Any]) -> tuple[str | int, ...]:
    """The keys that lead to the value, without the names that pydantic gives to the arms of a union."""
    return tuple(key for key in error["loc"] if key not in ARMS and not MAPPING.fullmatch(str(key)))


def _of_another_form(error: Mapping[str, Any]) -> bool:
    """Does an arm of a union complain about a number or a mapping, which it does not read? What the arm that
    reads it says helps more."""
    arm, value = error["loc"][-1], error["input"]
    if "str" in error["loc"] or MAPPING.fullmatch(str(arm)):
        return isinstance(value, int)
    return arm in ARMS and isinstance(value, Mapping)


def _issue(error: Mapping[str, Any]) -> Issue:
    """One of pydantic's errors in our words."""
    path = _path(error)
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden" and path in GONE:
        return Issue(path, GONE[path])
    if kind == "extra_forbidden":
        return Issue(path, f"no such key{nearest(path[-1], _keys(path[:-1]))}")
    if kind == "missing":
        return Issue(path, "is missing")
    if kind == "string_pattern_mismatch":
        message = "a name has lower-case letters, digits, - and _ only, 80 at most"
    return Issue(path, message[:1].lower() + message[1:])


def _keys(path: tuple) -> list[str]:
    """The keys that the model at `path` has."""
    model: Any = Params
    homes = {
        "backbones": BackboneRow, "samplers": Sampler, "ablations": Ablation, "sweeps": Sweep,
        "curves": Curves,
        "latency": Latency, "official": JudgeRow if path[1:2] == ("judge",) else Official,
    }  # fmt: skip
    if path:
        model = homes.get(path[0], Strict)
    return list(model.model_fields)
