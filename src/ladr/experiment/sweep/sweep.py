"""Sweeps from the command line: vary alpha and tau of a phase, or any fields, and make their table."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ladr.base.errors import FailedError, LadrError, nearest
from ladr.base.files import write_text
from ladr.decoding.policies.replay import SOURCES
from ladr.experiment.cell import canonical
from ladr.experiment.grid import grid as grid_from
from ladr.experiment.params import Params, checked, load
from ladr.experiment.params.source import Source, value_of
from ladr.experiment.params.sweeps import varied

FOLDER = Path("results/sweeps")
MOST_CORES = 4096
SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")


def values_of(text: str) -> list[Any]:
    """`0.1,0.3,null` as a list; every value is YAML."""
    values = value_of(f"[{text}]", repr(text[:80]))
    if not values or not isinstance(values, list):
        raise LadrError(f"{text!r} is not allowed; values with commas between them")
    return values


def require_once(values: Sequence[Any], where: str) -> None:
    """LadrError where two of the values are the same."""
    texts = [repr(value) for value in values]
    if again := [text for number, text in enumerate(texts) if text in texts[:number]]:
        raise LadrError(f"{where}: {again[0][:80]} stands here twice; name each once")


def grid_of(alpha: Sequence[str], tau: Sequence[str], fields: Sequence[str]) -> dict[str, list[Any]]:
    """`structure=0.1,0.3` of --alpha and --tau, and `FIELD=values` of --vary, as the grid of a sweep."""
    out: dict[str, list[Any]] = {}
    for kind, texts in (("alpha", alpha), ("tau", tau), ("", fields)):
        for text in texts:
            key, sign, values = text.partition("=")
            if not sign:
                raise LadrError(f"{text!r} is not allowed; {'PHASE' if kind else 'FIELD'}=VALUE,VALUE,...")
            field = f"phases.{key}.{kind}" if kind else key
            require_once([*out, field], f"--{kind or 'vary'}")
            out[field] = values_of(values)
    if not out:
        raise LadrError("nothing to vary; --alpha PHASE=..., --tau PHASE=... or --vary FIELD=...")
    return out


def experiment(
    params: str | Path,
    base: str,
    grid: Mapping[str, list[Any]],
    changes: Mapping[str, Any] | None = None,
    **place: Any,
) -> tuple[str, dict[str, Any]]:
    """The name of a sweep, and params with only the sweep, its base and the baseline, on its benchmarks.

    changes: dotted keys of the file and other values of them. place: backbones, benchmarks, size and images
    of the sweep. None is what the file has: its first backbone, and the first benchmark of that.
    """
    data = varied(Source.read(params).data, changes or {})
    read = load(params, changes)
    backbones = place.pop("backbones") or [read.use[0]]
    for name in backbones:
        if name not in read.backbones:
            raise LadrError(f"backbone {name!r} is not known{nearest(name, read.backbones)}")
    first = read.backbones.get(backbones[0])
    benchmarks = place.pop("benchmarks") or list(first.benchmarks if first else ())[:1]
    sweep = {"base": base, "benchmarks": benchmarks, "grid": dict(grid)}
    sweep |= {k: v for k, v in place.items() if v is not None}
    about = [backbones, sweep, *([dict(changes)] if changes else [])]
    name = f"{base}-{hashlib.sha256(canonical(about).encode()).hexdigest()[:8]}"
    samplers = {n: row for n, row in data["samplers"].items() if n in referred(read, {base, read.baseline})}
    for gone in ("ablations", "curves", "latency"):
        data.pop(gone, None)
    rows = {n: _asked(row, benchmarks) if n in backbones else row for n, row in data["backbones"].items()}
    return name, {**data, "use": backbones, "backbones": rows, "samplers": samplers, "sweeps": {name: sweep}}


def _asked(backbone: Mapping[str, Any], benchmarks: Sequence[str]) -> Mapping[str, Any]:
    """The row of a backbone with the benchmarks that the sweep asks; as it is where it has none of them."""
    asked = {name: size for name, size in backbone.get("benchmarks", {}).items() if name in benchmarks}
    return {**backbone, "benchmarks": asked} if asked else backbone


def referred(params: Params, names: set[str]) -> set[str]:
    """The samplers of these names and the samplers that they refer to."""
    samplers = set(names)
    for name in names & params.samplers.keys():
        row = params.samplers[name]
        texts = canonical(row.spec)
        more = {n for n in params.samplers if n == row.match or any(word + n in texts for word in SOURCES)}
        if not more <= samplers:
            samplers |= referred(params, samplers | more)
    return samplers


def run(name: str, data: Mapping[str, Any], cores: str = "all", folder: Path = FOLDER) -> Path:
    """Make the cells of a sweep through Snakemake; return the folder of its table.

    Its jobs find the commands of this environment, also where it is not activated.
    """
    from ruamel.yaml import YAML

    if cores != "all" and not (cores.isascii() and cores.isdecimal() and 0 < int(cores[:6]) <= MOST_CORES):
        raise LadrError(f"cores: {cores[:80]!r} is not allowed; all, or a number from 1 to {MOST_CORES}")
    text = StringIO()
    YAML(typ="safe").dump(dict(data), text)
    grid_from(checked(Source(text.getvalue(), f"sweep {name}")))
    if not any(Path(one).is_file() for one in SNAKEFILES):
        raise LadrError("sweep: there is no Snakefile here; call this in the folder that has one")
    place = folder / name
    write_text(place / "params.yaml", text.getvalue())
    words = ["--cores", cores, "--config", f"params={place / 'params.yaml'}", f"out={place}"]
    command = [sys.executable, "-m", "snakemake", "--quiet", "rules", *words, "--", f"{place}/table.json"]
    if code := _ended(command):
        raise FailedError(f"sweep {name}: Snakemake ended with {code}; what is finished is kept")
    return place


def _ended(command: Sequence[str]) -> int:
    """The exit code of a program once it has ended. Ctrl-C in a terminal reaches the program too: it is
    waited for while it ends its own jobs and lets go of the folder."""
    with subprocess.Popen(command, env=_environment()) as program:
        try:
            return program.wait()
        except KeyboardInterrupt:
            program.wait()
            raise


def _environment() -> dict[str, str]:
    """What Snakemake starts with: this Python's programs first, and none of the variables that it refuses."""
    from ladr.experiment.plan.workflow import INSTEAD

    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {name: value for name, value in os.environ.items() if name not in INSTEAD} | {"PATH": path}
