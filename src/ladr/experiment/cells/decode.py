"""Run cells: decode in parts, go on after any end, finish in one step. Imports nothing heavier than torch."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ladr import backbones
from ladr.backbones.checkpoint.identity import loaded_from
from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.base.removal import remove
from ladr.benchmarks.prompt import Prompt
from ladr.decoding import caches
from ladr.decoding.noise import seed_of
from ladr.decoding.policies import build
from ladr.experiment.cell import Cell, canonical
from ladr.experiment.cells import parts, record
from ladr.experiment.cells.locks import hold, own_gpu
from ladr.experiment.cells.parts import Part
from ladr.experiment.cells.provenance import provenance
from ladr.experiment.cells.record import CELL, RESULTS, TOKENS, TRACE, described, done

TENSORS = ("tokens", "settled", "rescued")
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

    A cell that fails does not stop the others; the error comes at the end. Parts are kept until all that was
    asked for is there, and with `wait`, as a workflow's job, until the table is made: Snakemake takes records
    away when a job fails or starts anew, and a record is made again from parts in no time.
    """
    cells, failed, loaded = list(cells), [], _Loaded()
    for cell in cells:
        folder = folder_of(cell.id, results)
        try:
            with hold(results / ".locks" / f"{cell.id}.lock", cell.id, wait=wait, say=say):
                if done(folder / CELL):
                    say(f"{cell.id}: done already")
                else:
                    _decode(cell, folder, loaded.backbone(cell, results), part, say)
        except LadrError as error:
            failed.append(f"{cell.id}: {error}")
            say(failed[-1])
    if failed:
        raise LadrError("\n".join([f"{len(failed)} of {len(cells)} cells failed", *failed]))
    for cell in cells if not wait else ():
        remove([folder_of(cell.id, results) / parts.FOLDER], results)


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


def _decode(cell: Cell, folder: Path, backbone: Any, size: int, say: Say) -> None:
    images = images_of(cell)
    one = Decoder(cell, backbone, images, folder.parent)
    held, began, new = parts.saved(folder), time.monotonic(), 0
    left = list(parts.missing(held, len(images), size))
    total = sum(b - a for a, b in left)
    for start, stop in left:
        one.part(start, stop).save(folder)
        new += stop - start
        rate = new / (time.monotonic() - began)
        say(f"{cell.id}: {len(images) - total + new}/{len(images)} images, {(total - new) / rate:.0f} s left")
    _finish(cell, folder, len(images), one.steps)


class Decoder:
    """Decodes spans of one cell's images."""

    def __init__(self, cell: Cell, backbone: Any, images: Sequence[tuple[Prompt, int]], cells: Path):
        self.cell, self.backbone, self.images = cell, backbone, images
        sampler = cell.spec["sampler"]
        self.policy, self.temperature = build(sampler["policy"]), sampler["temperature"]
        self.steps = steps_of(sampler["steps"], cells)
        self.cache = caches.cache(**sampler["cache"]) if sampler["cache"] else None
        self.counts = counts_of(cells / self.policy.replays) if self.policy.replays else None
        self.kind = backbones.kind(cell.spec["backbone"]["name"])

    def part(self, start: int, stop: int) -> Part:
        span = self.images[start:stop]
        name = self.cell.spec["benchmark"]["name"]
        policy = self.policy if self.counts is None else self.policy.with_counts(self.counts[start:stop])
        from ladr.decoding.loop import decode

        began = datetime.now(UTC).isoformat(timespec="seconds")
        result = decode(
            self.backbone,
            [self.kind.reading(prompt) for prompt, _ in span],
            policy,
            steps=self.steps,
            seeds=[seed_of(name, prompt.id, number) for prompt, number in span],
            batch_size=self.cell.row.batch_size,
            cache=self.cache,
            temperature=self.temperature,
        )
        rows = result.trace.rows()
        trace = {key: [row.get(key) for row in rows] for key in dict.fromkeys(k for row in rows for k in row)}
        trace["image"] = [start + i for i in trace["image"]]
        origin = {
            "began": began,
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            **provenance(loaded_from(self.cell.spec["backbone"]["weights"])),
        }
        tensors = {
            "tokens": parts.smallest(result.tokens), "settled": parts.smallest(result.settled),
            "rescued": result.rescued,
        }  # fmt: skip
        return Part(start, stop, tensors, trace, origin)


