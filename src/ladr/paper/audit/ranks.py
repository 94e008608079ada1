"""Checks of the second-best marks, and comparisons of the printed times."""

from collections.abc import Iterator

from ladr.paper.audit.printed import (
    BASE,
    FAILS,
    HOLDS,
    NOTED,
    OPEN,
    OURS,
    OVERALL,
    TIME,
    Finding,
    changes,
    overalls,
    printed,
    rows_of,
    tables,
    value,
)


def marks() -> Iterator[Finding]:
    """Is each underlined cell the second best of its column?"""
    underlined = {(r["table"], r["metric"]): r["method"] for r in rows_of("marks.csv")}
    for table, methods in tables().items():
        if table == "Table 5":
            continue
        for metric in methods[BASE]:
            order = sorted(methods, key=lambda m: methods[m][metric].value, reverse=metric != TIME)
            marked = underlined.get((table, metric))
            why = (
                f"second is {order[1]} ({methods[order[1]][metric].value:.2f}), marked is {marked or 'none'}"
            )
            if marked != order[1]:
                yield Finding("Second best", f"{table} {metric}", OPEN if marked is None else FAILS, why)
    yield Finding("Second best", "all other columns", HOLDS, "the mark is on the second best value")


def mended() -> Iterator[Finding]:
    """What would the table say if a wrong Overall were mended by changing one cell of its row?"""
    for row in overalls():
        if row.fits or not row.tried:
            continue
        method = row.cell.method
        overall = row.cell.value
        ours = value(row.table, OURS, OVERALL)
        if min(row.average, overall) > ours:
            why = f"{overall:.2f} as printed, {row.average:.2f} by its columns: both above {ours:.2f}"
            yield Finding("Rank", f"{row.table} {OVERALL}: {method} against {OURS}", NOTED, why)
        for one, k, total in changes(row.columns, row.cell):
            yield from _tie(row.table, method, one.metric, f"{100 * k / total:.{one.digits}f}")


def _tie(table: str, method: str, metric: str, changed: str) -> Iterator[Finding]:
    """Other methods of the column that have the value which the changed cell would get."""
    methods = tables()[table]
    alike = [m for m in methods if m != method and f"{methods[m][metric].value:.2f}" == changed]
    if alike:
        above = [m for m in methods if methods[m][metric].value > float(changed) and m != method]
        why = (
            f"the mean of the row is mended by {changed} for {method}, which is what {', '.join(alike)} has: "
            f"a tie for place {len(above) + 1}, behind {', '.join(above) or 'none'}"
        )
        yield Finding("Second best", f"{table} {metric}: if it is the misprint", OPEN, why)


def speed() -> Iterator[Finding]:
    """The printed seconds of every other method divided by LADR's."""
    for table, methods in tables().items():
        times = {m: cells[TIME].value for m, cells in methods.items()}
        for ours in (m for m in times if m.startswith(OURS) and methods[m][TIME] in printed()):
            others = {m: t / times[ours] for m, t in times.items() if not m.startswith(OURS)}
            why = ", ".join(f"{ratio:.2f} times {m}" for m, ratio in others.items())
            yield Finding("Speed", f"{table} {ours} {times[ours]:.2f} s", NOTED, why)


def slower(one: str = "Prophet", other: str = "ML-Cache") -> Iterator[Finding]:
    """Find whether one method is slower than another in every table although the text gives both one time."""
    times = {t: (value(t, one, TIME), value(t, other, TIME)) for t in tables()}
    ratios = {t: a / b for t, (a, b) in times.items() if a and b}
    if min(ratios.values()) > 1:
        why = ", ".join(f"{t} {r:.2f} times as long" for t, r in ratios.items())
        yield Finding("Slower", f"{one} than {other}, in every table that has both", NOTED, why)


CHECKS = [marks, mended, speed, slower]
