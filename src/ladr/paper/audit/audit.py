"""`ladr audit`: the paper's printed numbers, checked against each other and against what they can be."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import astuple
from itertools import groupby
from pathlib import Path

from ladr.base.files import appearing, require_beginning, write_text
from ladr.paper import Printed
from ladr.paper.audit import claims, lattice, omissions, precision, ranks
from ladr.paper.audit import significance as sure
from ladr.paper.audit.printed import (
    FAILS,
    HOLDS,
    MOST,
    NOTED,
    OPEN,
    Finding,
    certain,
    changes,
    overalls,
    proportions,
    questions,
    trials,
)

__all__ = ["CHECKS", "FAILS", "audit", "page", "write"]

TITLE = "# The paper's numbers, checked"
SECTIONS = {FAILS: "Does not hold", OPEN: "Open", NOTED: "Noted: nothing is claimed", HOLDS: "Holds"}
READ = (
    "Worked out from the printed numbers alone, but for `Not given` and `Method`, which are about the text. "
    f"`clustered` takes the images of one prompt to be correlated by {sure.ALIKE}, which the paper does "
    "not report. A sentence that claims more does not hold where less is printed, and is open where the lead "
    "may be chance; one that claims as much does not hold where a loss is sure, and is open where less is "
    "printed but may be chance, or nothing says how sure it is."
)


def overall() -> Iterator[Finding]:
    """Is each Overall the mean of its row?"""
    for row in overalls():
        verdict = HOLDS if row.fits else FAILS
        why = f"mean of the {len(row.columns)} columns {row.average:.2f}"
        if not row.tried:
            verdict, why = NOTED, f"{why}; the official Overall is a mean over prompts, not over columns"
        elif not row.fits:
            why += "; " + repairs(row.columns, row.cell)
        yield Finding("Overall", f"{row.table} {row.cell.method} {row.cell.value:.2f}", verdict, why)


def repairs(columns: list[Printed], overall: Printed) -> str:
    """The changes of one cell that would make the Overall right, in words."""
    changed = [
        f"{one.metric} {100 * k / total:.2f} = {k}/{total}" for one, k, total in changes(columns, overall)
    ]
    if not changed:
        return "no single changed cell mends it"
    return f"one changed cell mends it: {', '.join(changed)}"


def granularity() -> Iterator[Finding]:
    """Is each proportion a whole number of successes?"""
    for (table, metric), cells in groupby(proportions(), key=lambda p: (p.table, p.metric)):
        yield from (_grain(table, metric, p) for p in cells)


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
    in_tables = [p for p in proportions() if p.table.startswith("Table")]
    in_tables.sort(key=lambda p: p.benchmark)
    for name, group in groupby(in_tables, key=lambda p: p.benchmark):
        cells = list(group)
        fits = {images: _fitting(cells, images) for images in range(1, 9)}
        best = max(fits, key=lambda i: (fits[i], -i))
        counts = ", ".join(f"{i}: {n}" for i, n in fits.items())
        why = f"of {len(cells)} cells fit with 1 to 8 images per prompt: {counts}"
        yield Finding("Images per prompt", f"{name}: {best}", NOTED, why)


def _fitting(cells: list[Printed], images: int) -> int:
    """How many of the cells are possible with so many images per prompt."""
    count = 0
    for p in cells:
        total, per_prompt = trials()[p.benchmark, p.metric]
        count += lattice.successes(p, total // per_prompt * images) is not None
    return count


def dpg() -> Iterator[Finding]:
    """Which numbers of questions do the columns of DPG-Bench allow?"""
    for metric, cells, fits in questions():
        if not fits:
            yield Finding("Denominator", f"Table 4 {metric}", OPEN, f"no number up to {MOST} fits; too fine")
            continue
        counts = ", ".join(map(str, fits[:4])) + (", ..." if len(fits) > 4 else "")
        chance = lattice.accidents(cells, fits[0])
        why = f"fits with {counts} questions; {chance:.2g} numbers up to {fits[0]} would by chance"
        clear = certain(cells, fits)
        why += ": one image per prompt was counted" if clear else ""
        yield Finding("Denominator", f"Table 4 {metric}", NOTED if clear else OPEN, why)


CHECKS: list[Callable[[], Iterator[Finding]]] = [
    overall,
    granularity,
    images_per_prompt,
    dpg,
    *ranks.CHECKS,
    *claims.CHECKS,
    *precision.CHECKS,
    *omissions.CHECKS,
]


def audit() -> tuple[Finding, ...]:
    """Every finding, in order."""
    return tuple(finding for check in CHECKS for finding in check())


def write(folder: Path) -> tuple[Finding, ...]:
    """Write audit.csv and audit.md into the folder; LadrError where it has texts of others by these names."""
    require_beginning(folder / "audit.csv", ",".join(Finding.__dataclass_fields__), "audit")
    require_beginning(folder / "audit.md", TITLE, "audit")
    findings = audit()
    with appearing(folder / "audit.csv") as half, open(half, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(Finding.__dataclass_fields__)
        out.writerows(astuple(finding) for finding in findings)
    write_text(folder / "audit.md", page(findings))
    return findings


def page(findings: tuple[Finding, ...]) -> str:
    """The findings as Markdown: first what does not hold or cannot be decided, then the rest."""
    count = {v: sum(f.verdict == v for f in findings) for v in (HOLDS, FAILS, OPEN, NOTED)}
    text = [TITLE, "", ", ".join(f"{v}: {n}" for v, n in count.items()) + ".", ""]
    text.append(READ)
    for verdict, title in SECTIONS.items():
        text += ["", f"## {title}", "", "| check | subject | reason |", "| :-- | :-- | :-- |"]
        text += [f"| {f.check} | {f.subject} | {f.reason} |" for f in findings if f.verdict == verdict]
    return "\n".join(text) + "\n"
