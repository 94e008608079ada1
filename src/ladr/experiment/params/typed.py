"""Mistakes in params.yaml that types show: a wrong type or range, a key that is missing or unknown."""

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
        yield from map(_issue, sorted(error.errors(include_url=False), key=_is_number_for_text))


def _is_number_for_text(error: Mapping[str, Any]) -> bool:
    """Does the text's arm of a union complain about a number? What the number's arm says helps more."""
    return "str" in error["loc"] and isinstance(error["input"], int)


def _issue(error: Mapping[str, Any]) -> Issue:
    """One of pydantic's errors in our words, without the names it gives to the arms of a union."""
    path = tuple(k for k in error["loc"] if k not in ARMS)
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
