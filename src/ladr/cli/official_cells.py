"""`ladr benchmark export` and `import`: cells of the official benchmarks by hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ladr.base.errors import LadrError, printable
from ladr.cli.options import PARAMS, File, OneCell, Set, experiment_of

if TYPE_CHECKING:
    from ladr.experiment.cell import Cell

SHOWN = 20


def _official_cell(name: str, params: Path, changes: list[str] | None) -> "tuple[Cell, Path]":
    """(the cell of that name, its folder); LadrError unless it is one of an official benchmark."""
    from ladr.experiment.cells.decode import folder_of

    cells = [cell for cell in experiment_of(params, changes)[1].find([name]) if cell.benchmark.official]
    if len(cells) != 1:
        named = f"{len(cells)} cells" if cells else "no cell of an official benchmark"
        raise LadrError(f"cell {name!r}: this names {named}; name one, by its id")
    return cells[0], folder_of(cells[0].id)


def export(
    cell: OneCell,
    to: Annotated[Path, typer.Option(help="The folder that the official script will read.")],
    params: File = PARAMS,
    set_: Set = None,
) -> None:
    """Render a finished cell into the official layout, with a manifest beside the folder."""
    from ladr.benchmarks.official import folder as layout
    from ladr.experiment.cells.official import export_cell, layout_of

    exported, place = _official_cell(cell, params, set_)
    new = export_cell(exported, place, to)
    report = layout.check(layout_of(exported), to, decode=False)
    typer.echo(f"{printable(str(to))}: {report.present} of {report.expected} image files, {new} of them new")
    for path, reason in list(report.faults.items())[:SHOWN]:
        typer.echo(f"  {path}: {reason}")
    if not report.ok:
        raise typer.Exit(1)


def import_results(
    cell: OneCell,
    results: Annotated[Path, typer.Option(help="What the official script wrote.")],
    totals: Annotated[
        Path | None, typer.Option(help="DPG-Bench's `..._results.txt`, checked against it.")
    ] = None,
    params: File = PARAMS,
    set_: Set = None,
) -> None:
    """Check an official result against a cell and make it the cell's scores."""
    from ladr.experiment.cells.official_import import take
    from ladr.experiment.cells.score import score

    judged, place = _official_cell(cell, params, set_)
    parts = take(judged, place, results, totals)
    score([judged], again=True)
    typer.echo(f"{judged.id}: official scores of {', '.join(parts)}; `snakemake` makes the tables again")
