"""`ladr train model`: one run from its last checkpoint to its end, or to the end of its time."""

import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from ladr.backbones.exact.patches import PatchCodes
from ladr.base.files import write_json
from ladr.base.locks import hold, lock_of
from ladr.training import checkpoints
from ladr.training.apart import require_processes, spawn
from ladr.training.data_set import data_set
from ladr.training.log import LOG, cut_log
from ladr.training.model import Run
from ladr.training.progress import Follow
from ladr.training.settings import SHARDS, Settings, require_same
from ladr.training.workers import Workers

# Steps between two lines of the log, and between two validation losses; the last step has both.
EVERY, VALIDATE = 20, 200


@dataclass(frozen=True)
class Execution:
    """How a run is executed. The samples do not depend on it."""

    processes: int = 1
    compiled: bool = False
    minutes: float | None = None  # the run stops after so long, and can be resumed
    save_every: int = 200  # steps between two checkpoints
    start: Path | None = None  # a model.safetensors to begin with instead of random weights
    workers: int = 0  # processes that make samples ahead of time, for each of the training processes


def train(folder: Path, patches: PatchCodes, settings: Settings, execution: Execution) -> None:
    """Train to the end of `settings.steps`, or for `execution.minutes`; call again to go on.

    A run goes on with its own settings; others are a LadrError, and nothing is changed; so is a
    second process in the same folder.
    """
    require_processes(execution.processes)
    data_set(settings.data, folder.parent)
    with hold(lock_of(folder.parent, folder.name), str(folder)):
        _train(folder, patches, settings, execution)


def _train(folder: Path, patches: PatchCodes, settings: Settings, execution: Execution) -> None:
    stored, state = folder / "settings.json", checkpoints.state_of(folder)
    if state is not None and stored.exists():
        require_same(stored, settings, state["step"])
    folder.mkdir(parents=True, exist_ok=True)
    write_json(stored, asdict(settings))
    with tempfile.TemporaryDirectory() as meeting:
        arguments = (meeting, folder, patches.means, settings, execution)
        if execution.processes == 1:
            _work(0, *arguments)
        else:
            spawn(_work, execution.processes, *arguments)


def _work(
    rank: int, meeting: str, folder: Path, means: np.ndarray, settings: Settings, execution: Execution
) -> None:
    """The work of one process; the processes meet in the folder `meeting`."""
    world = execution.processes
    if world > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{meeting}/store", rank=rank, world_size=world)
    with Workers(execution.workers, data_set(settings.data, folder.parent).sample) as workers:
        run = Run(settings, PatchCodes(means), folder, rank, world, workers.source)
        if not run.resume() and execution.start is not None:
            run.start_from(execution.start)
        if rank == 0:
            cut_log(folder / LOG, run.step)
        with Follow("model", settings.steps, run.step, quiet=rank > 0) as follow:
            _steps(run, follow, execution)
    if world > 1:
        dist.destroy_process_group()


def _steps(run: Run, follow: Follow, execution: Execution) -> None:
    began = last = time.monotonic()
    recent: list[Tensor] = []
    stop = torch.zeros(1)
    while run.step < run.settings.steps and not stop.item():
        recent.append(run.advance(execution.compiled))
        now = time.monotonic()
        run.spent += now - last
        last = now
        follow.at(run.step)
        if run.rank == 0 and _due(run, EVERY):
            _log(run, follow, recent)
            recent = []
        stop[0] = float(execution.minutes is not None and now - began > 60 * execution.minutes)
        if run.world > 1:
            dist.broadcast(stop, 0)
        if run.step % execution.save_every == 0 or run.step == run.settings.steps or stop.item():
            run.save()


def _due(run: Run, every: int) -> bool:
    """Is this step one of every so many, or the last one?"""
    return run.step % every == 0 or run.step == run.settings.steps


def _log(run: Run, follow: Follow, recent: list[Tensor]) -> None:
    """Write one line of the run's log, from which the loss curve is drawn; it is shipped with the weights."""
    value = float(torch.stack(recent).mean())
    images = run.step * SHARDS * run.settings.shard_batch
    row = {"step": run.step, "images": images, "loss": round(value, 4), "seconds": round(run.spent, 1)}
    if _due(run, VALIDATE):
        row["validation"] = round(run.validate(), 4)
    with open(run.folder / LOG, "a") as file:
        file.write(json.dumps(row) + "\n")
    follow.tell(run.step, value, images / max(run.spent, 1e-9), row.get("validation"))
