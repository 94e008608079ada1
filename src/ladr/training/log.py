"""The record of a training run: its curve, and its entry in MLflow."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

from ladr.base.errors import LadrError, needs
from ladr.base.files import appearing, write_text
from ladr.base.foreign import read_lines

LOG = "log.jsonl"
TICKS = (1, 1.2, 1.4, 1.7, 2, 2.5, 3, 4, 5, 7)  # labels within a power of ten


def read_log(path: Path) -> list[dict]:
    """One row per logged step, without lines that a kill has cut; of steps done twice, the last row."""
    rows: dict[int, dict] = {}
    for number, line in enumerate(read_lines(path), start=1):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if not _is_step(row):
            raise LadrError(f"{path}: row {number}: is no step of a run; step, images and loss are numbers")
        rows[row["step"]] = row
    if not rows:
        raise LadrError(f"{path}: holds no step of a training run")
    return [rows[step] for step in sorted(rows)]


def cut_log(path: Path, step: int) -> None:
    """Drop from the log, if there is one, what a run at `step` does anew: rows of later steps, of this run or
    of one that stood in its folder before, and a line that a kill has cut."""
    if path.exists():
        lines = read_lines(path)
        kept = [line for line in lines if _step_in(line) <= step]
        if kept != lines or not path.read_bytes().endswith(b"\n"):
            write_text(path, "".join(f"{line}\n" for line in kept))


def _step_in(line: str) -> float:
    """The step of a line of the log; infinite where the line is cut."""
    try:
        row = json.loads(line)
    except ValueError:
        return math.inf
    return row["step"] if _is_step(row) else 0


def _is_step(row: object) -> bool:
    """Is this a mapping of numbers, with a whole number of steps, images and a loss?"""
    if not isinstance(row, dict) or not {"step", "images", "loss"} <= row.keys():
        return False
    return type(row["step"]) is int and all(type(value) in (int, float) for value in row.values())


def draw(log: Path, to: Path) -> None:
    """Draw the loss over the number of images, with the validation loss of the averaged weights."""
    with needs("the loss curve"):
        import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib import ticker

    rows = read_log(log)
    figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
    axis.plot(
        [r["images"] for r in rows], [r["loss"] for r in rows], lw=0.8, color="#7a9cc6", label="training"
    )
    held_out = [r for r in rows if "validation" in r]
    axis.plot(
        [r["images"] for r in held_out], [r["validation"] for r in held_out], "o-", ms=3, color="#b3452c",
        label="held out, averaged weights",
    )  # fmt: skip
    axis.set(xlabel="images seen", ylabel="loss per masked cell (nats)", yscale="log")
    axis.yaxis.set_major_locator(ticker.LogLocator(subs=TICKS))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(ticker.NullFormatter())
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.legend(frameon=False)
    with appearing(to) as half:
        figure.savefig(half, dpi=150, format=to.suffix[1:].lower())
    plt.close(figure)


def track(run: Path, pictures: Iterable[Path] = ()) -> None:
    """Log a training run as one MLflow run, which replaces an older one: settings, losses, pictures.

    It goes where MLFLOW_TRACKING_URI says, or else where MLflow itself keeps runs, in the folder of the call.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    with needs("--mlflow"):
        import mlflow

    mlflow.set_experiment("training")
    name = str(run)
    known = mlflow.search_runs(output_format="list")
    older = [old.info.run_id for old in known if old.data.tags.get("ladr.training") == name]
    settings = json.loads((run / "model" / "settings.json").read_text())
    with mlflow.start_run(run_name=name, tags={"ladr.training": name}):
        mlflow.log_params({k: v for k, v in settings.items() if not isinstance(v, dict)})
        for row in read_log(run / "model" / "log.jsonl"):
            numbers = {k: float(v) for k, v in row.items() if k != "step"}
            mlflow.log_metrics(numbers, step=row["step"])
        for picture in pictures:
            mlflow.log_artifact(str(picture))
    for run_id in older:
        mlflow.delete_run(run_id)
