"""What one job is given: some whole cells, or some images of one cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from ladr.experiment.cell import Cell, short
from ladr.experiment.cells.parts import Span, shard_file
from ladr.experiment.cells.record import CELL, RESULTS
from ladr.experiment.params import BackboneRow

THERE = "there"  # the batch of the cells that exist already


@dataclass(frozen=True)
class CellBatch:
    """Cells that one job makes: their name as a batch, and what the job asks of the machine."""

    name: str
    cells: tuple[Cell, ...]

    def files(self, record: str) -> list[str]:
        """That file of each of its cells."""
        return [path(cell.id, record) for cell in self.cells]

    @property
    def needs(self) -> list[str]:
        """The records of cells outside the batch that cells of the batch read."""
        own = {cell.id for cell in self.cells}
        return list(dict.fromkeys(path(i, CELL) for cell in self.cells for i in cell.needs if i not in own))

    @property
    def threads(self) -> int:
        return self.cells[0].row.threads if self.cells else 1

    @property
    def resources(self) -> dict[str, int]:
        return resources_of(self.cells[0].row) if self.cells else {}


@dataclass(frozen=True)
class Shard:
    """Images of a cell that one job decodes. `file` is what it writes."""

    cell: Cell
    span: Span

    @property
    def file(self) -> str:
        return shard_path(self.cell.id, self.span)


def shard_path(cell: str, span: Span) -> str:
    """Where the shard of these images is."""
    return str(shard_file(RESULTS / "cells" / cell, span))


def named(there: Sequence[Cell], groups: Sequence[Sequence[Cell]]) -> list[CellBatch]:
    """The groups as batches with names, after the one of the cells that are there."""
    names = [f"{g[0].backbone}_{short(g[0].spec['benchmark']['name'])}_{i}" for i, g in enumerate(groups)]
    batches = [CellBatch(n.replace("-", "_"), tuple(g)) for n, g in zip(names, groups, strict=True)]
    return [*([CellBatch(THERE, tuple(there))] if there else []), *batches]


def path(cell: str, record: str) -> str:
    """Where that file of a cell is."""
    return str(RESULTS / "cells" / cell / record)


def resources_of(row: BackboneRow) -> dict[str, int]:
    """What a job that decodes on this backbone asks of the machine."""
    return {"mem_mb": row.mem_mb, "runtime": row.runtime, "gpu": row.gpus}
