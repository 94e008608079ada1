"""The ceiling of a benchmark: the scores of its true images, sent through a backbone's tokenizer and back."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ladr import backbones
from ladr.base.errors import LadrError
from ladr.base.late import torch
from ladr.benchmarks.rows import Row, header, read_rows, write_rows
from ladr.experiment.cell import Cell, canonical, short
from ladr.experiment.cells.record import DIGEST, RESULTS, digest_of, text_of


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
    if path is None or not fault(path):
        return
    spec = cell.spec["backbone"]
    rows = cell.benchmark.ceiling(cell.prompts, through(backbones.load(spec["name"], **spec["settings"])))
    write_ceiling(path, header(cell.benchmark, cell.prompts, 1), tuple(rows))


def write_ceiling(path: Path, head: Mapping[str, object], rows: Sequence[Row]) -> None:
    """Write JSON lines as `write_rows` does; the header also has the file's name and a digest of it all."""
    own = {**head, "ceiling": path.stem}
    lines = "".join(json.dumps(asdict(row)) + "\n" for row in rows)
    write_rows(path, {**own, DIGEST: digest_of({**own, "lines": lines})}, rows)


def fault(path: Path) -> str | None:
    """What is wrong with the ceiling in this file; None if it is what `write_ceiling` wrote there."""
    try:
        first, _, lines = text_of(path).partition("\n")
        head = json.loads(first)
        plain = json.dumps(head, sort_keys=True) == first
        if not isinstance(head, dict) or DIGEST not in head:
            return f"{path}: is not sealed"
        if not plain or head[DIGEST] != digest_of({**head, "lines": lines}):
            return f"{path}: its content has changed since it was written (digest)"
    except LadrError as error:
        return str(error)
    except (ValueError, RecursionError):
        return f"{path}: its first line is no header"
    return None if head.get("ceiling") == path.stem else f"{path}: is another ceiling"


def read_ceiling(path: Path) -> tuple[Row, ...]:
    """The judgements of a ceiling; LadrError unless they are what was written."""
    problem = fault(path)
    if problem:
        raise LadrError(f"{problem}; `ladr doctor --mend`, then run again")
    return read_rows(path)[1]


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
