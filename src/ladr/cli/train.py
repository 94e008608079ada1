"""`ladr train vq` and `ladr train model`."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ladr.base.errors import LadrError
from ladr.base.files import require_folder, require_place, write_bytes
from ladr.base.tensor_files import require_tensors
from ladr.cli.options import MOST, MOST_STEPS, MOST_THREADS

app = typer.Typer(no_args_is_help=True, help="Train the embedded tokenizer and model from nothing.")
MOST_TRAINED = 100_000_000  # steps of training
CURVE, SHEET = "loss.png", "sheet.png"
MLflow = Annotated[
    bool,
    typer.Option(help="Also log the run and its pictures to MLflow: to MLFLOW_TRACKING_URI, or ./mlflow.db."),
]
Seed = Annotated[int, typer.Option(min=0, max=1 << 31, help="The seed of data and weights.")]
Folder = Annotated[Path, typer.Option(help="Where checkpoints, logs and the result go.")]
Data = Annotated[str, typer.Option(help="The data set: shapes or pictures.")]

data_app = typer.Typer(no_args_is_help=True, help="Make a data set that is not drawn on the fly.")
app.add_typer(data_app, name="data")


@data_app.callback()
def _data() -> None:
    """Without this callback a single command would lose its name."""


@data_app.command()
def pictures(
    source: Annotated[Path, typer.Option("--from", help="Folder with the files that `npm pack` wrote.")],
    folder: Folder = Path("runs/pictures"),
    group: Annotated[list[str] | None, typer.Option(help="A group of emoji; may be repeated.")] = None,
    codes: Annotated[int, typer.Option(min=16, max=1 << 16, help="Size of the codebook.")] = 1024,
    seed: Seed = 0,
) -> None:
    """Render the emoji of the packages, learn a codebook of their patches and encode every picture."""
    from ladr.training.pictures.concepts import GROUPS
    from ladr.training.pictures.make import make

    typer.echo(json.dumps(make(source, folder, tuple(group or GROUPS), codes, seed)))


@app.command()
def vq(
    folder: Folder = Path("runs/shapes"),
    data: Data = "shapes",
    seed: Seed = 0,
    steps: Annotated[int, typer.Option(min=1, max=MOST_TRAINED, help="Training steps.")] = 3000,
) -> None:
    """Train codebook, decoder and encoder of the tokenizer; call again to go on after an interruption."""
    from ladr.training.vq import train_vq

    train_vq(folder, data=data, seed=seed, steps=steps)


@app.command()
def model(
    folder: Folder = Path("runs/shapes"),
    data: Data = "shapes",
    seed: Seed = 0,
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_TRAINED, help="May be raised on resume until the decay begins."),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=MOST_THREADS, help="CPU processes, 1 or 2; 1 on a GPU.")
    ] = 1,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, max=1e6, help="Stop (resumable) after so long.")
    ] = None,
    compiled: Annotated[bool, typer.Option(help="torch.compile: slow to start, twice as fast after.")] = True,
    shard_batch: Annotated[
        int | None, typer.Option(min=1, max=1 << 16, help="Images per shard and step; two shards.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Checkpoint folder whose weights to begin with.")] = None,
    rate: Annotated[float, typer.Option(min=0.0, max=1000.0, help="Factor on both learning rates.")] = 1.0,
    early: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Share of the run that shows nearly empty images.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, max=MOST_THREADS, help="Processes that make data; default: 0, on a GPU all cores."
        ),
    ] = None,
    mlflow: MLflow = False,
) -> None:
    """Train the transformer and draw loss.png and sheet.png; call again to go on after an interruption.

    An option that is left out is as the data set has it.
    """
    import torch

    from ladr.backbones.exact.patches import PatchCodes
    from ladr.training.data_set import data_set, default_settings
    from ladr.training.run import Execution, train
    from ladr.training.settings import with_codes

    usual = default_settings(data)
    if start is not None:
        data_set(data, start)
        copy_codebook(start, folder)
    book = folder / "patches.safetensors"
    if not book.exists():
        raise LadrError(f"{book}: not there; run `ladr train vq --folder {folder}` first")
    require_tensors(book, "means")
    if start is not None:
        require_tensors(start / "model.safetensors")
    stated = {"steps": steps, "shard_batch": shard_batch, "early": early}
    patches = PatchCodes.load(book)
    settings = replace(
        with_codes(usual, patches.codes),
        seed=seed,
        matrix_rate=rate * usual.matrix_rate,
        other_rate=rate * usual.other_rate,
        **{name: value for name, value in stated.items() if value is not None},
    )
    options = {"processes": processes, "compiled": compiled, "minutes": minutes}
    options["start"] = None if start is None else start / "model.safetensors"
    usual_workers = (os.cpu_count() or 1) if torch.cuda.is_available() else 0
    options["workers"] = usual_workers if workers is None else workers
    train(folder / "model", patches, settings, Execution(**options))
    try:
        curve(folder, None, False)
        sheet(folder, None, 2, 32, mlflow)
    except LadrError as lack:  # the run itself is complete
        typer.secho(f"no pictures: {lack}", err=True)


def copy_codebook(start: Path, folder: Path) -> None:
    """Copy the codebook of `start` to `folder`: weights fit only the codes that they were trained on."""
    for name in ("model.safetensors", "patches.safetensors"):
        if not (start / name).exists():
            raise LadrError(f"{start / name}: not there; --start takes a checkpoint folder")
    source = start / "patches.safetensors"
    target = folder / "patches.safetensors"
    if not target.exists():
        write_bytes(target, source.read_bytes())
    elif target.read_bytes() != source.read_bytes():
        raise LadrError(
            f"{target}: other codes than {source}, so these weights do not fit; choose another folder"
        )


@app.command()
def export(
    folder: Folder = Path("runs/shapes"),
    to: Annotated[Path, typer.Option(help="The checkpoint folder to write.")] = Path("models/shapes"),
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16, half the size.")] = "float32",
) -> None:
    """Write the averaged weights, the tokenizer and the log as a checkpoint folder in the hub layout."""
    from ladr.training.export import export as write

    if to.exists() and not to.is_dir():
        raise LadrError(f"{to}: is a file; the folder of a checkpoint is wanted")
    require_folder(to)
    state = write(folder, to, dtype)
    typer.echo(json.dumps(state))


@app.command()
def curve(
    folder: Folder = Path("runs/shapes"),
    to: Annotated[Path | None, typer.Option(help="The picture to write; default: loss.png there.")] = None,
    mlflow: MLflow = False,
) -> None:
    """Draw the loss curve of a run, and log it to MLflow if asked."""
    from ladr.training.log import draw

    if not (folder / "model" / "log.jsonl").exists():
        raise LadrError(f"{folder / 'model' / 'log.jsonl'}: not there; run `ladr train model` first")
    to = to or folder / CURVE
    _require_picture(to, ".png", ".svg", ".pdf")
    draw(folder / "model" / "log.jsonl", to)
    _log(folder, mlflow, to)
    typer.echo(str(to))


@app.command()
def sheet(
    folder: Folder = Path("runs/shapes"),
    to: Annotated[Path | None, typer.Option(help="The picture to write; default: sheet.png there.")] = None,
    each: Annotated[int, typer.Option(min=1, max=MOST, help="Prompts per column.")] = 2,
    steps: Annotated[int, typer.Option(min=1, max=MOST_STEPS, help="Cosine passes.")] = 32,
    mlflow: MLflow = False,
) -> None:
    """Draw held-out prompts with the averaged weights of a run, as far as it is, and log it if asked."""
    from ladr.training.sheet import sheet as write

    to = to or folder / SHEET
    _require_picture(to, ".png")
    typer.echo(json.dumps(write(folder, to, each=each, steps=steps)))
    _log(folder, mlflow, to)


def _require_picture(to: Path, *kinds: str) -> None:
    """LadrError unless a picture of one of these kinds can be written there."""
    if to.suffix.lower() not in kinds:
        raise LadrError(f"to: {str(to)!r} is not allowed; a file whose name ends in {' or '.join(kinds)}")
    require_place(to)


def _log(folder: Path, mlflow: bool, picture: Path) -> None:
    """The run with all its pictures, this one among them."""
    if mlflow:
        from ladr.training.log import track

        track(folder, {picture, *(p for p in (folder / CURVE, folder / SHEET) if p.exists())})


@app.command()
def exam(
    folder: Annotated[Path, typer.Option(help="A checkpoint folder.")] = Path("models/shapes"),
    data: Data = "shapes",
    prompts: Annotated[int, typer.Option(min=2, max=MOST, help="Prompts per column.")] = 100,
    steps: Annotated[int, typer.Option(min=1, max=MOST_STEPS, help="Planned passes T.")] = 64,
    guidance: Annotated[
        float | None, typer.Option(min=0.0, max=1000.0, help="Default: the checkpoint's.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="How many processes decode.")] = 2,
    out: Annotated[Path | None, typer.Option(help="Also write the scores as JSON.")] = None,
) -> None:
    """Score a checkpoint on held-out prompts, column by column, and print the model card's table."""
    from ladr.training.exam import exam as examine
    from ladr.training.exam import table, write

    if out is not None:
        require_place(out)
    scores = examine(folder, prompts, steps, guidance, processes, data)
    if out is not None:
        write(scores, out)
    typer.echo(table(scores))
    typer.echo(f"\ncosine, {steps} passes, {scores['seconds']} s")
