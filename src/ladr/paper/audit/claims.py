"""Sentences of the paper against its tables."""

from collections.abc import Iterator
from statistics import mean

from ladr.paper.audit.audit import FAILS, HOLDS, OPEN, TIME, Finding, number, rows_of, tables, value
from ladr.paper.audit.precision import told_apart

Row = dict[str, str]


def said() -> Iterator[Finding]:
    """Each sentence that a table can answer."""
    answers = {
        "above": _above, "kept": _kept, "wins": _wins, "only drop": _only_drop, "mean": _mean,
        "times": _times, "same": _same,
    }  # fmt: skip
    for row in rows_of("claims.csv"):
        verdict, why = answers[row["kind"]](row)
        yield Finding("Claim", f"{row['where']}: {row['says']}", verdict, why)


def _pair(row: Row) -> tuple[float, float]:
    where = row["table"].split(";")
    return value(where[0], row["a"], row["metric"]), value(where[-1], row["b"], row["metric"])


def _compared(row: Row) -> tuple[float, bool, str]:
    """a - b, whether they differ for sure, and the numbers; without trials nothing is sure."""
    where = row["table"].split(";")
    a, b = (number(t, row[m], row["metric"]) for t, m in ((where[0], "a"), (where[-1], "b")))
    tested = told_apart(a, b)
    clear, text = tested or (False, f"{a.value - b.value:+.2f}; nothing says how sure that is")
    told = f"{', '.join(where)} {a.metric}: {a.value:.2f} against {b.value:.2f}, {text}"
    return a.value - b.value, clear, told


def _above(row: Row) -> tuple[str, str]:
    """More is claimed."""
    lead, clear, why = _compared(row)
    return (FAILS if lead <= 0 else HOLDS if clear else OPEN), why


def _kept(row: Row) -> tuple[str, str]:
    """At least as much is claimed."""
    lead, clear, why = _compared(row)
    return (HOLDS if lead >= 0 else FAILS if clear else OPEN), why


def _same(row: Row) -> tuple[str, str]:
    a, b = _pair(row)
    return (HOLDS if a == b else FAILS), f"{a:.2f} and {b:.2f}"


def _differences(row: Row) -> dict[tuple[str, str], float]:
    """(table, metric) -> a - b, for every score of the tables."""
    out = {}
    for table in row["table"].split(";"):
        methods = tables()[table]
        for metric, cell in methods[row["a"]].items():
            if metric != TIME:
                out[table, metric] = cell.value - methods[row["b"]][metric].value
    return out


def _lost(row: Row, but: str = "") -> tuple[str, list[str]]:
    """The columns in which a is below b, the largest loss first; those in which it is so for sure."""
    lost = sorted((d, *at) for at, d in _differences(row).items() if d < 0 and at[1] != but)
    clear = []
    for _, table, metric in lost:
        tested = told_apart(*(number(table, row[m], metric) for m in ("a", "b")))
        if tested and tested[0]:
            clear.append(f"{table} {metric}")
    return ", ".join(f"{table} {metric} {d:+.2f}" for d, table, metric in lost), clear


def _wins(row: Row) -> tuple[str, str]:
    found, (lost, clear) = _differences(row), _lost(row)
    why = f"above {row['b']} in {sum(d > 0 for d in found.values())} of {len(found)} columns"
    if not lost:
        return HOLDS, why
    return FAILS, f"{why}; below in {lost}; for sure in {', '.join(clear) or 'none of these'}"


def _only_drop(row: Row) -> tuple[str, str]:
    """Everything else is kept."""
    lost, clear = _lost(row, but=row["metric"])
    if not lost:
        return HOLDS, "no other column falls"
    why = f"lower than {row['b']} elsewhere too: {lost}; for sure in {', '.join(clear) or 'none of these'}"
    return (FAILS if clear else OPEN), why


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


CHECKS = [said]
