"""How decoding is cut into jobs: several small cells in one job, a large cell in shards."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ladr.experiment.cell import Cell
from ladr.experiment.cells.parts import Span
from ladr.experiment.lines import source

LONGER = 1.5  # times its job_minutes that a cell may take before it is cut


@dataclass(frozen=True)
class Cut:
    """batches: ids of the cells that each job decodes whole. shards: id -> spans, one job each."""

    batches: list[list[str]] = field(default_factory=list)
    shards: dict[str, list[Span]] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        return {"batches": self.batches, "shards": self.shards}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Cut":
        """What `json` gave."""
        spans = {i: [(start, stop) for start, stop in held] for i, held in content["shards"].items()}
        return cls(content["batches"], spans)


def cut(cells: Iterable[Cell], seconds: Callable[[Cell], float], part: int) -> Cut:
    """Jobs that decode these cells, each of about `job_minutes` of its backbone.

    seconds: what a cell takes, all its images. part: images that are saved together; shards are cut at
    multiples of it. A cell that replays another, or knows its tokens, is cut where that one is.
    """
    by_key: dict[str, list[Cell]] = {}
    for cell in cells:
        by_key.setdefault(cell.key, []).append(cell)
    plan = Cut()
    for group in by_key.values():
        whole = []
        for cell in group:
            spans = _spans(cell, seconds(cell), part, plan.shards)
            if len(spans) > 1:
                plan.shards[cell.id] = spans
            else:
                whole.append(cell)
        plan.batches.extend([c.id for c in batch] for batch in packed(whole, seconds))
    return plan


def _spans(cell: Cell, seconds: float, part: int, cut_before: Mapping[str, list[Span]]) -> list[Span]:
    read = source(cell.spec["sampler"])
    if read in cut_before:
        return cut_before[read]
    target = 60 * cell.row.job_minutes
    units = -(-cell.images // part)
    count = min(units, -(-seconds // target)) if seconds > LONGER * target else 1
    edges = [min(cell.images, part * round(units * i / count)) for i in range(int(count) + 1)]
    return [(start, stop) for start, stop in pairwise(edges) if start < stop]


def packed(group: list[Cell], seconds: Callable[[Cell], float]) -> Iterator[list[Cell]]:
    """Cells of one backbone and benchmark in batches of about `job_minutes`; no batch needs a later one.

    What others read comes first, so that these need not wait for the rest; then what reads nothing, then
    what does.
    """
    if group and sum(map(seconds, group)) <= 60 * group[0].row.job_minutes:
        yield group
        return
    read = {need for cell in group for need in cell.needs}
    kinds: list[list[Cell]] = [[], [], []]
    for cell in group:
        kinds[0 if cell.id in read else 2 if cell.needs else 1].append(cell)
    for part in (kinds[0], kinds[1] + kinds[2]):
        yield from _filled(part, seconds)


def _filled(cells: list[Cell], seconds: Callable[[Cell], float]) -> Iterator[list[Cell]]:
    batch: list[Cell] = []
    total = 0.0
    for cell in cells:
        if batch and total + seconds(cell) > 60 * cell.row.job_minutes:
            yield batch
            batch, total = [], 0.0
        batch.append(cell)
        total += seconds(cell)
    if batch:
        yield batch
