"""`ladr train model`: one run from its last checkpoint to its end, or to the end of its time."""

import json
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from ladr.backbones.exact.patches import PatchCodes
from ladr.base.files import write_json
from ladr.training.model import Run
from ladr.training.progress import Follow
from ladr.training.settings import SHARDS, Settings
from ladr.training.workers import Workers

EVERY, VALIDATE = 20, 200  # steps between two lines of the log, and between two held-out losses


def train(
    folder: Path,
    patches: PatchCodes,
    settings: Settings,
    *,
    processes: int = 1,
    compiled: bool = False,
    minutes: float | None = None,
    save_every: int = 200,
    start: Path | None = None,
    workers: int = 0,
) -> None:
    """Train to the end of `settings.steps`, or for `minutes`; call again to go on.

    `start`: the model.safetensors to begin with instead of random weights. `workers`: processes that make
    the samples ahead of time, for each of the training processes; the samples do not depend on how many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "settings.json", asdict(settings))
    options = (compiled, minutes, save_every, start, workers)
    with tempfile.TemporaryDirectory() as meeting:
        arguments = (processes, meeting, folder, patches.means, settings, *options)
        if processes == 1:
            _work(0, *arguments)
        else:
            torch.multiprocessing.spawn(_work, arguments, nprocs=processes)


def _work(rank, world, meeting, folder, means, settings, compiled, minutes, save_every, start, workers):
    if world > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{meeting}/store", rank=rank, world_size=world)
    with Workers(workers) as made:
        run = Run(settings, PatchCodes(means), folder, rank, world, made.source)
        if not run.resume() and start is not None:
            run.start_from(start)
        with Follow("model", settings.steps, run.step, quiet=rank > 0) as follow:
            _steps(run, follow, compiled, minutes, save_every)
    if world > 1:
        dist.destroy_process_group()


def _steps(run: Run, follow: Follow, compiled: bool, minutes: float | None, save_every: int) -> None:
    began, last, recent = time.monotonic(), time.monotonic(), []
    stop = torch.zeros(1)
    while run.step < run.settings.steps and not stop.item():
        recent.append(run.advance(compiled))
        now = time.monotonic()
        run.spent += now - last
        last = now
        follow.at(run.step)
        if run.rank == 0 and run.step % EVERY == 0:
            _log(run, follow, recent)
            recent = []
        stop[0] = float(minutes is not None and now - began > 60 * minutes)
        if run.world > 1:
            dist.broadcast(stop, 0)
        if run.step % save_every == 0 or run.step == run.settings.steps or stop.item():
            run.save()


def _log(run: Run, follow: Follow, recent: list[Tensor]) -> None:
    """One line of the run's log: what is drawn as the loss curve and shipped with the weights."""
    value = float(torch.stack(recent).mean())
    images = run.step * SHARDS * run.settings.shard_batch
    row = {"step": run.step, "images": images, "loss": round(value, 4), "seconds": round(run.spent, 1)}
    if run.step % VALIDATE == 0:
        row["validation"] = round(run.validate(), 4)
    with open(run.folder / "log.jsonl", "a") as file:
        file.write(json.dumps(row) + "\n")
    follow.tell(run.step, value, images / max(run.spent, 1e-9), row.get("validation"))
