"""Sentences of the paper against its tables, and how sure its differences are."""

from collections.abc import Iterator
from functools import partial
from math import sqrt
from statistics import mean

from ladr.paper import significance as sure
from ladr.paper.audit import (
    BASE,
    FAILS,
    HOLDS,
    OPEN,
    OURS,
    OVERALL,
    TIME,
    Finding,
    printed,
    rows_of,
    tables,
    trials,
    value,
)

Row = dict[str, str]


def said() -> Iterator[Finding]:
    """Each sentence that a table can answer."""
    answers = {
        "above": _above, "wins": _wins, "only drop": _only_drop, "mean": _mean, "times": _times,
        "same": _same,
    }  # fmt: skip
    for row in rows_of("claims.csv"):
        verdict, why = answers[row["kind"]](row)
        yield Finding("Claim", f"{row['where']}: {row['says']}", verdict, why)


def _pair(row: Row) -> tuple[float, float]:
    where = row["table"].split(";")
    return value(where[0], row["a"], row["metric"]), value(where[-1], row["b"], row["metric"])


def _above(row: Row) -> tuple[str, str]:
    a, b = _pair(row)
    where = row["table"].replace(";", ", ")
    return (HOLDS if a > b else FAILS), f"{where} {row['metric']}: {a:.2f} against {b:.2f} ({a - b:+.2f})"


def _same(row: Row) -> tuple[str, str]:
    a, b = _pair(row)
    return (HOLDS if a == b else FAILS), f"{a:.2f} and {b:.2f}"


def _differences(row: Row) -> dict[str, float]:
    """`table metric` -> a - b, for every score of the tables."""
    out = {}
    for table in row["table"].split(";"):
        methods = tables()[table]
        for metric, cell in methods[row["a"]].items():
            if metric != TIME:
                out[f"{table} {metric}"] = cell.value - methods[row["b"]][metric].value
    return out


def _worst(found: dict[str, float]) -> str:
    lost = sorted((d, name) for name, d in found.items() if d < 0)
    return ", ".join(f"{name} {d:+.2f}" for d, name in lost)


def _wins(row: Row) -> tuple[str, str]:
    found = _differences(row)
    lost = sum(d < 0 for d in found.values())
    why = f"above {row['b']} in {sum(d > 0 for d in found.values())} of {len(found)} columns"
    return (FAILS, f"{why}; below in {_worst(found)}") if lost else (HOLDS, why)


def _only_drop(row: Row) -> tuple[str, str]:
    found = {k: d for k, d in _differences(row).items() if not k.endswith(f" {row['metric']}")}
    why = _worst(found)
    return (FAILS, f"lower than {row['b']} elsewhere too: {why}") if why else (HOLDS, "no other column falls")


def _mean(row: Row) -> tuple[str, str]:
    found = {t: value(t, row["a"], row["metric"]) for t in row["table"].split(";")}
    low, high = (int(x) for x in row["value"].split("-"))
    average = mean(found.values())
    away = [f"{t} {v:.2f}" for t, v in found.items() if not low <= round(v) <= high]
    why = f"mean {average:.2f}" + (f"; not {', '.join(away)}" if away else "")
    return (HOLDS if low <= round(average) <= high else FAILS), why


def _times(row: Row) -> tuple[str, str]:
    pairs = [(value(t, row["b"], TIME), value(t, row["a"], TIME)) for t in row["table"].split(";")]
    found = [b / a for b, a in pairs]
    digits = len(row["value"].partition(".")[2])
    near = all(f"{ratio:.{digits}f}" == row["value"] for ratio in found)
    return (HOLDS if near else FAILS), f"ratios of times {', '.join(f'{r:.2f}' for r in found)}"


