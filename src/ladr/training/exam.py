"""`ladr train exam`: what the embedded model can do, column by column, on prompts it has never seen."""

import os
import time
from pathlib import Path

import numpy as np

from ladr.base.errors import LadrError
from ladr.base.files import write_json
from ladr.training.data_set import data_set
from ladr.training.workers import awaited, pool_of

SEED = 2_000_003  # of the permutation that gives every image another prompt, for the floor


def exam(
    folder: Path, count: int, steps: int, guidance: float | None, processes: int, data: str = "shapes"
) -> dict:
    """Scores with 95 % intervals and floors: every stated fact of the prompt must be read from the pixels.

    The floor is the share of images that satisfy a prompt drawn from elsewhere in the column.
    """
    columns = data_set(data, folder).columns
    if not (folder / "config.json").is_file():
        raise LadrError(f"{folder}: has no config.json; the folder of a checkpoint is wanted")
    require_model(folder)
    jobs = [(data, folder, column, count, steps, guidance) for column in columns]
    began = time.monotonic()
    if processes == 1:
        rows = [_column(job) for job in jobs]
    else:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        pool, all_processes = pool_of(processes)
        with pool:
            rows = awaited(pool.map_async(_column, jobs, chunksize=1), all_processes)
    mean = sum(row["score"] for row in rows) / len(rows)
    seconds = round(time.monotonic() - began)
    asked = {"sampler": "cosine", "steps": steps, "guidance": guidance, "prompts": count, "seconds": seconds}
    return {**asked, "columns": rows, "overall": mean}


def require_model(folder: Path) -> None:
    """LadrError where the config.json of a checkpoint is none: before the processes start, which takes
    seconds."""
    from ladr.backbones.checkpoint.safetensors_folder import read_json
    from ladr.backbones.lumina.sizes import LLaDAConfig

    path = folder / "config.json"
    LLaDAConfig.of(read_json(path), path)


def _column(job: tuple) -> dict:
    """Decode and judge one column."""
    import torch
    from scipy.stats import binomtest

    from ladr.backbones.lumina.dimoo import DiMOO
    from ladr.decoding.loop import decode
    from ladr.decoding.noise import seed_of
    from ladr.decoding.policies import build

    data, folder, column, count, steps, guidance = job
    torch.set_num_threads(1)
    settings = {} if guidance is None else {"guidance": guidance}
    model = DiMOO.from_pretrained(folder, **settings)
    known = data_set(data, folder)
    questions = known.questions(column, count)
    words = [question.text for question in questions]
    seeds = [seed_of("exam", text, number) for number, text in enumerate(words)]
    result = decode(model, words, build("cosine"), steps=steps, seeds=seeds, batch_size=16)
    images = model.render(result.tokens)
    right = [question.right(image) for question, image in zip(questions, images, strict=True)]
    floor = [questions[n].right(image) for n, image in zip(others(len(questions)), images, strict=True)]
    low, high = binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    row = {
        "column": column,
        "prompts": len(right),
        "score": sum(right) / len(right),
        "low": low,
        "high": high,
    }
    return {**row, "floor": sum(floor) / len(floor), "wanted": known.columns[column]}


def others(count: int) -> list[int]:
    """For each of `count` images, at least two, the place of another one's prompt: a permutation at random in
    which none stands in its own place."""
    moved = np.random.default_rng([SEED, 1]).permutation(count)
    for own in range(count):
        if moved[own] == own:
            after = (own + 1) % count
            moved[[own, after]] = moved[[after, own]]
    return moved.tolist()


def table(scores: dict) -> str:
    """The scores as a Markdown table."""
    lines = [
        "| column | prompts | score | 95 % interval | shuffled-prompt floor | wanted |",
        "|---|---|---|---|---|---|",
    ]
    for row in scores["columns"]:
        interval = f"{100 * row['low']:.0f} to {100 * row['high']:.0f}"
        lines.append(
            f"| {row['column']} | {row['prompts']} | {100 * row['score']:.1f} | {interval} "
            f"| {100 * row['floor']:.1f} | {100 * row['wanted']:.0f} |"
        )
    return "\n".join([*lines, f"| **overall** | | {100 * scores['overall']:.1f} | | | |"])


def write(scores: dict, path: Path) -> None:
    """Keep the result beside the weights."""
    write_json(path, scores)
