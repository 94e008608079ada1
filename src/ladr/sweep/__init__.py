"""Sweeps by hand: alpha and tau of a phase (or any fields) from the command line to a heat map."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from ladr.cells import canonical
from ladr.errors import LadrError
from ladr.params import Params, load
from ladr.params.source import Source

FOLDER = Path("results/sweeps")


def values_of(text: str) -> list[Any]:
    """`0.1,0.3,null` as a list; every value is YAML."""
    from ruamel.yaml import YAML

    found = YAML(typ="safe").load(f"[{text}]")
    if not found:
        raise LadrError(f"{text!r} is not allowed; values with commas between them")
    return found


def grid_of(alpha: Sequence[str], tau: Sequence[str], fields: Sequence[str]) -> dict[str, list[Any]]:
    """`structure=0.1,0.3` of --alpha and --tau, and `FIELD=values` of --vary, as the grid of a sweep."""
    out = {}
    for kind, texts in (("alpha", alpha), ("tau", tau), ("", fields)):
        for text in texts:
            key, sign, values = text.partition("=")
            if not sign:
                raise LadrError(f"{text!r} is not allowed; {'PHASE' if kind else 'FIELD'}=VALUE,VALUE,...")
            out[f"phases.{key}.{kind}" if kind else key] = values_of(values)
    if not out:
        raise LadrError("nothing to vary; --alpha PHASE=..., --tau PHASE=... or --vary FIELD=...")
    return out


def experiment(
    params: str | Path, base: str, grid: Mapping[str, list[Any]], **place: Any
) -> tuple[str, dict[str, Any]]:
    """The name of a sweep, and params that hold it, the baseline and its base alone.

    place: backbones, benchmarks, size, images of the sweep; those that are None are as in the file (its first
    backbone, and that one's first benchmark).
    """
    data = Source.read(params).data
    read = load(params)
    backbones = place.pop("backbones") or [read.use[0]]
    first = read.backbones.get(backbones[0])
    benchmarks = place.pop("benchmarks") or list(first.benchmarks if first else ())[:1]
    sweep = {"base": base, "benchmarks": benchmarks, "grid": dict(grid)}
    sweep |= {k: v for k, v in place.items() if v is not None}
    name = f"{base}-{hashlib.sha256(canonical([backbones, sweep]).encode()).hexdigest()[:8]}"
    samplers = {n: row for n, row in data["samplers"].items() if n in wanted(read, {base, read.baseline})}
    for gone in ("ablations", "latency"):
        data.pop(gone, None)
    return name, {**data, "use": backbones, "samplers": samplers, "sweeps": {name: sweep}}


def wanted(params: Params, names: set[str]) -> set[str]:
    """The samplers of these names and those that they refer to."""
    found = set(names)
    for name in names & params.samplers.keys():
        row = params.samplers[name]
        texts = canonical(row.spec)
        more = {n for n in params.samplers if n == row.match or f"replay:{n}" in texts}
        if not more <= found:
            found |= wanted(params, found | more)
    return found


def run(name: str, data: Mapping[str, Any], cores: str = "all", folder: Path = FOLDER) -> Path:
    """Make the cells of a sweep through Snakemake; the folder that its table is in."""
    from ruamel.yaml import YAML

    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "params.yaml", "w", encoding="utf-8") as file:
        YAML(typ="safe").dump(dict(data), file)
    load(place / "params.yaml")
    words = ["--cores", cores, "--config", f"params={place / 'params.yaml'}", f"out={place}"]
    done = subprocess.run([sys.executable, "-m", "snakemake", *words, "--", f"{place}/table.json"])
    if done.returncode:
        raise LadrError(f"sweep {name}: Snakemake ended with {done.returncode}; what is finished is kept")
    return place


def heat_map(place: Path, name: str) -> list[Path]:
    """Draw score and passes over the swept fields, one file per backbone and benchmark."""
    import json

    import pandas as pd

    lines = pd.read_parquet(place / "scores.parquet")
    quality = pd.read_csv(place / "quality.csv")
    points = lines[lines.group == f"sweeps/{name}"].drop_duplicates(["backbone", "benchmark", "name"])
    table = quality[quality.group == f"sweeps/{name}"].merge(
        points[["backbone", "benchmark", "name", "point"]], on=["backbone", "benchmark", "name"]
    )
    swept = pd.DataFrame([json.loads(p) for p in table.point], index=table.index)
    out = []
    for (backbone, benchmark), rows in table.groupby(["backbone", "benchmark"]):
        out.append(place / f"{backbone}-{benchmark}.svg")
        _draw(rows, swept.loc[rows.index], f"{benchmark} on {backbone}", out[-1])
    return out


def _draw(rows: Any, swept: Any, title: str, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "ladr"
    import matplotlib.pyplot as plt

    axes = [c for c in swept.columns if swept[c].astype(str).nunique() > 1] or list(swept.columns[:1])
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    shown = {"score": "score, %", "passes": "forward passes"}
    for panel, (column, name) in zip(panels, shown.items(), strict=True):
        if len(axes) == 2:
            _map(panel, rows.assign(**swept), axes, column)
        else:
            for label, group in rows.assign(**swept).groupby([str(a) for a in axes[1:]] or "benchmark"):
                panel.plot(group[axes[0]].astype(str), group[column], marker="o", label=str(label))
            panel.set_xlabel(axes[0])
        panel.set_title(name)
    figure.suptitle(title)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _map(panel: Any, rows: Any, axes: Sequence[str], column: str) -> None:
    table = rows.pivot_table(index=axes[0], columns=axes[1], values=column, dropna=False, sort=True)
    image = panel.imshow(table.to_numpy(dtype=float), cmap="viridis", aspect="auto", origin="lower")
    panel.figure.colorbar(image, ax=panel)
    panel.set_xticks(range(len(table.columns)), [str(c) for c in table.columns])
    panel.set_yticks(range(len(table.index)), [str(c) for c in table.index])
    panel.set(xlabel=axes[1], ylabel=axes[0])
    values = table.to_numpy(dtype=float)
    for y, x in product(*map(range, values.shape)):
        color = "white" if values[y, x] < values.mean() else "black"
        panel.text(x, y, f"{values[y, x]:.1f}", ha="center", va="center", color=color)
