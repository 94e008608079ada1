"""Which row of an experiment plays which part. Rows are known by what they specify, never by their names."""

from typing import Any

import pandas as pd

from ladr.figures.frame.results import Results

DELAYED = "Table 5"  # of the paper: what rescuing later does


def sampler_of(results: Results, cell: str) -> dict[str, Any]:
    """policy, steps, temperature and cache of a cell."""
    return results.record(cell)["spec"]["sampler"]


def asked_of(results: Results, cell: str) -> dict[str, Any]:
    """The benchmark of a cell: its version, prompts and images."""
    return results.record(cell)["spec"]["benchmark"]


def baseline(rows: pd.DataFrame) -> Any:
    """The row that differences are relative to, None if it is not among these."""
    return next((row for row in rows.itertuples() if row.cell == row.baseline), None)


def fair(results: Results, rows: pd.DataFrame) -> Any:
    """The row that is the baseline but for its steps, taken from another row's passes; None without."""
    base = baseline(rows)
    if base is None:
        return None
    wanted = {**sampler_of(results, base.cell), "steps": None}
    for row in rows.itertuples():
        sampler = sampler_of(results, row.cell)
        if not isinstance(sampler["steps"], int) and {**sampler, "steps": None} == wanted:
            return row
    return None


def rescuing(results: Results, rows: pd.DataFrame) -> Any:
    """The first row whose policy has phases: the experiment's LADR; None without."""
    return next((row for row in rows.itertuples() if phases_of(results, row.cell)), None)


def phases_of(results: Results, cell: str) -> dict[str, dict[str, Any]]:
    """Phase -> until, alpha, tau; empty if the policy has none."""
    return sampler_of(results, cell)["policy"].get("phases") or {}


def delayed(results: Results, rows: pd.DataFrame) -> Any:
    """The row that is LADR but rescues nothing in its first phase; None without."""
    full = rescuing(results, rows)
    if full is None:
        return None
    wanted = _without_first(sampler_of(results, full.cell))
    for row in rows.itertuples():
        phases = phases_of(results, row.cell)
        alone = next(iter(phases.values()))["alpha"] == 0 if phases else False
        if row.cell != full.cell and alone and _without_first(sampler_of(results, row.cell)) == wanted:
            return row
    return None


def _without_first(sampler: dict[str, Any]) -> dict[str, Any]:
    phases = list(sampler["policy"]["phases"].items())
    return {**sampler, "policy": {**sampler["policy"], "phases": phases[1:]}}
