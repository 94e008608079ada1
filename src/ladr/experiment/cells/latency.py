"""Seconds per image, one image at a time. All samplers take turns, so that a slow moment of the machine hits
all."""

import hashlib
import time
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from ladr import backbones
from ladr.backbones.checkpoint.identity import loaded_from
from ladr.base.errors import LadrError
from ladr.base.late import torch
from ladr.decoding.view import MASK
from ladr.experiment.cell import Cell, Grid, canonical, short
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import Decoder, Say, images_of, tell
from ladr.experiment.cells.provenance import provenance
from ladr.experiment.cells.record import RESULTS
from ladr.experiment.params import Params
from ladr.experiment.params.models import Latency


def measurements(params: Params, grid: Grid) -> dict[str, list[tuple[str, Cell]]]:
    """Measurement id -> (row name, cell) of its samplers. There is one measurement for each backbone."""
    settings = params.latency
    out: dict[str, list[tuple[str, Cell]]] = {}
    if settings is None:
        return out
    for backbone in params.use:
        if settings.backbones is not None and backbone not in settings.backbones:
            continue
        benchmark = _benchmark(settings, params.backbones[backbone].benchmarks)
        if benchmark is None:
            continue
        rows = [
            (line.name, grid.cells[line.cell])
            for line in grid.lines
            if (line.group, line.backbone, line.benchmark) == ("samplers", backbone, benchmark)
        ]
        if rows:
            what = [settings.model_dump(exclude={"backbones"}), [(n, c.spec) for n, c in rows]]
            digest = hashlib.sha256(canonical(what).encode()).hexdigest()[:8]
            out[f"{backbone}-{short(benchmark)}-{digest}"] = rows
    return out


def _benchmark(settings: Latency, own: Container[str]) -> str | None:
    """The first benchmark that the measurement names and the backbone has among its `own`."""
    listed = [settings.benchmark] if isinstance(settings.benchmark, str) else settings.benchmark
    return next((name for name in listed if name in own), None)


def needs(rows: Sequence[tuple[str, Cell]]) -> list[str]:
    """The cells whose traces a measurement reads."""
    return list(dict.fromkeys(i for _, cell in rows for i in cell.needs))


def measure(
    name: str, params: Params, grid: Grid, *, results: Path = RESULTS, say: Say = tell
) -> dict[str, Any]:
    """Time every sampler on each of the first images, by turns; write results/latency/NAME.json."""
    known = measurements(params, grid)
    settings = params.latency
    if name not in known or settings is None:
        raise LadrError(f"latency {name!r} is not in the grid (known: {', '.join(known)})")
    rows = known[name]
    first = rows[0][1]
    torch.set_num_threads(first.row.threads)
    backbone = backbones.load(first.spec["backbone"]["name"], **first.spec["backbone"]["settings"])
    images = images_of(first)[: settings.prompts + settings.warmup]
    runs = {n: Decoder(cell, backbone, images, results / "cells") for n, cell in rows}
    seconds: dict[str, list[float]] = {n: [] for n in runs}
    passes: dict[str, list[int]] = {n: [] for n in runs}
    for i in range(len(images)):
        _look(backbone, runs[rows[0][0]], i)
        for sampler, one in runs.items():
            began = time.perf_counter()
            part = one.part(i, i + 1)
            seconds[sampler].append(time.perf_counter() - began)
            passes[sampler].append(len(part.trace["step"]))
        say(f"{name}: {i + 1}/{len(images)} images")
    cut = settings.warmup
    seconds = {n: values[cut:] for n, values in seconds.items()}
    passes = {n: values[cut:] for n, values in passes.items()}
    measured = {
        "id": name,
        "images": len(images) - cut,
        "rows": summary(seconds, passes, params.baseline if params.baseline in runs else rows[0][0]),
        "cells": {n: cell.id for n, cell in rows},
        "seconds": seconds,
        "passes": passes,
        "provenance": provenance(loaded_from(first.spec["backbone"]["weights"])),
    }
    record.write(results / "latency" / f"{name}.json", measured)
    return measured


def _look(backbone: Any, run: Decoder, i: int) -> None:
    """One pass that is not timed, so that what is prepared once for a prompt is ready."""
    prompt = run.images[i][0]
    denoiser = backbone.bind([run.kind.reading(prompt)])
    on = {"device": getattr(backbone, "device", "cpu")}
    empty = torch.full((1, *backbone.grid), MASK, **on)
    denoiser.logits(empty, torch.zeros(1, dtype=torch.long, **on), t=torch.zeros(1, **on))


def summary(
    seconds: Mapping[str, Sequence[float]], passes: Mapping[str, Sequence[int]], baseline: str
) -> dict[str, Any]:
    """Medians over images of seconds and of the speed-up over the baseline, and the mean number of passes."""
    out = {}
    for name, values in seconds.items():
        speedups = [b / v for b, v in zip(seconds[baseline], values, strict=True)]
        out[name] = {
            "seconds": median(values),
            "passes": sum(passes[name]) / len(passes[name]),
            "speedup": median(speedups),
            "speedup_range": [min(speedups), max(speedups)],
        }
    return out


def fault(path: Path) -> str | None:
    """What is wrong with the measurement in this whole record; None if its rows are those of its seconds.

    A record of before passes were kept for each image is compared in its seconds alone.
    """
    content = record.read(path)
    try:
        rows, seconds = content["rows"], content["seconds"]
        passes = content.get("passes") or {name: [row["passes"]] for name, row in rows.items()}
        alike = len({frozenset(part) for part in (rows, seconds, passes, content["cells"])}) == 1
        counted = all(len(values) == content["images"] for values in seconds.values())
        same = alike and counted and any(summary(seconds, passes, base) == rows for base in seconds)
    except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError):
        same = False
    return None if same else f"{path}: its rows are not those of its seconds"
