"""`ladr benchmark export`, `import` and `score`: cells of the official benchmarks by hand."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Option("--params", envvar="LADR_PARAMS", help="the experiment")]
Set = Annotated[list[str] | None, typer.Option("--set", envvar="LADR_SET", help="KEY=VALUE: change a key")]
Name = Annotated[str, typer.Argument(help="id, its last 8 digits, or a path in results/cells")]
PARAMS = Path("params.yaml")


def _cell(name: str, params: Path, given: list[str] | None):
    """(the cell of that name, its folder); LadrError unless it is one of an official benchmark."""
    from ladr.base.errors import LadrError
    from ladr.experiment.cells.decode import folder_of
    from ladr.experiment.grid import grid
    from ladr.experiment.params import changes_of, load

    found = [c for c in grid(load(params, changes_of(given or []))).find([name]) if c.benchmark.official]
    if len(found) != 1:
        told = ", ".join(cell.id for cell in found) or "no cell of an official benchmark"
        raise LadrError(f"cell {name!r}: names {told}; one is wanted")
    return found[0], folder_of(found[0].id)


def export(
    cell: Name,
    to: Annotated[Path, typer.Option(help="folder that the official script will read")],
    params: File = PARAMS,
    set_: Set = None,
) -> None:
    """Render a finished cell into the official layout, with a manifest beside the folder."""
    from ladr.benchmarks.official import folder as layout
    from ladr.experiment.cells.official import export_cell, layout_of

    found, place = _cell(cell, params, set_)
    new = export_cell(found, place, to)
    report = layout.check(layout_of(found), to, decode=False)
    typer.echo(f"{to}: {report.present} of {report.expected} image files, {new} of them new")
    for path, reason in list(report.faults.items())[:20]:
        typer.echo(f"  {path}: {reason}")
    if not report.ok:
        raise typer.Exit(1)


def take(
    cell: Name,
    results: Annotated[Path, typer.Option(help="what the official script wrote")],
    totals: Annotated[Path | None, typer.Option(help="DPG-Bench's `..._results.txt`, checked too")] = None,
    params: File = PARAMS,
    set_: Set = None,
) -> None:
    """Check an official result against a cell and make it the cell's scores."""
    from ladr.experiment.cells.official_import import take as taken
    from ladr.experiment.cells.score import score as score_cells

    found, place = _cell(cell, params, set_)
    parts = taken(found, place, results, totals)
    score_cells([found], again=True)
    typer.echo(f"{found.id}: official scores of {', '.join(parts)}; `snakemake` makes the tables anew")


def score(cell: Name, params: File = PARAMS, set_: Set = None) -> None:
    """Score a cell again: what was missing may be there now. Answers that are kept are not asked for."""
    from ladr.experiment.cells.score import score as score_cells

    found, _ = _cell(cell, params, set_)
    score_cells([found], again=True)
