"""The caption of every figure: model, grid, prompts, machine and date, all of it from the cells' records."""

import json
from collections.abc import Iterable
from typing import Any

from ladr.backbones import kind as backbone_kind
from ladr.base.errors import LadrError
from ladr.benchmarks.sizes import parted
from ladr.figures.frame.results import Results


def about(results: Results, cells: Iterable[str]) -> str:
    """One sentence each about the backbones, the benchmark, the machines and the dates of these cells."""
    records = [results.record(cell) for cell in dict.fromkeys(cells)]
    parts = [
        backbones(results, records),
        _list("Benchmark", (_benchmark(r) for r in records)),
        _list("Machine", (machine(part) for r in records for part in r["provenance"]["made"])),
        "Results of " + made_on(records),
    ]
    return ". ".join(parts) + "."


def dates(times: Iterable[str]) -> str:
    """The first and the last day of these times."""
    days = sorted({time[:10] for time in times})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def made_on(records: Iterable[dict[str, Any]]) -> str:
    """The days on which these cells were decoded."""
    return dates(r["provenance"][key] for r in records for key in ("began", "ended"))


def backbones(results: Results, records: Iterable[dict[str, Any]]) -> str:
    """Each backbone of these cells with its grid, settings and weights."""
    return _list("Backbone", (_backbone(r["spec"]["backbone"], grid_of(results, r)) for r in records))


def grid_of(results: Results, record: dict[str, Any]) -> tuple[int, int]:
    """Rows and columns of a cell's images, from the head of its tokens' file."""
    path = results.store / "cells" / record["id"] / "tokens.safetensors"
    try:
        with open(path, "rb") as file:
            head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        _, rows, columns = head["tokens"]["shape"]
    except (OSError, ValueError, KeyError, MemoryError, OverflowError) as error:
        raise LadrError(f"cell {record['id']}: {path}: cannot be read ({error}); run `snakemake`") from None
    return rows, columns


def _list(title: str, things: Iterable[str]) -> str:
    return f"{title}: " + "; ".join(dict.fromkeys(things))


def _backbone(spec: dict[str, Any], grid: tuple[int, int]) -> str:
    settings = [f"{k} {json.dumps(v)}" for k, v in spec["settings"].items() if k != "folder"]
    kind = backbone_kind(spec["name"])
    trained = [f"{kind.hashed} {spec['weights'][:8]}"] if spec["weights"] else []
    parts = [*settings, *([] if trained and kind.hashed == "weights" else ["no weights"]), *trained]
    return f"{spec['name']}, {grid[0]}x{grid[1]} cells ({', '.join(parts)})"


def _benchmark(record: dict[str, Any]) -> str:
    spec = record["spec"]["benchmark"]
    per = f"{spec['images']} image{'s' if spec['images'] > 1 else ''} each"
    seed = f" from no. {spec['seed']}" if spec["seed"] else ""
    half = parted(spec["size"])[1]
    of = f" (the {half} half)" if half else ""
    return (
        f"{spec['name']} version {spec['version']}, {spec['count']} prompts{of}, {per}{seed}, "
        f"{record['images']} images per row"
    )


def machine(provenance: dict[str, Any]) -> str:
    """Chip, threads and torch version of a provenance, in words."""
    chip = provenance.get("gpu") or provenance.get("cpu") or "unknown"
    threads = f"{provenance['threads']} thread{'s' if provenance['threads'] > 1 else ''}"
    return f"{chip}, {threads}, torch {provenance['torch']}"
