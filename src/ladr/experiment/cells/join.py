"""Join the parts of a cell. cell.json, written last, makes the cell exist."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.late import torch
from ladr.experiment.cell import Cell
from ladr.experiment.cells import parts, record
from ladr.experiment.cells.decoded import summary
from ladr.experiment.cells.parts import Part
from ladr.experiment.cells.record import CELL, TOKENS, TRACE, described

SUMMARY = ("step", "scheduled", "rescued", "cost", "seconds")  # columns that the summary is made of
TOGETHER = 64  # images whose trace is one group of rows in the file: the same however the cell was cut


def join(cell: Cell, folder: Path, steps: int) -> None:
    """Write tokens, trace and cell.json from the parts in the cell's folder. Every image must be there.

    The files are the same for every way in which the cell was cut, but for times and machines.
    """
    import pyarrow.parquet as pq
    from safetensors.torch import save_file

    images, columns = cell.images, _survey(cell, folder)
    tensors, numbers, writer = [], [], None
    origins: list[dict[str, Any]] = []
    with files.appearing(folder / TRACE) as half:
        for group in grouped(parts.cover(folder, (0, images), parts.owner_of(cell)), TOGETHER):
            table = _table(group, columns)
            writer = writer or pq.ParquetWriter(half, table.schema)
            writer.write_table(table)
            numbers.append({name: group.trace[name] for name in SUMMARY})
            tensors.append(group.tensors)
            origins = [parts.merged([*origins, group.origin])]
        writer.close()
    trace = {name: torch.cat([held[name] for held in numbers]).tolist() for name in SUMMARY}
    whole = {name: parts.smallest(torch.cat([t[name] for t in tensors])) for name in tensors[0]}
    with files.appearing(folder / TOKENS) as half:
        save_file(whole, half, metadata={"cell": cell.id})
    content = {
        "id": cell.id,
        "spec": cell.spec,
        "images": images,
        "summary": {"steps": steps, **summary(trace, images)},
        "provenance": origins[0],
        "files": described(folder, [TOKENS, TRACE]),
    }
    record.write(folder / CELL, content)


def grouped(pieces: Iterable[Part], size: int) -> Iterator[Part]:
    """The same images in parts that begin at multiples of `size`."""
    waiting: list[Part] = []
    for piece in pieces:
        position = piece.start
        while position < piece.stop:
            stop = min((position // size + 1) * size, piece.stop)
            waiting.append(piece.within(position, stop))
            if stop % size == 0:
                yield parts.joined(waiting)
                waiting = []
            position = stop
    if waiting:
        yield parts.joined(waiting)


def _survey(cell: Cell, folder: Path) -> list[str]:
    """Every column of the trace, in the order of first appearance. An image that is missing is an error."""
    span, held, names = (0, cell.images), [], {}
    for part in parts.cover(folder, span, parts.owner_of(cell)):
        held.append((part.start, part.stop))
        names.update(dict.fromkeys(part.trace))
    gaps = list(parts.missing(held, span, cell.images))
    if gaps:
        count, (first, after) = sum(stop - start for start, stop in gaps), gaps[0]
        raise LadrError(
            f"{folder}: {count} of {cell.images} images are missing (the first: {first} to {after - 1}); "
            f"run `ladr run {cell.id}`"
        )
    return list(names)


def _table(group: Part, columns: list[str]) -> Any:
    """The trace of a group as a table with all the columns."""
    import pyarrow as pa

    return pa.table({name: group.column(name).numpy() for name in columns})
