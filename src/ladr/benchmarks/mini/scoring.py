"""Score the images of a mini benchmark. All images are scored or none, with the same rows on any number of
processes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Protocol

import numpy as np

from ladr.base.errors import LadrError
from ladr.benchmarks.image_files import read_image, size_of
from ladr.benchmarks.mini.prompts import column_of, shuffled, truth
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row
from ladr.shapes.detect import Reading, read
from ladr.shapes.scene import CANVAS

Picture = np.ndarray | Path
Images = Mapping[tuple[str, int], Picture]  # (prompt id, image number from 0) -> image
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Judgement:
    """One judgement of one image: `value` in [0, 1] under `column`."""

    column: str
    question: str
    value: float


Judge = Callable[[Prompt, Reading], list[Judgement]]


class Judging(Protocol):
    """A benchmark that judges one image by its reading."""

    @property
    def judge(self) -> Judge: ...


def score(
    suite: Judging,
    prompts: Sequence[Prompt],
    images: Images,
    *,
    processes: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[Row, ...]:
    """Every judgement of every image, in the order of the prompts. `progress` is called with the number of
    prompts that are done.

    All prompts have the same number of images, numbered from 0. Anything else is refused, and so is an image
    that cannot be read; then nothing is returned.
    """
    pictures = _complete(prompts, images)
    partner = shuffled(prompts)
    jobs = [(suite.judge, p, partner[p.id], pictures[p.id]) for p in prompts]
    rows: list[Row] = []
    with _mapping(processes) as mapping:
        for done, own in enumerate(mapping(_score_prompt, jobs), start=1):
            rows += own
            progress(done)
    return tuple(rows)


def ceiling(
    suite: Judging, prompts: Sequence[Prompt], through: Callable[[np.ndarray], np.ndarray] = lambda x: x
) -> tuple[Row, ...]:
    """Scores of the true images, sent `through` a tokenizer: a function of (N, 64, 64, 3) uint8 to the same
    shape. No model over its tokens can score better. Without `through`: the ceiling of the evaluator alone.
    """
    rows: list[Row] = []
    for start in range(0, len(prompts), 64):
        part = prompts[start : start + 64]
        shown = through(np.stack([truth(p) for p in part]))
        images = {(p.id, 0): image for p, image in zip(part, shown, strict=True)}
        rows += score(suite, part, images)
    return tuple(row for row in rows if row.kind == "score")


def load_image(path: Path) -> np.ndarray:
    """The (64, 64, 3) uint8 pixels of a file that holds exactly such an image."""
    size = size_of(path)
    if size != (CANVAS, CANVAS):
        enlarged = size[0] == size[1] > CANVAS and size[0] % CANVAS == 0
        hint = "; `ladr sample --scale 1` writes a picture of that size" if enlarged else ""
        raise LadrError(f"{path}: size is {size[0]}x{size[1]}, allowed is {CANVAS}x{CANVAS}{hint}")
    image = read_image(path)
    if image.mode != "RGB":
        raise LadrError(f"{path}: mode is {image.mode!r}, allowed is 'RGB'")
    return np.asarray(image)


def images_in(
    folder: Path, prompts: Sequence[Prompt], images_per_prompt: int = 1
) -> dict[tuple[str, int], Path]:
    """The files PROMPT_NUMBER.png of a folder; LadrError where one is missing or one too many is there."""
    if not folder.is_dir():
        raise LadrError(f"{folder}: no such folder")
    expected = {f"{p.id}_{n}.png": (p.id, n) for p in prompts for n in range(images_per_prompt)}
    present = {path.name for path in folder.glob("*.png")}
    _refuse(folder, sorted(expected.keys() - present), "missing")
    _refuse(folder, sorted(present - expected.keys()), "too many")
    return {key: folder / name for name, key in expected.items()}


def _refuse(where: object, names: Sequence[object], what: str) -> None:
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise LadrError(f"{where}: image {names[0]}{more} {what}")


def _complete(prompts: Sequence[Prompt], images: Images) -> dict[str, list[Picture]]:
    """The images of every prompt in order; LadrError that names the first image missing or too many."""
    count = max((n for _, n in images), default=0) + 1
    expected = [(p.id, n) for p in prompts for n in range(count)]
    _refuse("scores", [f"{p}_{n}" for p, n in expected if (p, n) not in images], "missing")
    _refuse("scores", [f"{p}_{n}" for p, n in sorted(images.keys() - set(expected))], "too many")
    return {p.id: [images[p.id, n] for n in range(count)] for p in prompts}


@contextmanager
def _mapping(processes: int) -> Iterator[Callable]:
    """`map`, over a pool where more than one process is asked for. Each worker has one thread."""
    if processes <= 1:
        yield map
        return
    kept = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with ProcessPoolExecutor(processes, mp_context=_context()) as pool:
            yield lambda function, jobs: pool.map(function, jobs, chunksize=8)
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _context() -> BaseContext:
    """Workers are forked from a clean server that has imported this module once, or spawned where none can
    fork."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _score_prompt(job: tuple[Judge, Prompt, Prompt, list[Picture]]) -> list[Row]:
    judge, prompt, other, pictures = job
    shown = [p if isinstance(p, np.ndarray) else load_image(p) for p in pictures]
    rows: list[Row] = []
    for number, pixels in enumerate(shown):
        reading = read(pixels)
        for kind, judged_by in (("score", prompt), ("floor", other)):
            rows += [
                Row(prompt.id, number, p.column, p.question, round(p.value, 6), kind)
                for p in judge(judged_by, reading)
            ]
        rows.append(Row(prompt.id, number, column_of(prompt), "junk area", round(reading.junk, 6), "junk"))
    if len(shown) > 1:
        value = round(distance(shown), 6)
        rows.append(Row(prompt.id, -1, column_of(prompt), "pairwise distance", value, "diversity"))
    return rows


def distance(images: Sequence[np.ndarray]) -> float:
    """Mean root-mean-square distance between two of the images: 0 for copies, 1 for black against white."""
    planes = [image.astype(np.int64) for image in images]
    apart = [np.sqrt(((a - b) ** 2).mean()) / 255 for a, b in combinations(planes, 2)]
    return float(np.mean(apart))
