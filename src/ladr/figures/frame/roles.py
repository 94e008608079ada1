"""Which row of an experiment plays which part. Rows are known by what they specify, never by their names."""

from typing import Any

import pandas as pd

from ladr.experiment import lines
from ladr.figures.frame.results import Results


def sampler_of(results: Results, cell: str) -> dict[str, Any]:
    """policy, steps, temperature and cache of a cell."""
    return results.record(cell)["spec"]["sampler"]


def styled(results: Results, rows: pd.DataFrame) -> list[str]:
    """Their labels in the order in which colours are given: rows with a cache last, since some backbones have
    nothing to cache and the other rows are to look the same on all of them."""
    cached = [sampler_of(results, cell)["cache"] is not None for cell in rows.cell]
    return [label for _, label in sorted(zip(cached, rows.label, strict=True), key=lambda pair: pair[0])]


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
    wanted = sampler_of(results, full.cell)
    return next((r for r in rows.itertuples() if lines.delays(sampler_of(results, r.cell), wanted)), None)


def budget_of(results: Results, cell: str) -> str:
    """The cell whose commits per image and pass this one makes: another's that it replays, or its own."""
    return lines.budget(cell, sampler_of(results, cell))


def own_budgets(results: Results, rows: pd.DataFrame) -> bool:
    """Does no row replay another cell?"""
    return all(budget_of(results, cell) == cell for cell in rows.cell)


def same_budget(results: Results, cell: str, other: str) -> bool:
    """Do both commit as many cells per image and pass, by what they specify?"""
    return budget_of(results, cell) == budget_of(results, other)
