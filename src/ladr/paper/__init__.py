"""The paper that `ladr` reproduces: its printed numbers, their audit, and its theory on exact models.

This file holds the printed numbers (`load`, `cell`, `Printed`): they are audited and shown, and no experiment
reads them. `audit/` checks the numbers against each other, `theory/` checks the claims of section 3.2. Other
rooms may call `ladr.paper`, `audit.audit`, `audit.significance`, and `theory`. This room may import
experiment, benchmarks, backbones, decoding and base.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Printed:
    """One printed number. `digits` is how many decimals the paper gives it."""

    table: str
    benchmark: str
    method: str
    metric: str
    value: float
    digits: int


def load() -> tuple[Printed, ...]:
    """All printed numbers, in the paper's order."""
    text = (files(__name__) / "results.csv").read_text(encoding="utf-8")
    names = ("table", "benchmark", "method", "metric")
    return tuple(
        Printed(*(row[name] for name in names), float(row["value"]), len(row["value"].partition(".")[2]))
        for row in csv.DictReader(text.splitlines())
    )


def cell(table: str, method: str, metric: str) -> Printed:
    """The one number of `method` under `metric` in `table`; KeyError when the paper prints none."""
    cells = [p for p in load() if (p.table, p.method, p.metric) == (table, method, metric)]
    if len(cells) != 1:
        raise KeyError((table, method, metric))
    return cells[0]
