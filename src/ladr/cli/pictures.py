"""`ladr pictures`."""

from pathlib import Path
from typing import Annotated

import typer

from ladr.base.errors import LadrError


def pictures(
    params: Annotated[Path, typer.Option("--params", envvar="LADR_PARAMS", help="the experiment")] = Path(
        "params.yaml"
    ),
    set_: Annotated[list[str] | None, typer.Option("--set", envvar="LADR_SET", help="KEY=VALUE")] = None,
    record: Annotated[Path | None, typer.Option(help="write here what was worked out; drop the rest")] = None,
) -> None:
    """Work out what the illustrations show, from finished cells; figures draw it."""
    from ladr.experiment.grid import grid
    from ladr.experiment.illustrations.pictures import write
    from ladr.experiment.params import changes_of, load
    from ladr.experiment.plan.records import stamp

    try:
        written = write(grid(load(params, changes_of(set_ or []))))
        if record is not None:
            stamp(record, written)
    except LadrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
