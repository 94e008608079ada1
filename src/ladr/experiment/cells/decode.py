"""Run cells: decode in parts, go on after any end, finish in one step. Imports nothing heavier than torch."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ladr import backbones
from ladr.backbones.checkpoint.identity import loaded_from
from ladr.base.errors import LadrError
from ladr.base.late import torch
from ladr.base.locks import hold, own_gpu
from ladr.base.removal import remove
from ladr.benchmarks.prompt import Prompt
from ladr.decoding import caches
from ladr.decoding.noise import seed_of
from ladr.decoding.policies import Policy, build
from ladr.decoding.view import MASK
from ladr.experiment.cell import Cell, canonical
from ladr.experiment.cells import parts, record
from ladr.experiment.cells.decoded import counts_of, tokens_of
from ladr.experiment.cells.join import join
from ladr.experiment.cells.parts import Part, Span
from ladr.experiment.cells.provenance import provenance
from ladr.experiment.cells.record import CELL, RESULTS, done
from ladr.experiment.cells.stop import StoppedError, on_sigterm

Say = Callable[[str], None]


def tell(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)


def folder_of(cell: str, results: Path = RESULTS) -> Path:
    return results / "cells" / cell


def run(
    cells: Iterable[Cell], *, results: Path = RESULTS, part: int = 64, wait: bool = False, say: Say = tell
) -> None:
    """Decode in this process the cells that are not done. Cells that share a backbone load it once.

    A cell that fails does not stop the others; the error comes at the end. SIGTERM stops all: finished images
    are saved first. Parts are kept until all that was asked for is there, and with `wait`, as a workflow's
    job, until the table is made: Snakemake takes records away when a job fails or starts anew, and a record
    is made again from parts in no time.
    """
    cells, failed, loaded = list(cells), [], _Loaded()
    with on_sigterm() as stop:
        for cell in cells:
            folder = folder_of(cell.id, results)
            try:
                with hold(results / ".locks" / f"{cell.id}.lock", cell.id, wait=wait, say=say):
                    if done(folder / CELL):
                        say(f"{cell.id}: done already")
                        continue
                    work = Work(cell, (0, cell.images), folder, part)
                    work.fill(partial(loaded.backbone, cell, results), stop, say)
                    join(cell, folder, steps_of(cell.spec["sampler"]["steps"], folder.parent))
            except StoppedError:
                raise
            except LadrError as error:
                failed.append(f"{cell.id}: {error}")
                say(failed[-1])
    if failed:
        raise LadrError("\n".join([f"{len(failed)} of {len(cells)} cells failed", *failed]))
    for cell in cells if not wait else ():
        remove([folder_of(cell.id, results) / parts.FOLDER], results)


def run_shard(
    cell: Cell, span: Span, *, results: Path = RESULTS, part: int = 64, wait: bool = False, say: Say = tell
) -> None:
    """Decode these images of a cell, and write them as one shard."""
    folder = folder_of(cell.id, results)
    name, path = f"{cell.id} {parts.span_text(span)}", parts.shard_file(folder, span)
    if not 0 <= span[0] < span[1] <= cell.images:
        raise LadrError(f"{name}: the cell has images 0 to {cell.images - 1}")
    lock = results / ".locks" / f"{cell.id}.{parts.span_text(span)}.lock"
    with on_sigterm() as stop, hold(lock, name, wait=wait, say=say):
        work = Work(cell, span, folder, part)
        work.fill(lambda: _Loaded().backbone(cell, results), stop, say)
        parts.joined(list(parts.cover(folder, span, parts.owner_of(cell)))).save_as(path)


def join_shards(cell: Cell, *, results: Path = RESULTS, say: Say = tell) -> None:
    """Write the records of a cell whose images other jobs decoded."""
    folder = folder_of(cell.id, results)
    with hold(results / ".locks" / f"{cell.id}.lock", cell.id, wait=True, say=say):
        join(cell, folder, steps_of(cell.spec["sampler"]["steps"], folder.parent))
    say(f"{cell.id}: {cell.images} images joined")


class _Loaded:
    """The backbone that was loaded last."""

    def __init__(self):
        self.key, self.held = None, None

    def backbone(self, cell: Cell, results: Path) -> Any:
        spec = cell.spec["backbone"]
        if self.key != canonical(spec):
            torch.set_num_threads(cell.row.threads)
            if cell.row.gpus == 1 and self.key is None:
                own_gpu(results / ".locks", torch.cuda.device_count())
            self.held = backbones.load(spec["name"], **spec["settings"])
            self.key = canonical(spec)
        return self.held


def images_of(cell: Cell) -> list[tuple[Prompt, int]]:
    """(prompt, image number) of every image of a cell, in its tokens' order; numbers start at the seed."""
    first, count = cell.spec["benchmark"]["seed"], cell.spec["benchmark"]["images"]
    return [(prompt, first + j) for prompt in cell.prompts for j in range(count)]