def widths() -> Iterator[Finding]:
    """How uncertain each GenEval Overall is, and whether it differs from LADR's."""
    for table, methods in tables().items():
        rows = {m: _columns(cells) for m, cells in methods.items() if OVERALL in cells}
        if not all(rows.values()) or not rows:
            continue
        images = trials()[next(iter(methods[OURS].values())).benchmark, next(iter(rows[OURS]))][1]
        for method, columns in rows.items():
            half = sure.LEVEL * sqrt(sure.mean_variance(columns))
            wide = half * sqrt(sure.inflation(images))
            why = f"95 %: +-{half:.1f} with independent images, +-{wide:.1f} clustered"
            if method != OURS:
                why += "; LADR's lead " + _test(
                    methods[OURS][OVERALL].value - methods[method][OVERALL].value,
                    sure.mean_variance(rows[OURS]), sure.mean_variance(columns), images,
                )[1]  # fmt: skip
            yield Finding("Precision", f"{table} {method} {OVERALL}", OPEN, why)


def _columns(cells: dict) -> dict[str, tuple[float, int]]:
    """metric -> percent and trials, of the columns whose trials are known."""
    return {
        m: (c.value, trials()[c.benchmark, m][0]) for m, c in cells.items() if (c.benchmark, m) in trials()
    }


def _test(difference: float, first: float, second: float, images: int) -> tuple[str, str]:
    """Verdict on "they differ", and the numbers."""
    plain, wide = (sure.z(difference, first, second, f) for f in (1.0, sure.inflation(images)))
    text = f"{difference:+.2f}: z {plain:+.1f} independent, {wide:+.1f} clustered"
    if abs(wide) > sure.LEVEL:
        return HOLDS, text
    return OPEN, text + ("; lost once clustered" if abs(plain) > sure.LEVEL else "; cannot be told apart")


def differences(other: str = BASE) -> Iterator[Finding]:
    """Does LADR differ from another method, column by column? Unpaired: pairs are not reported."""
    for table, methods in tables().items():
        if other not in methods or table == "Table 5":
            continue
        theirs = _columns(methods[other])
        for metric, (a, n) in _columns(methods[OURS]).items():
            b, images = theirs[metric][0], trials()[methods[OURS][metric].benchmark, metric][1]
            verdict, why = _test(a - b, sure.variance(a, n), sure.variance(b, n), images)
            yield Finding("Differs", f"{table} {metric}: LADR from {other}", verdict, why)


def ablations() -> Iterator[Finding]:
    """Are the gaps of Figures 5 and 6 larger than chance? Table 1's columns stand in for theirs."""
    ours = tables()["Table 1"][OURS]
    columns, told = _columns(ours), value("Table 1", OURS, OVERALL)
    spread, images = sure.mean_variance(columns), trials()["GenEval", next(iter(columns))][1]
    for p in printed():
        if p.table.startswith("Figure") and p.metric == OVERALL:
            verdict, why = _test(told - p.value, spread, spread, images)
            yield Finding("Differs", f"{p.table} LADR from {p.method}", verdict, f"{why}; one seed each")


def unprinted() -> Iterator[Finding]:
    """Which values of the ablation figures are printed as numbers?"""
    wanted = [*_columns(tables()["Table 1"][OURS]), OVERALL]
    for figure in ("Figure 5 (text)", "Figure 6 (text)"):
        cells = [p for p in printed() if p.table == figure]
        methods = list(dict.fromkeys(p.method for p in cells))
        why = f"{len(cells)} values of {', '.join(methods)} are given; each bar group has {len(wanted)} bars"
        yield Finding("Printed", figure, OPEN, why)
    absent = not any("Random Selection" in p.method for p in printed())
    why = "the text gives no number at all" if absent else "given"
    yield Finding("Printed", "Figure 5: Random Selection", FAILS if absent else HOLDS, why)


def theorem() -> Iterator[Finding]:
    """Does the printed bound hold for three classes?"""
    likely, second, third = 0.4, 0.3, 0.3
    gap, error = likely - second, second + third
    bound = (1 - gap) / 2
    why = f"p = ({likely}, {second}, {third}): gap {gap:.1f}, error {error:.2f}, bound {bound:.2f}"
    yield Finding("Theorem 1", "error at most (1 - gap) / 2", HOLDS if error <= bound else FAILS, why)


CHECKS = [
    said, widths, differences, partial(differences, "ML-Cache"), ablations, unprinted, theorem,
]  # fmt: skip
