"""`ladr params`, `grid`, `run`, `score`, `ceiling`, `latency`, `prune`: the cells of params.yaml by hand.

Snakemake calls the same commands."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ladr.base.errors import LadrError
from ladr.cli.options import (
    MOST,
    MOST_THREADS,
    PARAMS,
    Cells,
    File,
    Json,
    Set,
    Size,
    experiment_of,
    print_json,
)

OF_FOLDERS = "--size --images --out --ceiling --json".split()  # options of `ladr score`


def params(
    params: File = PARAMS,
    set_: Set = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema for editors.")] = False,
    json: Json = False,
) -> None:
    """Check params.yaml and say how many cells it names."""
    if schema:
        from ladr.experiment.params.schema import schema as schema_of

        print_json(schema_of())
        return
    from ladr.experiment.plan.figures import FigurePlan

    read, grid = experiment_of(params, set_)
    FigurePlan(read, grid).check()
    if json:
        print_json({"params": str(params), "rows": len(grid.lines), "cells": list(grid.cells)})
        return
    typer.echo(f"{params}: well formed; {len(grid.lines)} rows, {len(grid.cells)} cells")


def grid(
    cells: Annotated[
        bool,
        typer.Option("--cells", help="List cells: each point of a sweep, and cells that others need."),
    ] = False,
    missing: Annotated[bool, typer.Option("--missing", help="List only what is not done.")] = False,
    at_once: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="Jobs at once; default: cores of this machine, or one GPU."),
    ] = None,
    params: File = PARAMS,
    set_: Set = None,
    json: Json = False,
) -> None:
    """List the rows of params.yaml: what is done, what is missing, scores and passes, hours and wall time.

    Times are those of decoded cells and stopwatches or, marked as guessed, computed from operations. In a
    pipe every line has its fields between tabs, with names in the first line.
    """
    from ladr.cli.listing import print_cells, print_rows, print_table, rounded
    from ladr.experiment.cells.overview import overview, rows_of

    _, grid = experiment_of(params, set_)
    all_cells = overview(grid, at_once=at_once)
    listed = all_cells if cells else rows_of(grid, all_cells)
    if missing:
        listed = [row for row in listed if row["state"] != "done"]
    if json:
        print_json(rounded(listed))
    elif not sys.stdout.isatty():
        print_table(rounded(listed))
    else:
        (print_cells if cells else print_rows)(listed, all_cells)


def run(
    cells: Cells,
    images: Annotated[
        str | None,
        typer.Option(metavar="START-STOP", help="Decode these images of one cell alone, into a shard."),
    ] = None,
    params: File = PARAMS,
    set_: Set = None,
    wait: Annotated[bool, typer.Option(help="Wait for another process that decodes a cell.")] = False,
) -> None:
    """Decode cells, and the cells that they need. Finished cells are not decoded again.

    SIGTERM saves the images that are finished; the same command then decodes the rest.
    """
    from ladr.experiment.cells.decode import run as decode_cells
    from ladr.experiment.cells.decode import run_shard
    from ladr.experiment.cells.parts import span_of

    experiment, grid = experiment_of(params, set_)
    named = grid.find(cells)
    if images is None:
        decode_cells(grid.closed(named), part=experiment.part, wait=wait)
        return
    if len(named) != 1:
        raise LadrError(f"--images is for one cell; {len(named)} were named")
    run_shard(named[0], span_of(images), part=experiment.part, wait=wait)


def join(cells: Cells, params: File = PARAMS, set_: Set = None) -> None:
    """Join the shards of cells, once all their images are decoded."""
    from ladr.experiment.cells.decode import join_shards

    for cell in experiment_of(params, set_)[1].find(cells):
        join_shards(cell)


def score(
    names: Annotated[
        list[str], typer.Argument(help="Cells (ids, 8 digits, paths, row names), or one folder of images.")
    ],
    benchmark: Annotated[
        str | None, typer.Option(help="Score a folder of images by this mini benchmark.")
    ] = None,
    size: Size = "default",
    images: Annotated[int, typer.Option(min=1, max=MOST, help="Images per prompt in the folder.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Scores of the folder; default: scores.jsonl in it.")
    ] = None,
    ceiling: Annotated[
        Path | None, typer.Option(help="Scores of ground truth, shown beside the folder's.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Score again. Answers of a judge that are kept are used.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_THREADS, help="Processes that score; default: all cores."),
    ] = None,
    params: File = PARAMS,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Score decoded cells, or any folder of images named PROMPT-ID_NUMBER.png."""
    processes = processes or os.cpu_count() or 1
    of_folders = (size != "default", images != 1, out is not None, ceiling is not None, json)
    _refuse_unread(benchmark is not None, of_folders, again)
    if benchmark is not None:
        from ladr.cli.mini import score_folder

        if len(names) != 1:
            raise LadrError(f"--benchmark scores one folder at a time; {len(names)} were named")
        folder = Path(names[0])
        score_folder(folder, benchmark, size, images, processes, out, ceiling, json)
        return
    from ladr.experiment.cells.score import score as score_cells

    cells = experiment_of(params, set_)[1].find(names)
    score_cells(cells, processes=processes, again=again)


