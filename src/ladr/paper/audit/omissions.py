"""Checks of the text: what the paper does not give, and where it describes its method in two ways."""

from collections.abc import Iterator
from math import floor

from ladr.paper.audit.printed import FAILS, NOTED, OPEN, OURS, TIME, Finding, printed, rows_of, tables

GRID = 4096  # cells of an image
CODES = 8192  # classes of a cell


def unprinted() -> Iterator[Finding]:
    """Which values of the ablation figures are printed as numbers?"""
    bars = [m for m in tables()["Table 1"][OURS] if m != TIME]
    for figure in ("Figure 5 (text)", "Figure 6 (text)"):
        cells = [p for p in printed() if p.table == figure]
        methods = ", ".join(dict.fromkeys(p.method for p in cells))
        values = f"{len(cells)} value{'s' if len(cells) > 1 else ''} of {methods}"
        yield Finding("Not given", figure, NOTED, f"{values}; each bar group has {len(bars)} bars")
    if not any("Random Selection" in p.method for p in printed()):
        yield Finding("Not given", "Figure 5: Random Selection", NOTED, "the text gives no number at all")


def missing() -> Iterator[Finding]:
    """What does a reader miss who wants to repeat the experiments? The list is omissions.csv."""
    for row in rows_of("omissions.csv"):
        yield Finding("Not given", row["what"], NOTED, row["why"])


def method() -> Iterator[Finding]:
    """Where do two places of the text differ about the method?"""
    phases = rows_of("phases.csv")
    strict, relaxed = phases[:2]
    why = (
        f"{strict['phase']} is called {strict['called']} and {relaxed['phase']} {relaxed['called']}: tau is "
    )
    why += (
        f"{strict['tau']} and {relaxed['tau']}, only alpha differs, {strict['alpha']} and {relaxed['alpha']}"
    )
    same = strict["tau"] == relaxed["tau"]
    yield Finding("Method", "3.3.2: thresholds of the phases", FAILS if same else NOTED, why)
    alphas = [float(row["alpha"]) for row in phases]
    counts = [c * a for c in range(1, GRID + 1) for a in alphas]
    parts = sum(abs(k - round(k)) > 1e-9 for k in counts)
    why = f"Eq. 10 rounds the rescued cells down, the algorithm does not: {parts / len(counts):.0%} of all "
    why += f"counts for up to {GRID} candidates are no whole numbers; "
    why += "rounded down, both rescue as many" if alike(alphas) else "rounded down, they differ"
    yield Finding("Method", "Algorithm 1 line 28 against Eq. 10", OPEN, why)
    why = (
        "Eq. 11 moves the time on after the rescue, the algorithm at the start of the next step: the same "
        "but for the first step, of which Eq. 11 says nothing"
    )
    yield Finding("Method", "Algorithm 1 lines 8 to 10 against Eq. 11", OPEN, why)


def alike(alphas: list[float], most: int = 64) -> bool:
    """Do min(floor(candidates x alpha), valid) and the first floor(candidates x alpha) of the valid agree?"""
    return all(
        min(floor(c * a), v) == len(range(v)[: floor(c * a)])
        for a in alphas
        for c in range(most + 1)
        for v in range(c + 1)
    )


def theorem() -> Iterator[Finding]:
    """Does the printed bound hold for three classes, and what would?"""
    likely, second, third = 0.4, 0.3, 0.3
    gap, error = likely - second, second + third
    bound = (1 - gap) / 2
    why = f"p = ({likely}, {second}, {third}): gap {gap:.1f}, error {error:.2f}, bound {bound:.2f}"
    yield Finding("Theorem 1", "error at most (1 - gap) / 2", FAILS if error > bound else NOTED, why)
    tau = float(rows_of("phases.csv")[0]["tau"])
    printed_bound = 1 - (1 + tau) / 2
    errors = ", ".join(f"{k} classes {worst(tau, k):.3f}" for k in (2, 3, CODES))
    why = (
        f"gap {tau}: bound 1 - (1 + gap) / 2 = {printed_bound:.3f}; error at most {errors}, when all others "
        "tie"
    )
    yield Finding("Theorem 1", "classes", NOTED, why)
    why = (
        "the two likeliest classes are taken to share all probability, which is the case with the least "
        "error; with more classes they sum to less than 1 and Eq. 15 does not follow"
    )
    yield Finding(
        "Theorem 1", "appendix, Eq. 14 and 15", FAILS if worst(tau, 3) > printed_bound else NOTED, why
    )


def worst(gap: float, classes: int) -> float:
    """The largest error under a gap: every other class has a probability that is lower by exactly the gap."""
    return (classes - 1) * (1 - gap) / classes


CHECKS = [unprinted, missing, method, theorem]
