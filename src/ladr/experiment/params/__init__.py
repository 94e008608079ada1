"""params.yaml, read and checked. All mistakes are reported at once, before anything runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.experiment.params.check import Issue, issues
from ladr.experiment.params.models import (
    Ablation,
    BackboneRow,
    Latency,
    Official,
    Params,
    Sampler,
    Sweep,
)
from ladr.experiment.params.source import Source, at, value_of
from ladr.experiment.params.sweeps import varied
from ladr.experiment.params.typed import typed

SHOWN = 20  # mistakes that one report lists
LONGEST = 80  # characters of a key or value that a report shows


def load(path: str | Path = "params.yaml", changes: Mapping[str, Any] | None = None) -> Params:
    """The experiment of that file; `changes` are dotted keys set to other values, as on a command line."""
    source = Source.read(path)
    source.data = varied(source.data, changes or {})
    source.changes = {tuple(key.split(".")): _said(changes, key) for key in changes or {}}
    return checked(source)


def _said(changes: Mapping[str, Any] | None, key: str) -> str:
    """What a person typed to change this key."""
    typed_as = changes.said if isinstance(changes, Changes) else {}
    return typed_as.get(key, key)


def checked(source: Source) -> Params:
    """The experiment that the source holds; LadrError with all its mistakes."""
    mistakes = [*typed(source.data), *issues(source.data)]
    if mistakes:
        raise LadrError(report(mistakes, source))
    return Params.model_validate(source.data)


def report(mistakes: list[Issue], source: Source) -> str:
    """One line per mistake in the order of the file: file:line: key = value: what is wrong.

    For what a change on the command line brought in, the change stands in place of the line, after all lines.
    Of several mistakes of one value the first is shown.
    """
    placed: dict[tuple, Issue] = {}
    for issue in mistakes:
        placed.setdefault(issue.path, issue)
    lines = sorted((source.order(i.path), source.place(i.path), _line(i, source)) for i in placed.values())
    text = list(dict.fromkeys(f"{place}: {said}" for _, place, said in lines))
    if len(text) == 1:
        return text[0]
    left = [f"and {len(text) - SHOWN} more"] if len(text) > SHOWN else []
    return "\n".join([f"{source.name}: {len(text)} mistakes", *text[:SHOWN], *left])


def _line(issue: Issue, source: Source) -> str:
    key = " ".join(".".join(shortened(str(k)) for k in issue.path).split()) or "file"
    value = at(source.data, issue.path)
    shown = "" if value is None or isinstance(value, (dict, list)) else f" = {shortened(repr(value))}"
    return f"{key}{shown}: {' '.join(issue.message.split())}"


def shortened(text: str) -> str:
    """The text, or its beginning where it is too long for a line."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


class Changes(dict[str, Any]):
    """Dotted key -> value. `said` keeps what a person typed for each key, for messages."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, str] = {}


def changes_of(texts: list[str], where: str = "--set") -> Changes:
    """`key.inner=value` texts as a mapping; values are YAML. `where` says in messages where they stand."""
    changes = Changes()
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not all(key.split(".")) or not key.isprintable():
            raise LadrError(f"{where} {shortened(text)!r} is not allowed; KEY=VALUE, such as steps=32")
        changes[key] = value_of(value, f"{where} {shortened(key)}")
        changes.said[key] = f"{where} {' '.join(shortened(text).split())}"
    return changes


__all__ = [
    "Ablation", "BackboneRow", "Changes", "Latency", "Official", "Params", "Sampler", "Sweep", "changes_of",
    "checked", "load", "report",
]  # fmt: skip
