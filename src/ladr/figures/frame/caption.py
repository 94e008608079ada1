"""What must stand under every figure: model, prompts, images, machine, date; all of it from the records."""

import json
from collections.abc import Iterable
from typing import Any

from ladr.figures.frame.results import Results


def about(results: Results, cells: Iterable[str]) -> str:
    """One sentence per thing that the cells share or differ in."""
    records = [results.record(cell) for cell in dict.fromkeys(cells)]
    parts = [
        _list("Backbone", (_backbone(r["spec"]["backbone"]) for r in records)),
        _list("Benchmark", (_benchmark(r) for r in records)),
        _list("Machine", (machine(made) for r in records for made in r["provenance"]["made"])),
        "Results of " + dates(r["provenance"][key] for r in records for key in ("began", "ended")),
    ]
    return ". ".join(parts) + "."


def dates(times: Iterable[str]) -> str:
    days = sorted({time[:10] for time in times})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _list(title: str, things: Iterable[str]) -> str:
    return f"{title}: " + "; ".join(dict.fromkeys(things))


def _backbone(spec: dict[str, Any]) -> str:
    settings = ", ".join(f"{k} {json.dumps(v)}" for k, v in spec["settings"].items() if k != "folder")
    weights = f", weights {spec['weights'][:8]}" if spec["weights"] else ", no weights"
    return f"{spec['name']} ({settings}{weights})" if settings else spec["name"] + weights


def _benchmark(record: dict[str, Any]) -> str:
    asked = record["spec"]["benchmark"]
    per = f"{asked['images']} image{'s' if asked['images'] > 1 else ''} each"
    seed = f" from no. {asked['seed']}" if asked["seed"] else ""
    return (
        f"{asked['name']} version {asked['version']}, {asked['count']} prompts, {per}{seed}, "
        f"{record['images']} images per row"
    )


def machine(made: dict[str, Any]) -> str:
    """A part of a provenance, in words."""
    chip = made.get("gpu") or made.get("cpu") or "unknown"
    return f"{chip}, {made['threads']} thread{'s' if made['threads'] > 1 else ''}, torch {made['torch']}"
