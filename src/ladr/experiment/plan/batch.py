"""What one job is given: some whole cells, or some images of one cell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ladr.experiment.cell import Cell, short
from ladr.experiment.cells.parts import Span, shard_file
from ladr.experiment.cells.record import CELL, RESULTS, SCORE, SCORES, SHEET, TOKENS, TRACE
from ladr.experiment.params import BackboneRow

THERE = "there"  # the batch of the cells that exist already
DECODED = (CELL, TOKENS, TRACE)  # what a decode job writes for each cell; its record stands first
SCORED = (SCORE, SCORES, SHEET)  # what a job that scores writes


@dataclass(frozen=True)
class CellBatch:
    """Cells that one job makes: their name as a batch, and what the job asks of the machine."""

    name: str
    cells: tuple[Cell, ...]

    def files(self, *names: str) -> list[str]:
        """These files of each of its cells."""
        return cell_files([cell.id for cell in self.cells], names)

    @property
    def needs(self) -> list[str]:
        """The files of cells outside the batch that cells of the batch read."""
        own = {cell.id for cell in self.cells}
        others = dict.fromkeys(i for cell in self.cells for i in cell.needs if i not in own)
        return cell_files(others, DECODED)

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


def cell_files(cells: Iterable[str], names: Sequence[str]) -> list[str]:
    """Where these files of the cells are, cell by cell."""
    return [path(cell, name) for cell in cells for name in names]


def resources_of(row: BackboneRow) -> dict[str, int]:
    """What a job that decodes on this backbone asks of the machine."""
    return {"mem_mb": row.mem_mb, "runtime": row.runtime, "gpu": row.gpus}
