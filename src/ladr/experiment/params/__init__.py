"""params.yaml, read and checked. All mistakes are reported at once, before anything runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ladr.base.errors import LadrError, nearest
from ladr.experiment.params.check import Issue, issues, varied
from ladr.experiment.params.models import (
    Ablation,
    BackboneRow,
    JudgeRow,
    Latency,
    Official,
    Params,
    Sampler,
    Strict,
    Sweep,
)
from ladr.experiment.params.source import Source, at


def load(path: str | Path = "params.yaml", changes: Mapping[str, Any] | None = None) -> Params:
    """The experiment of that file; `changes` are dotted keys set to other values, as on a command line."""
    source = Source.read(path)
    source.data = varied(source.data, changes or {})
    mistakes = [*typed(source.data), *issues(source.data)]
    if mistakes:
        raise LadrError(report(mistakes, source))
    return Params.model_validate(source.data)


def typed(data: Mapping[str, Any]) -> list[Issue]:
    """The mistakes that types show: a wrong type, a key that is missing or unknown."""
    try:
        Params.model_validate(data)
    except ValidationError as error:
        return [_issue(e) for e in error.errors(include_url=False)]
    return []


def _issue(error: Mapping[str, Any]) -> Issue:
    """One of pydantic's errors in our words, without the names it gives to the arms of a union."""
    path = tuple(k for k in error["loc"] if k not in ("[key]", "str", "constrained-int", "int"))
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        return Issue(path, f"no such key{nearest(path[-1], _keys(path[:-1]))}")
    if kind == "missing":
        return Issue(path, "is missing")
    if kind == "string_pattern_mismatch":
        message = "a name has lower-case letters, digits, - and _ only"
    return Issue(path, message[:1].lower() + message[1:])


def _keys(path: tuple) -> list[str]:
    """The keys that the model at `path` has."""
    model: Any = Params
    homes = {
        "backbones": BackboneRow, "samplers": Sampler, "ablations": Ablation, "sweeps": Sweep,
        "latency": Latency, "official": JudgeRow if path[1:2] == ("judge",) else Official,
    }  # fmt: skip
    if path:
        model = homes.get(path[0], Strict)
    return list(model.model_fields)


def report(mistakes: list[Issue], source: Source) -> str:
    """One line per mistake in the order of the file: file:line: key = value: what is wrong."""
    placed: dict[tuple, Issue] = {}
    for issue in mistakes:
        placed.setdefault((issue.path, issue.message), issue)
    lines = sorted((source.line(i.path), _said(i, source)) for i in placed.values())
    text = [f"{source.name}:{line}: {said}" for line, said in lines]
    text = list(dict.fromkeys(text))
    many = f"{len(text)} mistakes" if len(text) > 1 else "1 mistake"
    return "\n".join([f"{source.name}: {many}", *text])


def _said(issue: Issue, source: Source) -> str:
    key = ".".join(str(k) for k in issue.path) or "file"
    value = at(source.data, issue.path)
    shown = "" if value is None or isinstance(value, (dict, list)) else f" = {value!r}"
    return f"{key}{shown}: {issue.message}"


def changes_of(texts: list[str]) -> dict[str, Any]:
    """`key.inner=value` texts as a mapping; values are YAML."""
    from ruamel.yaml import YAML

    out = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise LadrError(f"{text!r} is not allowed; KEY=VALUE")
        out[key] = YAML(typ="safe").load(value)
    return out


__all__ = [
    "Ablation", "BackboneRow", "Latency", "Official", "Params", "Sampler", "Sweep", "changes_of", "load",
    "report",
]  # fmt: skip
