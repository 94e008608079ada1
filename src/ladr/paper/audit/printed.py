"""The numbers that the paper prints, as the checks look them up, and the finding that every check gives."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from statistics import mean

from ladr.paper import Printed, load
from ladr.paper.audit import lattice
from ladr.paper.audit import significance as sure

HOLDS, FAILS, OPEN, NOTED = "holds", "does not hold", "open", "noted"
TIME, OVERALL = "Avg. t (s)", "Overall"
BASE, OURS = "Lumina-DiMOO", "LADR"
MOST = 2000  # trials: the largest denominator that is tried


@dataclass(frozen=True)
class Finding:
    """The result of one check: its subject, its verdict, and the reason with the numbers behind it.

    The verdict `noted` means that the paper claims nothing here: the finding follows from the numbers, or it
    says what is missing.
    """

    check: str
    subject: str
    verdict: str
    reason: str


@dataclass(frozen=True)
class OverallRow:
    """A printed Overall with the columns of its row.

    `average` is the mean of the columns; `fits` says whether the paper prints that mean, up to rounding.
    """

    table: str
    cell: Printed
    columns: list[Printed]
    average: float
    fits: bool

    @property
    def tried(self) -> bool:
        """Whether the number of trials of its columns is known."""
        return (self.cell.benchmark, self.columns[0].metric) in trials()


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of one of the csv files beside `ladr.paper`."""
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
    """Every number of the paper once: Table 5 and Figures 5 and 6 repeat some of Tables 1 and 2."""
    numbers: dict[tuple, Printed] = {}
    for p in load():
        method = OURS if p.table.startswith("Figure") and p.method.startswith(OURS) else p.method
        numbers.setdefault((p.benchmark, method, p.metric, p.value), p)
    return tuple(numbers.values())


def number(table: str, method: str, metric: str) -> Printed | None:
    """The number printed at this place, even if another table repeats it."""
    return next((p for p in load() if (p.table, p.method, p.metric) == (table, method, metric)), None)


def value(table: str, method: str, metric: str) -> float | None:
    """The value of `number`; None where the paper prints none."""
    cell = number(table, method, metric)
    return cell and cell.value


def tables() -> dict[str, dict[str, dict[str, Printed]]]:
    """table -> method -> metric -> printed number, for Tables 1 to 5 as they are printed."""
    out: dict[str, dict[str, dict[str, Printed]]] = {}
    for p in load():
        if p.table.startswith("Table"):
            out.setdefault(p.table, {}).setdefault(p.method, {})[p.metric] = p
    return out


def overalls() -> Iterator[OverallRow]:
    """Every printed Overall."""
    for table, methods in tables().items():
        for cells in methods.values():
            if OVERALL in cells:
                columns = [c for m, c in cells.items() if m not in (TIME, OVERALL)]
                cell, average = cells[OVERALL], mean(c.value for c in columns)
                near = lattice.slack(cell) + mean(map(lattice.slack, columns))
                yield OverallRow(table, cell, columns, average, abs(average - cell.value) <= near)


def changes(columns: list[Printed], overall: Printed) -> list[tuple[Printed, int, int]]:
    """Every change of one column, to k successes of n, after which all columns are possible proportions and
    their mean is the printed Overall."""
    repairs = []
    for one in columns:
        exact = [_exact(p) for p in columns if p is not one]
        if None in exact:
            continue
        total, rest = trials()[one.benchmark, one.metric][0], sum(exact)
        repairs += [
            (one, round(v * total / 100), total)
            for v in lattice.values(total)
            if abs((rest + v) / len(columns) - overall.value) <= lattice.slack(overall)
        ]
    return repairs


def _exact(p: Printed) -> float | None:
    """The proportion behind the printed number; None if no whole number of successes gives it."""
    total = trials()[p.benchmark, p.metric][0]
    k = lattice.successes(p, total)
    return None if k is None else 100 * k / total


def proportions() -> list[Printed]:
    """The printed numbers whose trials are known, by table and metric."""
    known = [p for p in printed() if (p.benchmark, p.metric) in trials()]
    return sorted(known, key=lambda p: (p.table, p.metric))


def questions() -> Iterator[tuple[str, list[Printed], list[int]]]:
    """Each column of DPG-Bench, its numbers, and the counts of questions that allow all of them."""
    rows = [p for p in printed() if p.benchmark == "DPG-Bench" and p.metric not in (TIME, OVERALL)]
    for metric in dict.fromkeys(p.metric for p in rows):
        cells = [p for p in rows if p.metric == metric]
        yield metric, cells, lattice.shared(cells, MOST)


def certain(cells: list[Printed], fits: list[int]) -> bool:
    """Whether hardly any number of questions would fit by chance."""
    return bool(fits) and lattice.accidents(cells, fits[0]) < 1 - sure.CONFIDENCE
