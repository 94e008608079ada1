"""`ladr devices`: what this machine can run, and what is missing."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ladr.backbones import BACKBONES, Kind
from ladr.base.errors import install
from ladr.cli.options import Json, print_json

GB = 1e9
PACKAGES = {
    "diffusers": "pixels of shapes, lumina-dimoo and amused; LADRScheduler",
    "transformers": "text encoder of amused",
    "huggingface-hub": "downloads",
    "tenacity": "judged benchmarks",
    "spacy": "T2I-CompBench's own nouns",
}


@dataclass(frozen=True)
class Runs:
    """Can a backbone run here? `missing` says what is not there, `mend` what to type."""

    backbone: str
    runs: bool
    needs_gb: float
    missing: str = ""
    mend: str = ""


def devices(
    json: Json = False,
) -> None:
    """Say what this machine can run and what is missing: devices, memory, packages, weights."""
    machine = survey()
    if json:
        print_json(machine, indent=None)
        return
    console = Console()
    console.print(f"{machine['system']}, Python {machine['python']}, torch {machine['torch']}")
    for device in machine["devices"]:
        size = f"{device['free_gb']:.1f} GB free" if device["free_gb"] is not None else "memory unknown"
        console.print(f"  {device['device']:8} {device['name']}, {size}")
    table = Table("backbone", "runs", "needs", "missing", "to mend it")
    for row in machine["backbones"]:
        needs = f"{row['needs_gb']:.1f} GB"
        table.add_row(row["backbone"], "yes" if row["runs"] else "no", needs, row["missing"], row["mend"])
    console.print(table)
    table = Table("package", "version", "for", "to get it")
    for row in machine["packages"]:
        table.add_row(row["package"], row["version"] or "missing", row["for"], escape(row["mend"]))
    console.print(table)


def survey() -> dict[str, Any]:
    """Everything that `ladr devices` prints, as plain data."""
    import torch

    places = _devices()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "devices": places,
        "packages": [_package(name) for name in PACKAGES],
        "backbones": [asdict(row) for row in backbones(places)],
    }


def _devices() -> list[dict[str, Any]]:
    import torch

    from ladr.backbones.checkpoint.fits import free

    names = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        names.append("mps")
    rows = [_row(name, _name(name), free(name)) for name in names]
    return [*rows, _row("cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads", free("cpu"))]


def _name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "Apple GPU"


def _row(device: str, name: str, free: float | None) -> dict[str, Any]:
    return {"device": device, "name": name, "free_gb": None if free is None else free / GB}


def _package(name: str) -> dict[str, Any]:
    try:
        installed = version(name)
    except PackageNotFoundError:
        installed = None
    mend = "" if installed else install(name)
    return {"package": name, "version": installed, "for": PACKAGES[name], "mend": mend}


def backbones(places: list[dict[str, Any]]) -> list[Runs]:
    """What each backbone would need, against the roomiest of the devices `places`."""
    room = max((row["free_gb"] for row in places if row["free_gb"] is not None), default=None)
    return [_judged(kind, room, _weights(kind)) for kind in BACKBONES.values()]


def _weights(kind: Kind) -> tuple[str, str] | tuple[()]:
    """Say which weights of this backbone are missing, and what to type to get them."""
    if kind.hub is not None:
        return _cached(kind.hub, kind.marker)
    if kind.checkpoint is None or _embedded(kind.marker):
        return ()
    return WEIGHTS


WEIGHTS = ("the embedded checkpoint", "git checkout models/shapes, or `ladr train`")


def _judged(kind: Kind, room: float | None, weights: tuple[str, str] | tuple[()]) -> Runs:
    needs = kind.gigabytes()
    missing: list[str] = []
    mend: list[str] = []
    for package in kind.packages:
        if find_spec(package) is None:
            missing.append(package)
            if (command := install(package)) not in mend:
                mend.append(command)
    if weights:
        missing.append(weights[0])
        mend.append(weights[1])
    if room is not None and needs > room:
        missing.append(f"memory ({room:.1f} GB free)")
        mend.append("a device with more")
    return Runs(kind.name, not missing, needs, "; ".join(missing), "; ".join(mend))


def _embedded(file: str) -> bool:
    from ladr.base.errors import LadrError
    from ladr.base.models import embedded

    try:
        return (embedded("shapes", file) / file).is_file()
    except LadrError:
        return False


def _cached(name: str, file: str) -> tuple[str, str] | tuple[()]:
    """Nothing if a snapshot of the repository is in the hub's cache, else what is missing and the command."""
    from ladr.backbones.checkpoint.hub import command, repository
    from ladr.base.errors import LadrError

    try:
        folder = repository(name) / "snapshots"
    except LadrError:
        return ("weights", f"{install('huggingface-hub')}; {command(name)}")
    held = [path for path in folder.glob(f"*/{file}") if any(path.parent.rglob("*.safetensors"))]
    return () if held else ("weights", command(name))
