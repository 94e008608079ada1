"""How sure the printed numbers and their differences are: binomial errors, wherever the trials are known."""

from collections.abc import Iterator
from functools import cache, partial
from math import sqrt

from ladr.paper import Printed
from ladr.paper.audit import significance as sure
from ladr.paper.audit.printed import (
    BASE,
    HOLDS,
    NOTED,
    OPEN,
    OURS,
    OVERALL,
    Finding,
    certain,
    printed,
    questions,
    tables,
    trials,
    value,
)


def widths() -> Iterator[Finding]:
    """How uncertain each GenEval Overall is, and whether it differs from LADR's."""
    for table, methods in tables().items():
        rows = {m: _columns(cells) for m, cells in methods.items() if OVERALL in cells}
        if any(len(columns) + 2 < len(methods[m]) for m, columns in rows.items()) or not rows:
            continue  # the Overall is not the mean of columns that are known
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
            yield Finding("Precision", f"{table} {method} {OVERALL}", NOTED, why)


@cache
def sizes() -> dict[tuple[str, str], tuple[int, int]]:
    """The known trials, and those that follow from the printed numbers of DPG-Bench: one image per prompt."""
    inferred = {
        ("DPG-Bench", metric): (fits[0], 1) for metric, cells, fits in questions() if certain(cells, fits)
    }
    return trials() | inferred


def _columns(cells: dict) -> dict[str, tuple[float, int]]:
    """metric -> percent and trials, of the columns whose trials are known."""
    return {m: (c.value, sizes()[c.benchmark, m][0]) for m, c in cells.items() if (c.benchmark, m) in sizes()}


def columns() -> Iterator[Finding]:
    """How uncertain each column is."""
    for table, methods in tables().items():
        if table == "Table 5":
            continue
        for metric, (ours, n) in _columns(methods[OURS]).items():
            images = sizes()[methods[OURS][metric].benchmark, metric][1]
            half = sure.LEVEL * sqrt(sure.variance(ours, n))
            others = [
                sure.LEVEL * sqrt(sure.variance(c[metric].value, n)) for m, c in methods.items() if m != OURS
            ]
            why = f"95 %: {OURS} {ours:.2f} +-{half:.1f} with {n} independent judgements"
            why += f", +-{half * sqrt(sure.inflation(images)):.1f} clustered" if images > 1 else ""
            why += f"; the others +-{min(others):.1f} to {max(others):.1f} independent"
            yield Finding("Precision", f"{table} {metric}", NOTED, why)


def compared(a: Printed, b: Printed) -> tuple[bool, str] | None:
    """Whether two printed proportions differ for sure, and the numbers; None where trials are not known."""
    if (a.benchmark, a.metric) not in sizes():
        return None
    n, images = sizes()[a.benchmark, a.metric]
    verdict, why = _test(a.value - b.value, sure.variance(a.value, n), sure.variance(b.value, n), images)
    return verdict == HOLDS, why


def _test(difference: float, first: float, second: float, images: int) -> tuple[str, str]:
    """The verdict on "the two differ", and the numbers."""
    plain, wide = (sure.z(difference, first, second, f) for f in (1.0, sure.inflation(images)))
    text = f"{difference:+.2f}: z {plain:+.1f} independent"
    text += f", {wide:+.1f} clustered" if images > 1 else ", one image per prompt"
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
            b = theirs[metric][0]
            images = sizes()[methods[OURS][metric].benchmark, metric][1]
            verdict, why = _test(a - b, sure.variance(a, n), sure.variance(b, n), images)
            yield Finding("Differs", f"{table} {metric}: LADR from {other}", verdict, why)


def ablations() -> Iterator[Finding]:
    """Are the gaps of Figures 5 and 6 larger than chance? Table 1's columns stand in for theirs."""
    ours = tables()["Table 1"][OURS]
    columns = _columns(ours)
    overall = value("Table 1", OURS, OVERALL)
    spread = sure.mean_variance(columns)
    images = trials()["GenEval", next(iter(columns))][1]
    for p in printed():
        if p.table.startswith("Figure") and p.metric == OVERALL:
            verdict, why = _test(overall - p.value, spread, spread, images)
            yield Finding("Differs", f"{p.table} LADR from {p.method}", verdict, f"{why}; one seed each")


CHECKS = [widths, columns, differences, partial(differences, "ML-Cache"), ablations]
