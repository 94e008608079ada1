"""The ceiling of a benchmark: the scores of its true images, sent through a backbone's tokenizer and back."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ladr import backbones
from ladr.base.late import torch
from ladr.benchmarks.rows import header, write_rows
from ladr.experiment.cell import Cell, canonical, short
from ladr.experiment.cells.record import RESULTS


def ceiling_file(cell: Cell, results: Path = RESULTS) -> Path | None:
    """Where the ceiling of this cell's benchmark and backbone lies; None if there are no true images."""
    if not cell.benchmark.has_truth:
        return None
    benchmark = {k: v for k, v in cell.spec["benchmark"].items() if k not in ("images", "seed")}
    text = canonical([cell.spec["backbone"], benchmark])
    name = f"{short(cell.spec['backbone']['name'])}-{short(benchmark['name'])}"
    return results / "ceilings" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.jsonl"


def score_ceiling(cell: Cell, results: Path = RESULTS) -> None:
    """Score the true images through the tokenizer of this cell's backbone, once for all its samplers."""
    path = ceiling_file(cell, results)
    if path is None or path.is_file():
        return
    spec = cell.spec["backbone"]
    rows = cell.benchmark.ceiling(cell.prompts, through(backbones.load(spec["name"], **spec["settings"])))
    write_rows(path, header(cell.benchmark, cell.prompts, 1), rows)


def through(backbone: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A function from images (N, h, w, 3) to the same images, encoded to tokens and rendered again."""
    patches = getattr(backbone, "patches", None)

    def both_ways(images: np.ndarray) -> np.ndarray:
        if patches is not None:
            tokens = patches.encode(images)
        else:
            tokens = backbone.pixels.encode(torch.from_numpy(images))
        return np.asarray(backbone.render(torch.as_tensor(tokens)))

    return both_ways
