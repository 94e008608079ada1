"""One colour and marker per sampler in all figures, whichever rows and backbones an experiment has.

The rows of params.yaml have theirs by name. Plain decoding with as many passes as another row is a ring in
that row's colour. Other rows of `samplers` have further colours in the order of the table, and after them the
rows of ablations; one that is a row of the table except for its budget looks the same as it.
"""

import json
from typing import Any

import pandas as pd

from ladr.experiment.lines import SAMPLERS
from ladr.figures.frame import style, words
from ladr.figures.frame.results import Results
from ladr.figures.frame.roles import sampler_of

BUDGET = "budget"  # the field of a policy that names the budget
ABLATIONS = "ablations/"
KNOWN = (
    "cosine", "doubt_careful", "prophet", "ladr", "ladr_delayed", "ladr_independent", "doubt", "halton",
    "ml_cache", "ladr_cache",
)  # fmt: skip


def looks(results: Results, rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Label of a row -> colour and marker."""
    return {row.label: _look(results, row) for row in rows.itertuples()}


def look_of(results: Results, label: str | None) -> dict[str, Any]:
    """Colour and marker of the table's sampler with that label; those of no sampler without one."""
    table = results.lines(SAMPLERS)
    names = table.name[table.label == label]
    if not len(names):
        return style.neutral()
    name = names.iloc[0]
    while name in results.opponents:
        name = results.opponents[name]
    look = look_named(name) if name in KNOWN else style.other(_further(results).index(name))
    return look if name == names.iloc[0] else style.ring(look["color"])


def look_named(name: str) -> dict[str, Any]:
    """Colour and marker of a row of params.yaml, one of KNOWN."""
    return style.look(KNOWN.index(name))


def _further(results: Results) -> list[str]:
    """The table's samplers that are neither KNOWN nor opponents."""
    names = dict.fromkeys(results.lines(SAMPLERS).name)
    return [name for name in names if name not in KNOWN and name not in results.opponents]


def same_as(results: Results, row: Any) -> str | None:
    """The label of the table's sampler that an ablation's row is, except for what it replays, or None."""
    if row.group == SAMPLERS:
        return None
    sampler = sampler_of(results, row.cell)
    return words.kin(results, row.backbone, sampler, _replaying(sampler))


def _replaying(sampler: dict[str, Any]) -> tuple[str, ...]:
    """The fields that say whose counts a sampler replays. A number called budget is no such thing: it is the
    doubt budget."""
    return () if isinstance(sampler["policy"].get(BUDGET), int | float) else (BUDGET,)


def _look(results: Results, row: Any) -> dict[str, Any]:
    label = row.label if row.group == SAMPLERS else same_as(results, row)
    if label is not None:
        return look_of(results, label)
    others = _others(results, row.backbone)
    return style.other(len(_further(results)) + others.index(_rule(results, row.cell)))


def _others(results: Results, backbone: str) -> list[str]:
    """The rules of all ablations that the table does not have, in the order of the experiment."""
    lines = results.lines(ABLATIONS)
    lines = lines[lines.backbone == backbone]
    rules = [_rule(results, line.cell) for line in lines.itertuples() if same_as(results, line) is None]
    return list(dict.fromkeys(rules))


def _rule(results: Results, cell: str) -> str:
    """The sampler of a cell without what it replays, as text."""
    sampler = sampler_of(results, cell)
    return json.dumps(words.without(sampler, _replaying(sampler)), sort_keys=True)