@dataclass(frozen=True)
class Work:
    """A span of a cell's images that this process decodes into parts of at most `size` images."""

    cell: Cell
    span: Span
    folder: Path
    size: int

    def fill(self, backbone: Callable[[], Any], stop: Callable[[], bool], say: Say) -> None:
        """Decode what no part holds. When `stop` says so, save the finished images and raise StoppedError."""
        cell, total = self.cell, self.span[1] - self.span[0]
        held = [(p.start, p.stop) for p in parts.cover(self.folder, self.span, parts.owner_of(cell))]
        left = list(parts.missing(held, self.span, self.size))
        if not left:
            return
        saved, new = sum(b - a for a, b in held), 0
        decoder = Decoder(cell, backbone(), images_of(cell), self.folder.parent, self.span)
        began = time.monotonic()
        for start, end in left:
            for piece in decoder.finished(start, end, stop):
                piece.save(self.folder)
                new += piece.stop - piece.start
            if stop():
                raise StoppedError(
                    f"{cell.id}: stopped by SIGTERM; {saved + new} of {total} images are saved"
                )
            seconds = (total - saved - new) * (time.monotonic() - began) / new
            say(f"{cell.id}: {saved + new}/{total} images, {seconds:.0f} s left")


class Decoder:
    """Decodes images of one cell. Of a cell that its policy reads it needs the `span` alone."""

    def __init__(
        self,
        cell: Cell,
        backbone: Any,
        images: Sequence[tuple[Prompt, int]],
        cells: Path,
        span: Span | None = None,
    ):
        self.cell, self.backbone, self.images = cell, backbone, images
        sampler = cell.spec["sampler"]
        self.policy, self.temperature = build(sampler["policy"]), sampler["temperature"]
        self.steps = steps_of(sampler["steps"], cells)
        self.cache = caches.cache(**sampler["cache"]) if sampler["cache"] else None
        self.first, end = span or (0, cell.images)
        replayed, foretold = self.policy.replays, self.policy.foretold
        self.counts = counts_of(cells / replayed, (self.first, end)) if replayed else None
        self.tokens = tokens_of(cells / foretold, (self.first, end)) if foretold else None
        self.kind = backbones.kind(cell.spec["backbone"]["name"])

    def part(self, start: int, stop: int) -> Part:
        """Images start..stop-1, all of them."""
        return self.finished(start, stop, lambda: False)[0]

    def reading(self, start: int, stop: int) -> Policy:
        """The policy with what it reads of another cell about the images start..stop-1."""
        own, policy = slice(start - self.first, stop - self.first), self.policy
        if self.counts is not None:
            policy = policy.with_counts(self.counts[own])
        return policy if self.tokens is None else policy.with_tokens(self.tokens[own])

    def finished(self, start: int, stop: int, stopped: Callable[[], bool]) -> list[Part]:
        """The images start..stop-1 that are complete when `stopped` says so: all, if it never does."""
        from ladr.decoding.loop import decode

        began, span = now(), self.images[start:stop]
        name = self.cell.spec["benchmark"]["name"]
        result = decode(
            self.backbone,
            [self.kind.reading(prompt) for prompt, _ in span],
            self.reading(start, stop),
            steps=self.steps,
            seeds=[seed_of(name, prompt.id, number) for prompt, number in span],
            batch_size=self.cell.row.batch_size,
            cache=self.cache,
            temperature=self.temperature,
            stopped=stopped,
        )
        complete = (result.tokens != MASK).flatten(1).all(1).tolist()
        if not any(complete):
            return []
        whole = self._part(result, start, began)
        return [whole.within(a, b) for a, b in _runs(complete, start)]

    def _part(self, result: Any, start: int, began: str) -> Part:
        rows = result.trace.rows()
        names = dict.fromkeys(name for row in rows for name in row)
        trace = {name: parts.column(name, [row.get(name) for row in rows]) for name in names}
        trace["image"] = trace["image"] + start
        weights = loaded_from(self.cell.spec["backbone"]["weights"])
        origin = {"began": began, "ended": now(), "made": [provenance(weights)]}
        tensors = {
            "tokens": parts.smallest(result.tokens), "settled": parts.smallest(result.settled),
            "rescued": result.rescued,
        }  # fmt: skip
        owner = parts.owner_of(self.cell)
        return Part(owner, start, start + len(result.tokens), tensors, trace, origin)


def _runs(complete: Sequence[bool], first: int) -> Iterator[Span]:
    """The spans of images that are complete and follow each other; the first image has the number `first`."""
    begin = None
    for position, one in enumerate([*complete, False]):
        if one and begin is None:
            begin = position
        elif not one and begin is not None:
            yield first + begin, first + position
            begin = None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def steps_of(steps: int | Mapping[str, str], cells: Path) -> int:
    """T: the number itself, or the mean passes of another cell, rounded to the nearest whole number."""
    if isinstance(steps, int):
        return steps
    if not (cells / steps["match"] / CELL).exists():
        raise LadrError(f"cell {steps['match']}: not decoded yet; run it first, or wait for it")
    passes = record.read(cells / steps["match"] / CELL)["summary"]["passes"]
    return max(1, int(passes + 0.5))
