"""Checks of the paper's sentences against its tables; claims.csv lists the sentences."""

from collections.abc import Iterator
from statistics import mean

from ladr.paper.audit.precision import compared
from ladr.paper.audit.printed import FAILS, HOLDS, OPEN, TIME, Finding, number, rows_of, tables, value

Row = dict[str, str]


def claims() -> Iterator[Finding]:
    """Does each sentence hold that a table can answer?"""
    answers = {
        "above": _above, "kept": _kept, "wins": _wins, "only drop": _only_drop, "mean": _mean,
        "times": _times, "same": _same,
    }  # fmt: skip
    for row in rows_of("claims.csv"):
        verdict, why = answers[row["kind"]](row)
        yield Finding("Claim", f"{row['where']}: {row['says']}", verdict, why)


def _pair(row: Row) -> tuple[float, float]:
    """The values of both sides of a claim."""
    where = row["table"].split(";")
    return value(where[0], row["a"], row["metric"]), value(where[-1], row["b"], row["metric"])


def _compared(row: Row) -> tuple[float, bool, str]:
    """a - b, whether the two differ for sure, and the numbers. Without known trials nothing is sure."""
    where = row["table"].split(";")
    a, b = (number(t, row[m], row["metric"]) for t, m in ((where[0], "a"), (where[-1], "b")))
    tested = compared(a, b)
    clear, text = tested or (False, f"{a.value - b.value:+.2f}; nothing says how sure that is")
    numbers = f"{', '.join(where)} {a.metric}: {a.value:.2f} against {b.value:.2f}, {text}"
    return a.value - b.value, clear, numbers


def _above(row: Row) -> tuple[str, str]:
    """The paper claims that a is above b."""
    lead, clear, why = _compared(row)
    return (FAILS if lead <= 0 else HOLDS if clear else OPEN), why


def _kept(row: Row) -> tuple[str, str]:
    """The paper claims that a is at least b."""
    lead, clear, why = _compared(row)
    return (HOLDS if lead >= 0 else FAILS if clear else OPEN), why


def _same(row: Row) -> tuple[str, str]:
    """The paper claims that a and b are equal."""
    a, b = _pair(row)
    return (HOLDS if a == b else FAILS), f"{a:.2f} and {b:.2f}"


def _differences(row: Row) -> dict[tuple[str, str], float]:
    """(table, metric) -> a - b, for every score of the claim's tables."""
    out = {}
    for table in row["table"].split(";"):
        methods = tables()[table]
        for metric, cell in methods[row["a"]].items():
            if metric != TIME:
                out[table, metric] = cell.value - methods[row["b"]][metric].value
    return out


def _lost(row: Row, but: str = "") -> tuple[str, list[str]]:
    """In words: the columns in which a is below b, the largest loss first. And those where this is sure."""
    lost = sorted((d, *at) for at, d in _differences(row).items() if d < 0 and at[1] != but)
    clear = []
    for _, table, metric in lost:
        tested = compared(*(number(table, row[m], metric) for m in ("a", "b")))
        if tested and tested[0]:
            clear.append(f"{table} {metric}")
    return ", ".join(f"{table} {metric} {d:+.2f}" for d, table, metric in lost), clear


def _wins(row: Row) -> tuple[str, str]:
    """The paper claims that a is above b in every column."""
    differences = _differences(row)
    lost, clear = _lost(row)
    why = f"above {row['b']} in {sum(d > 0 for d in differences.values())} of {len(differences)} columns"
    if not lost:
        return HOLDS, why
    return FAILS, f"{why}; below in {lost}; for sure in {', '.join(clear) or 'none of these'}"


def _only_drop(row: Row) -> tuple[str, str]:
    """The paper claims that a is below b in one column only."""
    lost, clear = _lost(row, but=row["metric"])
    if not lost:
        return HOLDS, "no other column falls"
    why = f"lower than {row['b']} elsewhere too: {lost}; for sure in {', '.join(clear) or 'none of these'}"
    return (FAILS if clear else OPEN), why


def _mean(row: Row) -> tuple[str, str]:
    """The paper claims that the mean over tables lies between two whole numbers."""
    values = {t: value(t, row["a"], row["metric"]) for t in row["table"].split(";")}
    low, high = (int(x) for x in row["value"].split("-"))
    average = mean(values.values())
    away = [f"{t} {v:.2f}" for t, v in values.items() if not low <= round(v) <= high]
    why = f"mean {average:.2f}" + (f"; not {', '.join(away)}" if away else "")
    return (HOLDS if low <= round(average) <= high else FAILS), why


def _times(row: Row) -> tuple[str, str]:
    """The paper claims that b takes so many times as long as a."""
    pairs = [(value(t, row["b"], TIME), value(t, row["a"], TIME)) for t in row["table"].split(";")]
    ratios = [b / a for b, a in pairs]
    digits = len(row["value"].partition(".")[2])
    near = all(f"{ratio:.{digits}f}" == row["value"] for ratio in ratios)
    return (HOLDS if near else FAILS), f"ratios of times {', '.join(f'{r:.2f}' for r in ratios)}"


CHECKS = [claims]
