"""`ladr figures`."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ladr.base.errors import LadrError, nearest
from ladr.figures.frame.index import write as index_of

HERE = Path(__file__).parents[1] / "figures"


def names() -> list[str]:
    """Every figure module."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__init__")


def draw(wanted: Iterable[str], results: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Draw these figures (all, if none is named); what was written, and what is left out and why.

    A figure that is named must be there; among all, those that the experiment has nothing for are left out.
    """
    from ladr.figures.frame.results import NotAskedError, Results

    wanted, source = list(wanted), Results(results)
    for name in wanted:
        if name not in names():
            raise LadrError(f"figure {name!r} is unknown{nearest(name, names())}")
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    left: list[str] = []
    for name in wanted or names():
        module = import_module(f"ladr.figures.{name}")
        try:
            whole = list(module.draw(source))
            written += [path for one in whole for path in one.save(out)]
        except NotAskedError as reason:
            if wanted:
                raise
            left.append(f"{name}: {reason}")
        except LadrError as error:
            raise LadrError(f"{name}: {error}") from None
    if source.unscored:
        places = ", ".join(f"{benchmark} on {backbone}" for backbone, benchmark in source.unscored)
        left.append(f"scores of {places}: N/A, as their tables explain")
    return written, left


def figures(
    chosen: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="default: all")] = None,
    results: Annotated[Path, typer.Option(help="where the results are")] = Path("results"),
    out: Annotated[Path, typer.Option(help="where the figures go")] = Path("figures"),
    record: Annotated[Path | None, typer.Option(help="write what was drawn here")] = None,
    index: Annotated[bool, typer.Option("--index", help="only list what is there: README.md")] = False,
) -> None:
    """Redraw tables and figures from results."""
    from ladr.experiment.plan.records import drawn, strangers

    if index:
        typer.echo(str(index_of(out)))
        _tell(strangers(out, drawn(results)) if drawn(results) else [])
        return
    try:
        written, left = draw(chosen or [], results, out)
    except LadrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for text in left:
        typer.echo(f"left out: {text}")
    if record is not None:
        from ladr.experiment.plan.records import record as write

        write(record, chosen or names(), written)
    if not chosen:
        index_of(out)
        _tell(strangers(out, written))
    typer.echo(f"{out}: {len(written)} files")


def _tell(others: list[Path]) -> None:
    """Say what lies among the figures, and is left there, though these results did not draw it."""
    if others:
        typer.echo(f"of another experiment: {', '.join(map(str, others))}")