def _refuse_unread(folder: bool, of_folders: Sequence[bool], again: bool) -> None:
    """LadrError at an option of `ladr score` that nothing would read: those of a folder beside cells, and
    `--again` beside a folder.

    of_folders: is each option of `OF_FOLDERS` there?
    """
    if folder and again:
        raise LadrError("--again: is for cells; a folder of images is scored anew every time, leave it out")
    for option, there in zip(OF_FOLDERS, of_folders, strict=True):
        if there and not folder:
            raise LadrError(
                f"{option}: is for a folder of images; add --benchmark NAME, or leave {option} out"
            )


def ceiling(file: Path, params: File = PARAMS, set_: Set = None) -> None:
    """Score ground truth through a backbone's tokenizer, into FILE of results/ceilings."""
    from ladr.experiment.cells.ceiling import ceiling_file, score_ceiling

    _, grid = experiment_of(params, set_)
    for cell in grid.cells.values():
        if ceiling_file(cell) == file:
            score_ceiling(cell)
            return
    raise LadrError(f"{file}: no cell of the grid has this ceiling")


def latency(
    names: Annotated[list[str] | None, typer.Argument(help="Measurements; default: all.")] = None,
    params: File = PARAMS,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Measure seconds per image at batch 1, all samplers by turns. Keep the machine quiet meanwhile."""
    from ladr.experiment.cells.latency import measure, measurements

    experiment, grid = experiment_of(params, set_)
    records = {name: measure(name, experiment, grid) for name in names or measurements(experiment, grid)}
    if json:
        print_json(records)
        return
    for record in records.values():
        for sampler, row in record["rows"].items():
            typer.echo(f"{sampler:24} {row['seconds']:8.3f} s {row['passes']:6.1f} passes")


def prune(params: File = PARAMS, set_: Set = None, json: Json = False) -> None:
    """Remove from results/ what params.yaml no longer names."""
    from ladr.experiment.cells.doctor import claim
    from ladr.experiment.cells.doctor import prune as remove
    from ladr.experiment.plan.plan import Plan

    experiment = experiment_of(params, set_)
    claim()
    plan = Plan(*experiment, Path("results"))
    for folder in ("ceilings", "latency", "pictures"):  # DVC wants its outputs to exist, if only empty
        Path("results", folder).mkdir(parents=True, exist_ok=True)
    removed = remove(plan.grid.cells, [*plan.ceilings, *plan.timed, *plan.figures.illustrations])
    if json:
        print_json([str(name) for name in removed])
        return
    for name in removed:
        typer.echo(f"removed {name}")
