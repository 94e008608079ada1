"""`ladr figures` and `ladr publish`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ladr.base.errors import LadrError, printable
from ladr.base.files import require_folder
from ladr.experiment.plan.records import FIGURES, PUBLISHED
from ladr.figures.frame.index import require_own as require_own_index
from ladr.figures.frame.index import write as index_of
from ladr.figures.frame.modules import HERE, Draw, drawer, names

if TYPE_CHECKING:
    from ladr.figures.frame.results import Results

__all__ = ["HERE", "draw", "figures", "names"]


def draw(
    chosen: Iterable[str], results: Path, out: Path, drawings: dict[str, Any] | None = None
) -> tuple[list[Path], list[str]]:
    """Draw these figures (all, if none is chosen). Returns the files written, and what is left out and why.

    A chosen figure must be possible. Among all, those that the experiment has no cells for are left out.
    drawings: what figures were drawn from before; one that would be the same is not drawn again. They are
    replaced by those of now.
    """
    from ladr.figures.frame.results import NotAskedError, Results

    chosen = list(chosen)
    source = Results(results)
    drawers = {name: drawer(name) for name in chosen or names()}
    written: list[Path] = []
    left_out: list[str] = []
    for name, draw_one in drawers.items():
        try:
            written += _drawn(name, draw_one, source, out, {} if drawings is None else drawings)
        except NotAskedError as reason:
            if chosen:
                raise
            left_out.append(f"{name}: {reason}")
        except LadrError as error:
            raise LadrError(f"{name}: {error}") from None
    out.mkdir(parents=True, exist_ok=True)
    if source.unscored:
        places = ", ".join(f"{benchmark} on {backbone}" for backbone, benchmark in source.unscored)
        left_out.append(f"scores of {places}: N/A, as their tables explain")
    return written, left_out


def _drawn(name: str, draw_one: Draw, source: "Results", out: Path, drawings: dict[str, Any]) -> list[Path]:
    """The files of one module, drawn now unless its drawing of before still holds."""
    from ladr.figures.frame.drawn import DrawnFrom

    if name in drawings and DrawnFrom(**drawings[name]).holds(name, source):
        return [out / file for file in drawings[name]["files"]]
    drawings.pop(name, None)
    source.asked.clear()
    written: list[Path] = []
    for one in list(draw_one(source)):
        place = out / getattr(one, "folder", "")
        place.mkdir(parents=True, exist_ok=True)
        written += one.save(place)
    drawings[name] = DrawnFrom.of(name, source, written, out).plain()
    return written


def figures(
    chosen: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: all.")] = None,
    results: Annotated[Path, typer.Option(help="The folder of the results.")] = Path("results"),
    out: Annotated[Path, typer.Option(help="The folder for the figures.")] = FIGURES,
    record: Annotated[Path | None, typer.Option(help="List here the files that were drawn.")] = None,
    index: Annotated[bool, typer.Option("--index", help="Write only README.md, which lists them.")] = False,
    source: Annotated[
        list[str] | None,
        typer.Option(help="With --index: a record that counts; figures of other records are removed."),
    ] = None,
) -> None:
    """Redraw tables and figures from results."""
    from ladr.experiment.cells.record import require_own
    from ladr.experiment.plan import records
    from ladr.experiment.plan.figures import sources_of_figures

    if index or not chosen:
        require_own_index(out)
    if index:
        if source:
            records.retire(results, source, out)
        own = records.drawn(out, results) if records.figure_files(results) else None
        typer.echo(printable(str(index_of(out, own))))
        _report_others(records.strangers(out, own or out.rglob("*")))
        return
    if record is not None:
        require_own(record, records.DRAWN | records.FROM)
    require_folder(out)
    drawings = records.drawings_of(record, out) if record is not None else {}
    sources = None
    try:
        written, left_out = draw(chosen or [], results, out, drawings)
        sources = None if chosen else sources_of_figures()
    finally:
        if record is None:
            records.renew(results, out, drawings, sources)
    for text in left_out:
        typer.echo(f"left out: {printable(text)}")
    if record is not None:
        records.record(record, chosen or names(), written, out, results, drawings)
    if not chosen:
        index_of(out, [*written, *records.drawn(out, results)])
        _report_others(records.strangers(out, written))
    typer.echo(f"{printable(str(out))}: {len(written)} files")


def publish(
    results: Annotated[Path, typer.Option(help="The folder of the results.")] = Path("results"),
    smaller: Annotated[
        bool, typer.Option("--smaller", help="Also where what is published shows more images.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this backbone's figures, or theory, paper, gallery.html; again for more.",
        ),
    ] = None,
) -> None:
    """Copy the figures of a finished run to figures/published, which git keeps."""
    from ladr.experiment.plan.publish import publish as copy

    count = copy(results, smaller, only=only or (), index=index_of)
    typer.echo(f"{PUBLISHED}: {count['written']} files, {count['removed']} older ones removed")


def _report_others(others: list[Path]) -> None:
    """Name the files among the figures that these results did not draw. They are left as they are."""
    if others:
        typer.echo(f"of another experiment: {printable(', '.join(map(str, others)))}")
