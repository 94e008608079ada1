"""`ladr audit`: the paper's printed numbers, checked against each other and against what they can be."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from statistics import mean

from ladr.paper import Printed, lattice, load
from ladr.paper import significance as sure

HOLDS, FAILS, OPEN = "holds", "does not hold", "open"
TIME, OVERALL = "Avg. t (s)", "Overall"
BASE, OURS = "Lumina-DiMOO", "LADR"
MOST = 2000  # trials that a search for a denominator goes up to


@dataclass(frozen=True)
class Finding:
    """One check: of what, whether it holds, and why, with the numbers it was worked out from."""

    check: str
    subject: str
    verdict: str
    reason: str


def rows_of(name: str) -> list[dict[str, str]]:
    text = (files("ladr.paper") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def trials() -> dict[tuple[str, str], tuple[int, int]]:
    """(benchmark, metric) -> judgements in all, and images per prompt, of the published prompt files."""
    return {
        (r["benchmark"], r["metric"]): (int(r["units"]) * int(r["images"]), int(r["images"]))
        for r in rows_of("denominators.csv")
    }


def printed() -> tuple[Printed, ...]:
    """What the paper prints, each number once (Figures 5 and 6 repeat LADR's Table 1)."""
    return tuple(p for p in load() if not (p.table.startswith("Figure") and p.method.startswith(OURS)))


def value(table: str, method: str, metric: str) -> float | None:
    found = [p.value for p in printed() if (p.table, p.method, p.metric) == (table, method, metric)]
    return found[0] if found else None


def tables() -> dict[str, dict[str, dict[str, Printed]]]:
    """table -> method -> metric -> printed number, of Tables 1 to 5."""
    out: dict[str, dict[str, dict[str, Printed]]] = {}
    for p in printed():
        if p.table.startswith("Table"):
            out.setdefault(p.table, {}).setdefault(p.method, {})[p.metric] = p
    return out


def overall() -> Iterator[Finding]:
    """Is each Overall the mean of its row?"""
    for table, methods in tables().items():
        for method, cells in methods.items():
            if OVERALL not in cells:
                continue
            parts = [c for m, c in cells.items() if m not in (TIME, OVERALL)]
            told, found = cells[OVERALL], mean(c.value for c in parts)
            fits = abs(found - told.value) <= lattice.slack(told) + mean(map(lattice.slack, parts))
            verdict, why = (HOLDS if fits else FAILS), f"mean of the {len(parts)} columns {found:.2f}"
            if not trials().get((told.benchmark, parts[0].metric)):
                verdict, why = OPEN, f"{why}; the official Overall is a mean over prompts, not over columns"
            elif not fits:
                why += "; " + repairs(parts, told)
            yield Finding("Overall", f"{table} {method} {told.value:.2f}", verdict, why)


def repairs(parts: list[Printed], told: Printed) -> str:
    """The changes of one cell to a possible value after which all cells are possible and give the mean."""
    found = []
    for one in parts:
        others = [p for p in parts if p is not one]
        exact = [_exact(p) for p in others]
        if None in exact:
            continue
        total = trials()[one.benchmark, one.metric][0]
        near = [v for v in lattice.values(total) if abs((sum(exact) + v) / len(parts) - told.value)
                <= lattice.slack(told)]  # fmt: skip
        found += [f"{one.metric} {v:.2f} = {round(v * total / 100)}/{total}" for v in near]
    return f"one changed cell mends it: {', '.join(found)}" if found else "no single changed cell mends it"


def _exact(p: Printed) -> float | None:
    total = trials()[p.benchmark, p.metric][0]
    k = lattice.successes(p, total)
    return None if k is None else 100 * k / total


def granularity() -> Iterator[Finding]:
    """Is each proportion a whole number of successes?"""
    for (table, metric), cells in groupby(_proportions(), key=lambda p: (p.table, p.metric)):
        yield from (_grain(table, metric, p) for p in cells)


def _proportions() -> list[Printed]:
    known = [p for p in printed() if (p.benchmark, p.metric) in trials()]
    return sorted(known, key=lambda p: (p.table, p.metric))


def _grain(table: str, metric: str, p: Printed) -> Finding:
    total, images = trials()[p.benchmark, p.metric]
    k = lattice.successes(p, total)
    subject = f"{table} {p.method} {metric} {p.value:.{p.digits}f}"
    chance = f"{lattice.by_chance(p, total):.0%} of all numbers would fit"
    if k is not None:
        return Finding("Granularity", subject, HOLDS, f"{k}/{total} ({images} images each); {chance}")
    low, high = lattice.neighbours(p, total)
    lost = lattice.missing(p, total)
    why = f"not k/{total}: {low:.2f} and {high:.2f} are"
    if p.benchmark == "GenEval" or not lost:
        return Finding("Granularity", subject, FAILS, why)
    some = ", ".join(map(str, lost[:4]))
    return Finding("Granularity", subject, OPEN, f"{why}; fits if {some} judgements are missing")


def images_per_prompt() -> Iterator[Finding]:
    """How many images per prompt do the numbers allow?"""
    for name, cells in groupby(
        sorted((p for p in _proportions() if p.table.startswith("Table")), key=lambda p: p.benchmark),
        key=lambda p: p.benchmark,
    ):
        cells = list(cells)
        fits = {}
        for images in range(1, 9):
            sizes = [trials()[p.benchmark, p.metric] for p in cells]
            fits[images] = sum(
                lattice.successes(p, n // per * images) is not None
                for p, (n, per) in zip(cells, sizes, strict=True)
            )
        best = max(fits, key=lambda i: (fits[i], -i))
        told = ", ".join(f"{i}: {n}" for i, n in fits.items())
        why = f"of {len(cells)} cells fit with 1 to 8 images per prompt: {told}"
        yield Finding("Images per prompt", f"{name}: {best}", HOLDS, why)


def dpg() -> Iterator[Finding]:
    """Which numbers of questions do the columns of DPG-Bench allow?"""
    rows = [p for p in printed() if p.benchmark == "DPG-Bench" and p.metric not in (TIME, OVERALL)]
    for metric in dict.fromkeys(p.metric for p in rows):
        cells = [p for p in rows if p.metric == metric]
        fits = lattice.shared(cells, MOST)
        if not fits:
            yield Finding("Denominator", f"Table 4 {metric}", OPEN, f"no number up to {MOST} fits; too fine")
            continue
        chance = lattice.accidents(cells, fits[0])
        told = ", ".join(map(str, fits[:4])) + (", ..." if len(fits) > 4 else "")
        why = f"fits with {told} questions; {chance:.2g} numbers up to {fits[0]} would by chance"
        sure_of_it = chance < 1 - sure.CONFIDENCE
        why += ": one image per prompt was counted" if sure_of_it else ""
        yield Finding("Denominator", f"Table 4 {metric}", HOLDS if sure_of_it else OPEN, why)


def marks() -> Iterator[Finding]:
    """Is each underlined cell the second best of its column?"""
    told = {(r["table"], r["metric"]): r["method"] for r in rows_of("marks.csv")}
    for table, methods in tables().items():
        if table == "Table 5":
            continue
        for metric in methods[BASE]:
            order = sorted(methods, key=lambda m: methods[m][metric].value, reverse=metric != TIME)
            marked = told.get((table, metric))
            why = (
                f"second is {order[1]} ({methods[order[1]][metric].value:.2f}), marked is {marked or 'none'}"
            )
            if marked != order[1]:
                yield Finding("Second best", f"{table} {metric}", OPEN if marked is None else FAILS, why)
    yield Finding("Second best", "all other columns", HOLDS, "the mark is on the second best value")


def speed() -> Iterator[Finding]:
    """Ratios of the printed times."""
    for table, methods in tables().items():
        times = {m: cells[TIME].value for m, cells in methods.items()}
        for ours in (m for m in times if m.startswith(OURS)):
            others = {m: t / times[ours] for m, t in times.items() if not m.startswith(OURS)}
            why = ", ".join(f"{ratio:.2f} times {m}" for m, ratio in others.items())
            yield Finding("Speed", f"{table} {ours} {times[ours]:.2f} s", HOLDS, why)
        if {"Prophet", "ML-Cache"} <= times.keys():
            ratio = times["Prophet"] / times["ML-Cache"]
            why = f"{times['Prophet']:.2f} s against {times['ML-Cache']:.2f} s: {ratio:.2f} times as long"
            yield Finding("Speed", f"{table} Prophet against ML-Cache", HOLDS, why)


def checks() -> list[Callable[[], Iterator[Finding]]]:
    from ladr.paper import claims

    return [overall, granularity, images_per_prompt, dpg, marks, speed, *claims.CHECKS]


def audit() -> tuple[Finding, ...]:
    """Every finding, in order."""
    return tuple(finding for check in checks() for finding in check())


def write(folder: Path) -> tuple[Finding, ...]:
    """audit.csv and audit.md."""
    found = audit()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "audit.csv", "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(Finding.__dataclass_fields__)
        out.writerows(astuple(f) for f in found)
    (folder / "audit.md").write_text(page(found), encoding="utf-8")
    return found


def page(found: tuple[Finding, ...]) -> str:
    """All that does not hold or cannot be decided first, then the rest, as Markdown."""
    count = {v: sum(f.verdict == v for f in found) for v in (HOLDS, FAILS, OPEN)}
    text = ["# The paper's numbers, checked", "", ", ".join(f"{v}: {n}" for v, n in count.items()) + "."]
    text.append(
        "Worked out from the printed numbers alone. `clustered` takes the images of one prompt to be "
        f"correlated by {sure.ALIKE}, which the paper does not report."
    )
    for verdict, title in ((FAILS, "Does not hold"), (OPEN, "Open"), (HOLDS, "Holds")):
        text += ["", f"## {title}", "", "| check | subject | reason |", "| :-- | :-- | :-- |"]
        text += [f"| {f.check} | {f.subject} | {f.reason} |" for f in found if f.verdict == verdict]
    return "\n".join(text) + "\n"
