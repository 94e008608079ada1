"""`ladr audit`: the paper's printed numbers, checked against each other and against what they can be."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from statistics import mean

from ladr.paper import Printed, load
from ladr.paper.audit import lattice
from ladr.paper.audit import significance as sure

HOLDS, FAILS, OPEN, NOTED = "holds", "does not hold", "open", "noted"
SECTIONS = {FAILS: "Does not hold", OPEN: "Open", NOTED: "Noted: nothing is claimed", HOLDS: "Holds"}
TIME, OVERALL = "Avg. t (s)", "Overall"
BASE, OURS = "Lumina-DiMOO", "LADR"
READ = (
    "Worked out from the printed numbers alone, but for `Not given` and `Method`, which are about the text. "
    f"`clustered` takes the images of one prompt to be correlated by {sure.ALIKE}, which the paper does "
    "not report. A sentence that claims more does not hold where less is printed, and is open where the lead "
    "may be chance; one that claims as much does not hold where a loss is sure, and is open where less is "
    "printed but may be chance, or nothing says how sure it is."
)
MOST = 2000  # trials that a search for a denominator goes up to


@dataclass(frozen=True)
class Finding:
    """One check: of what, whether it holds, and why, with the numbers it was worked out from.

    `noted`: nothing is claimed that could hold; it follows from the numbers, or is missing.
    """

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
    """What the paper prints, each number once: Table 5 and Figures 5 and 6 repeat some of Tables 1 and 2."""
    found: dict[tuple, Printed] = {}
    for p in load():
        method = OURS if p.table.startswith("Figure") and p.method.startswith(OURS) else p.method
        found.setdefault((p.benchmark, method, p.metric, p.value), p)
    return tuple(found.values())


def number(table: str, method: str, metric: str) -> Printed | None:
    """What stands there, repeated or not."""
    return next((p for p in load() if (p.table, p.method, p.metric) == (table, method, metric)), None)


def value(table: str, method: str, metric: str) -> float | None:
    found = number(table, method, metric)
    return found and found.value


def tables() -> dict[str, dict[str, dict[str, Printed]]]:
    """table -> method -> metric -> printed number, of Tables 1 to 5, as they stand."""
    out: dict[str, dict[str, dict[str, Printed]]] = {}
    for p in load():
        if p.table.startswith("Table"):
            out.setdefault(p.table, {}).setdefault(p.method, {})[p.metric] = p
    return out


def means() -> Iterator[tuple[str, Printed, list[Printed], float, bool]]:
    """Of every Overall: its table, itself, its row's columns, their mean, and whether that is printed so."""
    for table, methods in tables().items():
        for cells in methods.values():
            if OVERALL in cells:
                parts = [c for m, c in cells.items() if m not in (TIME, OVERALL)]
                told, found = cells[OVERALL], mean(c.value for c in parts)
                near = lattice.slack(told) + mean(map(lattice.slack, parts))
                yield table, told, parts, found, abs(found - told.value) <= near


def overall() -> Iterator[Finding]:
    """Is each Overall the mean of its row?"""
    for table, told, parts, found, fits in means():
        verdict, why = (HOLDS if fits else FAILS), f"mean of the {len(parts)} columns {found:.2f}"
        if (told.benchmark, parts[0].metric) not in trials():
            verdict, why = NOTED, f"{why}; the official Overall is a mean over prompts, not over columns"
        elif not fits:
            why += "; " + repairs(parts, told)
        yield Finding("Overall", f"{table} {told.method} {told.value:.2f}", verdict, why)


def repairs(parts: list[Printed], told: Printed) -> str:
    found = [f"{one.metric} {100 * k / total:.2f} = {k}/{total}" for one, k, total in changes(parts, told)]
    return f"one changed cell mends it: {', '.join(found)}" if found else "no single changed cell mends it"


def changes(parts: list[Printed], told: Printed) -> list[tuple[Printed, int, int]]:
    """The changes of one cell to a possible value, k of all, after which all cells are possible and give the
    mean."""
    found = []
    for one in parts:
        exact = [_exact(p) for p in parts if p is not one]
        if None in exact:
            continue
        total, rest = trials()[one.benchmark, one.metric][0], sum(exact)
        found += [
            (one, round(v * total / 100), total)
            for v in lattice.values(total)
            if abs((rest + v) / len(parts) - told.value) <= lattice.slack(told)
        ]
    return found


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
        yield Finding("Images per prompt", f"{name}: {best}", NOTED, why)


def questions() -> Iterator[tuple[str, list[Printed], list[int]]]:
    """Each column of DPG-Bench, its cells, and the numbers of questions for which all are possible."""
    rows = [p for p in printed() if p.benchmark == "DPG-Bench" and p.metric not in (TIME, OVERALL)]
    for metric in dict.fromkeys(p.metric for p in rows):
        cells = [p for p in rows if p.metric == metric]
        yield metric, cells, lattice.shared(cells, MOST)


def dpg() -> Iterator[Finding]:
    """Which numbers of questions do the columns of DPG-Bench allow?"""
    for metric, cells, fits in questions():
        if not fits:
            yield Finding("Denominator", f"Table 4 {metric}", OPEN, f"no number up to {MOST} fits; too fine")
            continue
        told = ", ".join(map(str, fits[:4])) + (", ..." if len(fits) > 4 else "")
        chance = lattice.accidents(cells, fits[0])
        why = f"fits with {told} questions; {chance:.2g} numbers up to {fits[0]} would by chance"
        clear = certain(cells, fits)
        why += ": one image per prompt was counted" if clear else ""
        yield Finding("Denominator", f"Table 4 {metric}", NOTED if clear else OPEN, why)


def certain(cells: list[Printed], fits: list[int]) -> bool:
    """Would hardly any number of questions fit by chance?"""
    return bool(fits) and lattice.accidents(cells, fits[0]) < 1 - sure.CONFIDENCE


def checks() -> list[Callable[[], Iterator[Finding]]]:
    from ladr.paper.audit import claims, omissions, precision, ranks

    own = [overall, granularity, images_per_prompt, dpg]
    return [*own, *ranks.CHECKS, *claims.CHECKS, *precision.CHECKS, *omissions.CHECKS]


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
    count = {v: sum(f.verdict == v for f in found) for v in (HOLDS, FAILS, OPEN, NOTED)}
    text = ["# The paper's numbers, checked", "", ", ".join(f"{v}: {n}" for v, n in count.items()) + ".", ""]
    text.append(READ)
    for verdict, title in SECTIONS.items():
        text += ["", f"## {title}", "", "| check | subject | reason |", "| :-- | :-- | :-- |"]
        text += [f"| {f.check} | {f.subject} | {f.reason} |" for f in found if f.verdict == verdict]
    return "\n".join(text) + "\n"
