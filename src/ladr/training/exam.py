"""`ladr train exam`: what the embedded model can do, column by column, on prompts it has never seen."""

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ladr.base.files import write_json
from ladr.shapes import propose
from ladr.shapes.caption import caption
from ladr.shapes.spec import Spec

SEED = 2_000_003  # no training or validation sample is drawn from this stream
COLUMNS: dict[str, tuple[Callable[[np.random.Generator], Spec], float]] = {  # kind, wanted score
    "single object": (propose.single, 0.85),
    "two objects": (propose.two, 0.85),
    "counting": (propose.counting, 0.70),
    "colors": (propose.colors, 0.85),
    "position": (propose.position, 0.70),
    "attribute binding": (propose.attribute, 0.70),
    "texture": (propose.texture, 0.70),
    "text": (propose.text, 0.50),
}


def prompts(column: str, count: int) -> list[tuple[Spec, str]]:
    """`count` captions of a column with their specs, the same ones every time.

    They differ as long as the column has other captions; then they come again, for other images.
    """
    kind = COLUMNS[column][0]
    rng = np.random.default_rng([SEED, *column.encode()])
    drawn: dict[str, Spec] = {}
    for _ in range(20 * count):
        spec = kind(rng)
        drawn.setdefault(caption(spec, rng), spec)
        if len(drawn) == count:
            break
    different = [(spec, words) for words, spec in drawn.items()]
    return [different[n % len(different)] for n in range(count)]


def exam(folder: Path, count: int, steps: int, guidance: float | None, processes: int) -> dict:
    """Scores with 95 % intervals and floors: every stated fact of the prompt must be read from the pixels.

    The floor is the share of images that satisfy a prompt drawn from elsewhere in the column.
    """
    jobs = [(folder, column, count, steps, guidance) for column in COLUMNS]
    began = time.monotonic()
    if processes == 1:
        rows = [_column(job) for job in jobs]
    else:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            rows = pool.map(_column, jobs, chunksize=1)
    mean = sum(row["score"] for row in rows) / len(rows)
    seconds = round(time.monotonic() - began)
    asked = {"sampler": "cosine", "steps": steps, "guidance": guidance, "prompts": count, "seconds": seconds}
    return {**asked, "columns": rows, "overall": mean}


def _column(job: tuple) -> dict:
    """Decode and judge one column."""
    import torch
    from scipy.stats import binomtest

    from ladr.backbones.lumina.dimoo import DiMOO
    from ladr.decoding.loop import decode
    from ladr.decoding.noise import seed_of
    from ladr.decoding.policies import build
    from ladr.shapes.evaluate import satisfies

    folder, column, count, steps, guidance = job
    torch.set_num_threads(1)
    settings = {} if guidance is None else {"guidance": guidance}
    model = DiMOO.from_pretrained(folder, **settings)
    asked = prompts(column, count)
    words = [text for _, text in asked]
    seeds = [seed_of("exam", text, number) for number, text in enumerate(words)]
    result = decode(model, words, build("cosine"), steps=steps, seeds=seeds, batch_size=16)
    images = model.render(result.tokens)
    right = [all(satisfies(spec, image).values()) for (spec, _), image in zip(asked, images, strict=True)]
    moved = np.random.default_rng([SEED, 1]).permutation(len(asked))
    others = [asked[n][0] for n in moved]
    floor = [all(satisfies(spec, image).values()) for spec, image in zip(others, images, strict=True)]
    low, high = binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    row = {
        "column": column,
        "prompts": len(right),
        "score": sum(right) / len(right),
        "low": low,
        "high": high,
    }
    return {**row, "floor": sum(floor) / len(floor), "wanted": COLUMNS[column][1]}


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
