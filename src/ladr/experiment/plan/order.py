"""Which decode jobs come first: those that begin the longest chain of work."""

from collections.abc import Callable, Collection, Sequence

from ladr.experiment.cell import Cell
from ladr.experiment.plan.batch import CellBatch

PICTURES = 100.0  # seconds that the illustrations take once their cells are there


def priorities(
    batches: Sequence[CellBatch], seconds: Callable[[Cell], float], shown: Collection[str]
) -> dict[str, int]:
    """Name of a batch -> seconds from its start to the end of the last job that waits for it, and one.

    batches: no batch needs a later one. seconds: what a cell takes, all its images. shown: ids of the cells
    that the illustrations wait for.
    """
    home = {cell.id: batch.name for batch in batches for cell in batch.cells}
    after: dict[str, float] = {batch.name: 0.0 for batch in batches}
    chain: dict[str, float] = {}
    for batch in reversed(batches):
        if any(cell.id in shown for cell in batch.cells):
            after[batch.name] = max(after[batch.name], PICTURES)
        chain[batch.name] = sum(map(seconds, batch.cells)) + after[batch.name]
        for needed in {home[i] for cell in batch.cells for i in cell.needs if i in home} - {batch.name}:
            after[needed] = max(after[needed], chain[batch.name])
    return {name: 1 + int(length) for name, length in chain.items()}
