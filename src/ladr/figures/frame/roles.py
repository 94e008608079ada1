"""The roles of an experiment's rows, such as baseline. A row's role follows from its spec, not its name."""

from typing import Any

import pandas as pd

from ladr.experiment import lines
from ladr.figures.frame.results import Results

DOUBT = "doubt"  # the policy's name


def sampler_of(results: Results, cell: str) -> dict[str, Any]:
    """policy, steps, temperature and cache of a cell."""
    return results.record(cell)["spec"]["sampler"]


def benchmark_of(results: Results, cell: str) -> dict[str, Any]:
    """The benchmark in a cell's spec: its name, version, prompts and images."""
    return results.record(cell)["spec"]["benchmark"]


def baseline(rows: pd.DataFrame) -> Any:
    """The row that the others are compared with; None if it is not among these."""
    return next((row for row in rows.itertuples() if row.cell == row.baseline), None)


def fair(results: Results, rows: pd.DataFrame) -> Any:
    """The baseline with as many steps as another row has passes; None if there is no such row."""
    base = baseline(rows)
    if base is None:
        return None
    spec = {**sampler_of(results, base.cell), "steps": None}
    for row in rows.itertuples():
        sampler = sampler_of(results, row.cell)
        if not isinstance(sampler["steps"], int) and {**sampler, "steps": None} == spec:
            return row
    return None


def rescuing(results: Results, rows: pd.DataFrame) -> Any:
    """The first row whose policy has phases: the experiment's LADR; None if there is none."""
    return next((row for row in rows.itertuples() if phases_of(results, row.cell)), None)


def doubting(results: Results, rows: pd.DataFrame) -> Any:
    """The first row whose policy is the doubt budget; None if there is none."""
    policies = ((row, sampler_of(results, row.cell)["policy"]) for row in rows.itertuples())
    return next((row for row, policy in policies if policy["policy"] == DOUBT), None)


def phases_of(results: Results, cell: str) -> dict[str, dict[str, Any]]:
    """Phase -> until, alpha, tau; empty if the policy has none."""
    return sampler_of(results, cell)["policy"].get("phases") or {}


def delayed(results: Results, rows: pd.DataFrame) -> Any:
    """The row that is LADR without a rescue in its first phase; None if there is none."""
    full = rescuing(results, rows)
    if full is None:
        return None
    spec = sampler_of(results, full.cell)
    return next((r for r in rows.itertuples() if lines.delays(sampler_of(results, r.cell), spec)), None)


def budget_of(results: Results, cell: str) -> str:
    """The cell whose number of commits per image and pass this one has: a cell that it replays, or itself."""
    return lines.budget(cell, sampler_of(results, cell))


def own_budgets(results: Results, rows: pd.DataFrame) -> bool:
    """Whether no row replays the budget of another cell."""
    return all(budget_of(results, cell) == cell for cell in rows.cell)


def same_budget(results: Results, cell: str, other: str) -> bool:
    """Whether the specs of both say that they commit equally many cells per image and pass."""
    return budget_of(results, cell) == budget_of(results, other)
