"""`ladr grid`, `run`, `grade`, `table`, `latency`, `doctor`, `params` and the like: the workflow by hand.

Snakemake calls the same commands."""

import json as jsonlib
import os
from pathlib import Path
from typing import Annotated

import typer

from ladr.base.errors import LadrError

app = typer.Typer(
    no_args_is_help=True, help="The experiment of params.yaml: cells, tables, tracking, sweeps."
)
File = Annotated[Path, typer.Option("--params", envvar="LADR_PARAMS", help="the experiment")]
Set = Annotated[
    list[str] | None, typer.Option("--set", envvar="LADR_SET", help="KEY=VALUE: change a dotted key")
]
Cells = Annotated[list[str], typer.Argument(help="ids, their last 8 digits, paths, or row names")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
PARAMS = Path("params.yaml")


def _read(path: Path, given: list[str] | None):
    from ladr.experiment.grid import grid
    from ladr.experiment.params import changes_of, load

    params = load(path, changes_of(given or []))
    return params, grid(params)


@app.command("grid")
def grid_command(params: File = PARAMS, set_: Set = None, json: Json = False) -> None:
    """List the cells: which row wants them, done or missing, and how long the missing ones may take."""
    from ladr.experiment.cells.overview import overview, printed

    _, grid = _read(params, set_)
    rows = overview(grid)
    if json:
        typer.echo(jsonlib.dumps(rows, indent=1))
    else:
        printed(rows)


@app.command("run")
def run_command(
    cells: Cells,
    params: File = PARAMS,
    set_: Set = None,
    wait: Annotated[bool, typer.Option(help="wait for a process that is at work on a cell")] = False,
) -> None:
    """Decode cells, and the cells that they need. What is done is not done again."""
    from ladr.experiment.cells.decode import run

    read, grid = _read(params, set_)
    run(grid.closed(grid.find(cells)), part=read.part, wait=wait)


@app.command("grade")
def grade_command(
    cells: Cells,
    params: File = PARAMS,
    set_: Set = None,
    processes: Annotated[int, typer.Option(help="how many score at once")] = 1,
) -> None:
    """Score decoded cells."""
    from ladr.experiment.cells.score import score

    _, grid = _read(params, set_)
    score(grid.find(cells), processes=processes)


@app.command("score")
def score_command(
    what: Annotated[list[str], typer.Argument(help="cells, or with --benchmark one folder of images")],
    benchmark: Annotated[str | None, typer.Option(help="judge a folder of images by this benchmark")] = None,
    size: Annotated[
        str, typer.Option(help="of the benchmark: smoke, default, full, or a number")
    ] = "default",
    images: Annotated[int, typer.Option(help="images per prompt of the folder")] = 1,
    processes: Annotated[int | None, typer.Option(help="how many work at once (default: all cores)")] = None,
    params: File = PARAMS,
    set_: Set = None,
) -> None:
    """Score decoded cells, or any folder of images named PROMPT-ID_NUMBER.png."""
    processes = processes or os.cpu_count() or 1
    if benchmark is None:
        return grade_command(what, params, set_, processes)
    if len(what) != 1:
        raise LadrError(f"--benchmark judges one folder at a time; {len(what)} were named")
    from ladr.cli.mini import score_command as score_folder

    return score_folder(Path(what[0]), benchmark, size, images, processes)


@app.command("ceiling")
def ceiling_command(file: Path, params: File = PARAMS, set_: Set = None) -> None:
    """Score ground truth through a backbone's tokenizer: FILE in results/ceilings."""
    from ladr.experiment.cells.ceiling import ceiling_file, score_ceiling

    _, grid = _read(params, set_)
    for cell in grid.cells.values():
        if ceiling_file(cell) == file:
            return score_ceiling(cell)
    raise LadrError(f"{file}: no cell of the grid has this ceiling")


@app.command("table")
def table_command(params: File = PARAMS, set_: Set = None, out: Path = Path("results")) -> None:
    """Put all scores of the grid together, with intervals and differences to the baseline."""
    from ladr.experiment.cells.table import write

    read, grid = _read(params, set_)
    lines = write(grid, read.baseline, out)
    typer.echo(f"{out}/scores.csv: {len(lines)} lines of {len(grid.cells)} cells")


@app.command("latency")
def latency_command(
    names: Annotated[list[str] | None, typer.Argument(help="measurements (default: all)")] = None,
    params: File = PARAMS,
    set_: Set = None,
) -> None:
    """Seconds per image at batch 1, all samplers by turns. Keep the machine quiet meanwhile."""
    from ladr.experiment.cells.latency import measure, measurements

    read, grid = _read(params, set_)
    for name in names or measurements(read, grid):
        record = measure(name, read, grid)
        for sampler, row in record["rows"].items():
            typer.echo(f"{sampler:24} {row['seconds']:8.3f} s {row['passes']:6.1f} passes")


@app.command("doctor")
def doctor_command(
    mend_: Annotated[
        bool, typer.Option("--mend", help="remove what is damaged, and a dead run's lock")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="say only what is wrong")] = False,
) -> None:
    """Check every checksum below results/; exit 2 if one does not hold (0 if it was mended)."""
    from ladr.experiment.cells import doctor

    if mend_:
        doctor.claim()
    findings = list(doctor.examine())
    for finding in findings:
        typer.echo(finding.message, err=True)
    if mend_ and findings:
        typer.echo(f"removed {doctor.mend(findings)} files; the next run makes them anew", err=True)
    elif findings:
        raise LadrError(f"{len(findings)} findings; `ladr doctor --mend` removes what is damaged")
    elif not quiet:
        typer.echo("every checksum holds")


