"""One colour and marker per sampler in all figures, whichever rows and backbones an experiment has.

The rows of params.yaml have theirs by name, other rows of `samplers` the next ones in the order of the table.
A row of an ablation that is one of these except for its budget looks the same. The other rows of ablations
have colours of their own.
"""

import json
from collections.abc import Iterable
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


OPPONENTS = {
    "cosine_matched": "ladr",
    "cosine_matched_doubt": "doubt",
    "cosine_matched_careful": "doubt_careful",
}  # plain decoding with as many passes as another row: a ring in that row's colour


def looks(results: Results, rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Label of a row -> colour and marker."""
    return {row.label: _look(results, row) for row in rows.itertuples()}


def look_of(results: Results, label: str | None) -> dict[str, Any]:
    """Colour and marker of the table's sampler with that label; those of no sampler without one."""
    table = results.lines(SAMPLERS)
    own = table.name[table.label == label]
    return look_named(own.iloc[0], table.name) if len(own) else style.neutral()


def look_named(name: str, names: Iterable[str] = ()) -> dict[str, Any]:
    """Colour and marker of the row of that name; `names` are those of all rows of the table."""
    if name in OPPONENTS:
        return style.ring(look_named(OPPONENTS[name])["color"])
    return style.look(list(dict.fromkeys((*KNOWN, *(n for n in names if n not in OPPONENTS)))).index(name))


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
    return style.other(_others(results, row.backbone).index(_rule(results, row.cell)))


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