def steps_of(steps: int | Mapping[str, str], cells: Path) -> int:
    """T: the number itself, or the mean passes of another cell, rounded to the nearest whole number."""
    if isinstance(steps, int):
        return steps
    if not (cells / steps["match"] / CELL).exists():
        raise LadrError(f"cell {steps['match']}: not decoded yet; run it first, or wait for it")
    passes = record.read(cells / steps["match"] / CELL)["summary"]["passes"]
    return max(1, int(passes + 0.5))


def counts_of(folder: Path) -> list[list[int]]:
    """Commits per image and pass of a finished cell."""
    trace = read_trace(folder)
    counts: list[list[int]] = [[] for _ in range(1 + max(trace["image"]))]
    for image, a, b in zip(trace["image"], trace["scheduled"], trace["rescued"], strict=True):
        counts[image].append(a + b)
    return counts


def read_trace(folder: Path) -> dict[str, list]:
    """The columns of a cell's trace, by image and step."""
    import pyarrow.parquet as pq

    path = folder / TRACE
    if not path.exists():
        raise LadrError(f"cell {folder.name}: not decoded yet; run `ladr run {folder.name}`, or wait for it")
    try:
        return pq.read_table(path).to_pydict()
    except (OSError, ValueError) as error:
        raise LadrError(f"{path}: cannot be read ({error}); `ladr doctor --mend`, then run again") from None


def read_tokens(folder: Path) -> dict[str, Tensor]:
    """tokens, settled and rescued (N, H, W) of a cell."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: tensor.clone() for name, tensor in load_file(folder / TOKENS).items()}
    except (OSError, SafetensorError) as error:
        raise LadrError(
            f"{folder / TOKENS}: cannot be read ({error}); `ladr doctor --mend`, then run again"
        ) from None


def _finish(cell: Cell, folder: Path, images: int, steps: int) -> None:
    """Join the parts; cell.json, written last, makes the cell exist."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors.torch import save_file

    held = parts.saved(folder)
    if list(parts.missing(held, images, images)):
        raise LadrError(f"{folder}: parts are missing; run again")
    joined = {n: torch.cat([p.tensors[n].long() for p in held]) for n in TENSORS}
    tensors = {
        "rescued": joined["rescued"].bool(),
        **{n: parts.smallest(joined[n]) for n in ("tokens", "settled")},
    }
    with files.appearing(folder / TOKENS) as half:
        save_file(tensors, half, metadata={"cell": cell.id})
    columns = dict.fromkeys(k for p in held for k in p.trace)
    trace = {k: [v for p in held for v in p.trace.get(k, [None] * len(p.trace["image"]))] for k in columns}
    with files.appearing(folder / TRACE) as half:
        pq.write_table(pa.table(trace), half)
    content = {
        "id": cell.id,
        "spec": cell.spec,
        "images": images,
        "summary": {"steps": steps, **summary(trace, images)},
        "provenance": _origins([p.origin for p in held]),
        "files": described(folder, [TOKENS, TRACE]),
    }
    record.write(folder / CELL, content)


def summary(trace: Mapping[str, list], images: int) -> dict[str, float]:
    """Means per image: passes, pass-equivalents, seconds, and the share of cells that were rescued."""
    committed = sum(trace["scheduled"]) + sum(trace["rescued"])
    return {
        "passes": len(trace["step"]) / images,
        "equivalents": sum(trace["cost"]) / images,
        "seconds": sum(trace["seconds"]) / images,
        "rescued": sum(trace["rescued"]) / committed,
    }


def _origins(origins: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """When the cell was made, and each different setting in which a part of it was."""
    kinds = [{k: v for k, v in o.items() if k not in ("began", "ended")} for o in origins]
    return {
        "began": min(o["began"] for o in origins),
        "ended": max(o["ended"] for o in origins),
        "made": [kind for i, kind in enumerate(kinds) if kind not in kinds[:i]],
    }
