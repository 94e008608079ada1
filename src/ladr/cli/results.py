"""`ladr table`, `pictures`, `track`, `ui`, `doctor`: what is done with finished cells."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from ladr.base.errors import printable
from ladr.base.files import require_folder
from ladr.cli.options import PARAMS, SET, File, Json, Set, experiment_of, print_json

RESTORE = "`git checkout figures/published` brings them back"


def table(
    params: File = PARAMS,
    set_: Set = None,
    out: Annotated[Path, typer.Option(help="The folder for the tables.")] = Path("results"),
) -> None:
    """Put all scores of the grid together, with intervals and differences to the baseline."""
    from ladr.experiment.cells.table import write
    from ladr.experiment.plan.plan import Plan

    experiment, grid = experiment_of(params, set_)
    require_folder(out)
    lines = write(grid, experiment.baseline, out, note=Plan(experiment, grid, out).note)
    typer.echo(f"{printable(str(out))}/scores.csv: {len(lines)} lines of {len(grid.cells)} cells")


def pictures(
    params: File = PARAMS,
    set_: Set = None,
    record: Annotated[
        Path | None, typer.Option(help="List here what was computed, and remove what is not in the list.")
    ] = None,
) -> None:
    """Compute what the illustrations show, from finished cells; `ladr figures` draws it."""
    from ladr.experiment.cells.record import require_own
    from ladr.experiment.illustrations.illustration import write
    from ladr.experiment.plan.records import DRAWN, record_illustrations

    grid = experiment_of(params, set_)[1]
    if record is not None:
        require_own(record, DRAWN)
    written = write(grid)
    if record is not None:
        record_illustrations(record, written)


def track(
    params: File = PARAMS,
    set_: Set = None,
    record: Annotated[Path | None, typer.Option(help="List here the cells that MLflow has.")] = None,
) -> None:
    """Bring MLflow up to date with results/ (MLFLOW_TRACKING_URI, or results/mlflow.db)."""
    from ladr.experiment.cells.latency import measurements
    from ladr.experiment.cells.record import require_own, write
    from ladr.experiment.track import track as log

    experiment, grid = experiment_of(params, set_)
    if record is not None:
        require_own(record, {"cells"})
    count = log(grid, experiment.baseline, timed=measurements(experiment, grid))
    typer.echo(f"MLflow: {count['new']} new, {count['changed']} changed, {count['same']} as they were")
    if record:
        write(record, {"cells": list(grid.cells)})


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to serve on.")] = 5000,
    host: Annotated[str, typer.Option(help="The address to serve on.")] = "127.0.0.1",
) -> None:
    """Open MLflow on this machine's loopback address."""
    from ladr.experiment.track import serve

    serve(host, port)


def doctor(
    mend: Annotated[
        bool, typer.Option("--mend", help="Remove damaged files, and the lock that a dead run left.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what is wrong.")] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Score all tokens again, and make the table again, to compare.")
    ] = False,
    json: Json = False,
) -> None:
    """Check every checksum of results and published figures; exit 1 if one does not hold (0 if mended)."""
    from ladr.experiment.cells import doctor
    from ladr.experiment.plan.publish import altered

    if mend:
        doctor.claim()
    elif doctor.running():
        typer.echo(f"{doctor.running()}; what it writes now may look damaged", err=True)
    findings = list(doctor.examine(thorough=deep))
    published = altered()
    if json:
        damaged = [{"finding": f.message, "remove": [str(path) for path in f.remove]} for f in findings]
        print_json([*damaged, *({"finding": message, "remove": []} for message in published)])
    for message in () if json else (*(f.message for f in findings), *published):
        typer.echo(message, err=True)
    if mend and findings:
        typer.echo(f"removed {doctor.mend(findings)} files; the next run makes them again", err=True)
    elif findings:
        typer.echo(f"{len(findings)} findings; `ladr doctor --mend` removes damaged files", err=True)
    if published:
        typer.echo(f"{len(published)} published figures are not those of git; {RESTORE}", err=True)
    if published or (findings and not mend):
        raise typer.Exit(1)
    if not (findings or quiet or json):
        typer.echo("every checksum holds")


def crate(
    params: File = PARAMS,
    set_: Set = None,
    out: Annotated[Path, typer.Option(help="The folder of the crate.")] = Path("results/crate"),
) -> None:
    """Pack a finished run as a Workflow Run RO-Crate: files, what they are, how they were made."""
    from ladr.experiment.crate import write

    require_folder(out)
    changes = shlex.join(set_) if set_ else os.environ.get(SET, "")
    count = write(out, params, experiment_of(params, set_)[1], changes=changes)
    typer.echo(f"{printable(str(out))}: {count} files of the run, described in ro-crate-metadata.json")