@app.command("track")
def track_command(
    params: File = PARAMS,
    set_: Set = None,
    record: Annotated[Path | None, typer.Option(help="write what was done here")] = None,
) -> None:
    """Bring MLflow up to date with results/ (MLFLOW_TRACKING_URI, or results/mlflow.db)."""
    from ladr.experiment.cells.record import write_json
    from ladr.experiment.track import track

    read, grid = _read(params, set_)
    count = track(grid, read.baseline)
    typer.echo(f"MLflow: {count['new']} new, {count['changed']} changed, {count['same']} as they were")
    if record:
        write_json(record, {"cells": list(grid.cells)})


@app.command("ui")
def ui_command(port: int = 5000, host: str = "127.0.0.1") -> None:
    """Open MLflow on this machine's loopback address."""
    from ladr.experiment.track import serve

    serve(host, port)


@app.command("search")
def search_command(
    trials: Annotated[int, typer.Option(help="settings tried in all, earlier runs included")] = 40,
    base: Annotated[str, typer.Option(help="the sampler to vary")] = "ladr",
    backbone: Annotated[str, typer.Option(help="a backbone of params.yaml")] = "mixture",
    benchmark: Annotated[str, typer.Option(help="what to score on")] = "mini-geneval",
    size: Annotated[str, typer.Option(help="smoke, default, full, or prompts per column")] = "smoke",
    vary: Annotated[list[str] | None, typer.Option(help="FIELD=LOW:HIGH:STEP")] = None,
    seed: int = 0,
    params: File = PARAMS,
) -> None:
    """Search settings with Optuna for a high score in few passes; call again to go on."""
    from ladr.experiment.cells.record import RESULTS
    from ladr.experiment.sweep.search import prepared, search

    size_ = int(size) if size.isdecimal() else size
    what = prepared(params, base, backbone, benchmark, size_, vary or ())
    for row in search(what, trials, seed=seed):
        typer.echo(f"score {row['score']:6.2f}  passes {row['passes']:6.2f}  {row['point']}")
    typer.echo(f"rows to paste: {RESULTS}/search/{what.name}.yaml")


@app.command("prune")
def prune_command(params: File = PARAMS, set_: Set = None) -> None:
    """Remove what params.yaml no longer names from results/."""
    from ladr.experiment.cells.doctor import prune
    from ladr.experiment.plan.plan import Plan

    plan = Plan(*_read(params, set_), Path("results"))
    for name in prune(plan.grid.cells, [*plan.ceilings, *plan.timed, *plan.drawings.pictures]):
        typer.echo(f"removed {name}")


@app.command("params")
def params_command(
    params: File = PARAMS,
    set_: Set = None,
    schema: Annotated[bool, typer.Option("--schema", help="print the JSON schema for editors")] = False,
) -> None:
    """Check params.yaml and say what it asks for."""
    if schema:
        from ladr.experiment.params.schema import schema as made

        typer.echo(jsonlib.dumps(made(), indent=1))
        return
    _, grid = _read(params, set_)
    typer.echo(f"{params}: well formed; {len(grid.lines)} rows, {len(grid.cells)} cells")
