"""The roles of an experiment's rows, such as baseline. A row's role follows from its spec, not its name."""

from typing import Any

import pandas as pd

from ladr.experiment import lines
from ladr.figures.frame.results import Results

DOUBT, TRIES = "doubt", "tries"  # the policies' names
MATCH = "match"  # the key of steps that are another cell's passes
SAME = "same passes"


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
    """LADR's opponent, else the first opponent of any row; None if there is none."""
    ours, plain = rescuing(results, rows), opponents(results, rows)
    names = [*(name for name, row in plain.items() if ours is not None and row == ours.name), *plain]
    return next((row for row in rows.itertuples() if names and row.name == names[0]), None)


def opponents(results: Results, rows: pd.DataFrame) -> dict[str, str]:
    """The baseline with as many steps as another row has passes: name of such a row -> name of the other."""
    base = baseline(rows)
    if base is None:
        return {}
    spec = {**sampler_of(results, base.cell), "steps": None}
    names = dict(zip(rows.cell, rows.name, strict=True))
    out = {}
    for row in rows.itertuples():
        sampler = sampler_of(results, row.cell)
        if isinstance(sampler["steps"], dict) and {**sampler, "steps": None} == spec:
            out[row.name] = names.get(sampler["steps"][MATCH], "")
    return out


def opponent(results: Results, rows: pd.DataFrame, row: Any) -> Any:
    """Plain decoding with as many passes as this row; with LADR's where the experiment has no such row."""
    own = [name for name, other in opponents(results, rows).items() if other == row.name]
    return next((r for r in rows.itertuples() if own and r.name == own[0]), None) or fair(results, rows)


def beside(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in another order: each opponent stands after the row that it is compared with."""
    plain = opponents(results, rows)
    names = list(dict.fromkeys(rows.name))
    places = {
        name: names.index(plain[name]) if plain.get(name) in names else i for i, name in enumerate(names)
    }
    order = sorted(range(len(rows)), key=lambda i: (places[rows.name.iloc[i]], rows.name.iloc[i] in plain))
    return rows.iloc[order]


def short(results: Results, rows: pd.DataFrame) -> dict[str, str]:
    """Label -> label where opponents stand beside their rows: Cosine, same passes."""
    plain, base = opponents(results, rows), baseline(rows)
    return {
        row.label: f"{base.label}, {SAME}" if row.name in plain else row.label for row in rows.itertuples()
    }


def rescuing(results: Results, rows: pd.DataFrame) -> Any:
    """The first row whose policy has phases: the experiment's LADR; None if there is none."""
    return next((row for row in rows.itertuples() if phases_of(results, row.cell)), None)


def doubting(results: Results, rows: pd.DataFrame) -> list[Any]:
    """The rows whose policy is the doubt budget, or several tries of it."""
    return [r for r in rows.itertuples() if _doubts(sampler_of(results, r.cell)["policy"])]


def _doubts(policy: dict[str, Any]) -> bool:
    return policy["policy"] == DOUBT or (policy["policy"] == TRIES and _doubts(policy["of"]))


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
