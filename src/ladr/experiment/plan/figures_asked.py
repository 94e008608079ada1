"""Which figures the experiment asks for, told from params alone, and what they are drawn from.

A figure's module states in `NEEDS` what must be there for it to show something; what it needs is known before
anything runs, so a figure that would be empty is not in the DAG, and its reason is said.
"""

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ladr.base import outside
from ladr.base.errors import LadrError
from ladr.base.imports import PACKAGE, files_of
from ladr.benchmarks import benchmark
from ladr.experiment.cell import Cell, Grid, Line, canonical
from ladr.experiment.cells.record import CELL, RESULTS
from ladr.experiment.lines import SAMPLERS, budget, delays, pictured
from ladr.experiment.params import Params
from ladr.experiment.plan.records import FIGURES, PICTURES, RECORDS, VERSION

HERE = PACKAGE / "figures"


@dataclass(frozen=True)
class Drawings:
    """The figures of an experiment whose table is in `out`."""

    params: Params
    grid: Grid
    out: Path = RESULTS

    @cached_property
    def needs(self) -> dict[str, str]:
        """Figure -> its NEEDS: all figures of the package, and those from outside that params.yaml names."""
        return {**wanted(), **{address: _needs(_file(address)) for address in self.params.figures}}

    @cached_property
    def asked(self) -> dict[str, list[str]]:
        """What is drawn by one process: what it reads (scores, traces, pictures or theory) -> figures."""
        out: dict[str, list[str]] = {}
        for name, needs in self.needs.items():
            if REASONS[needs](self) is None:
                out.setdefault(READS.get(needs, "scores"), []).append(name)
        return out

    @cached_property
    def left(self) -> dict[str, str]:
        """Figure -> why the experiment does not ask for it."""
        told = {name: REASONS[needs](self) for name, needs in self.needs.items()}
        return {name: reason for name, reason in told.items() if reason is not None}

    @cached_property
    def pictured(self) -> dict[str, list[Cell]]:
        """backbone -> the cells that the illustrations show."""
        shown = pictured(self.grid.lines).items()
        return {backbone: [self.grid.cells[line.cell] for line in lines] for backbone, lines in shown}

    @property
    def folder(self) -> Path:
        """Where they go: beside results/, or within the folder of any other table."""
        return FIGURES if self.out == RESULTS else self.out / FIGURES

    @property
    def pictures(self) -> list[str]:
        """Says that results/pictures/ is about the cells that are pictured now, in the way of this version:
        its name is a hash of both."""
        told = {backbone: [cell.id for cell in cells] for backbone, cells in self.pictured.items()}
        key = hashlib.sha256(canonical([VERSION, told]).encode()).hexdigest()[:8]
        return [str(RESULTS / PICTURES / f"{key}.json")] if told else []

    @property
    def shown(self) -> list[str]:
        """The records of the cells that are pictured."""
        return [str(RESULTS / "cells" / cell.id / CELL) for cells in self.pictured.values() for cell in cells]

    @property
    def theory(self) -> list[str]:
        return [str(self.out / "theory.json")] if self.params.theory else []

    @property
    def done(self) -> str:
        """Says that every figure is drawn."""
        return str(self.out / "figures.done")

    def jobs(self, table: list[str]) -> dict[str, tuple[list[str], list[str], str]]:
        """What one job draws: figures, what they are drawn from, and the record that says they are."""
        pictures = [*table, *self.pictures]
        sources = {"scores": table, "traces": table, "pictures": pictures, "theory": self.theory}
        place = self.out / RECORDS
        asked = self.asked.items()
        return {source: (names, sources[source], str(place / f"{source}.json")) for source, names in asked}

    def code(self, names: Iterable[str]) -> list[str]:
        """The files that say how these figures look."""
        own = [name for name in names if not outside.is_address(name)]
        files = [_file(name) for name in names if outside.is_address(name)]
        return [*map(str, files), *code(*(f"ladr.figures.{name}" for name in own), *_imports(files))]

    def groups(self, prefix: str) -> bool:
        return any(line.group.startswith(prefix) for line in self.grid.lines)

    def sampler(self, line: Line) -> Mapping[str, Any]:
        """What the line's cell specifies."""
        return self.grid.cells[line.cell].spec["sampler"]

    def policies(self, cells: list[Cell] | None = None) -> list[Mapping[str, Any]]:
        """Of these cells, or of every row of the table, those policies that have phases."""
        if cells is None:
            cells = [self.grid.cells[line.cell] for line in self.grid.lines if line.group == SAMPLERS]
        found = [cell.spec["sampler"]["policy"] for cell in cells]
        return [policy for policy in found if policy.get("phases")]


def _pictures(d: Drawings) -> str | None:
    return None if d.pictured else "no benchmark of the experiment has pixels"


def _inside(d: Drawings) -> str | None:
    without = [backbone for backbone, cells in d.pictured.items() if not d.policies(cells)]
    return _pictures(d) or (f"no sampler on {without[0]} has phases" if without else None)


def _diversity(d: Drawings) -> str | None:
    rows = [d.grid.cells[line.cell].spec["benchmark"] for line in d.grid.lines if line.group == SAMPLERS]
    pixels = [asked for asked in rows if benchmark(asked["name"]).has_truth]
    if not pixels:
        return "no benchmark of the experiment has pixels"
    return None if any(asked["images"] > 1 for asked in pixels) else "`images` is 1: one image per prompt"


def _phases(d: Drawings) -> str | None:
    return None if d.policies() else "no row of `samplers` has phases"


def _rescue(d: Drawings) -> str | None:
    frontier = any(policy.get("where") == "frontier" for policy in d.policies())
    return None if frontier else "no row of `samplers` rescues frontier cells"


def _budgets(d: Drawings) -> str | None:
    groups: dict[tuple[str, ...], list[bool]] = {}
    for line in d.grid.lines:
        if line.group.startswith("ablations/"):
            own = budget(line.cell, d.sampler(line)) == line.cell
            groups.setdefault((line.group, line.backbone, line.benchmark), []).append(own)
    own = any(len(rows) > 2 and all(rows) for rows in groups.values())
    return None if own else "no ablation of three rows and more keeps their own budgets"


def _delayed(d: Drawings) -> str | None:
    seen: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for line in d.grid.lines:
        if line.group == SAMPLERS and d.sampler(line)["policy"].get("phases"):
            seen.setdefault((line.backbone, line.benchmark), []).append(d.sampler(line))
    late = any(delays(row, rows[0]) for rows in seen.values() for row in rows[1:])
    return None if late else "no row of `samplers` is LADR with alpha 0 in its first phase"


REASONS: dict[str, Callable[[Drawings], str | None]] = {
    "nothing": lambda d: None,
    "samplers": lambda d: None if d.groups(SAMPLERS) else "`samplers` has no rows",
    "ablations": lambda d: None if d.groups("ablations/") else "no `ablations`",
    "sweeps": lambda d: None if d.groups("sweeps/") else "no `sweeps`",
    "budgets": _budgets,
    "delayed": _delayed,
    "diversity": _diversity,
    "phases": _phases,
    "rescue": _rescue,
    "pictures": _pictures,
    "inside": _inside,
    "theory": lambda d: None if d.params.theory else "no `theory`",
}
READS = {
    "pictures": "pictures", "inside": "pictures", "phases": "traces", "rescue": "traces", "theory": "theory",
}  # fmt: skip


def code(*modules: str) -> list[str]:
    """The files that decide what these modules write, as seen from the working folder if it holds them."""
    here = Path.cwd()
    paths = files_of(*modules)
    return [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths]


def wanted(folder: Path = HERE) -> dict[str, str]:
    """Figure -> its NEEDS, read from its module without importing it."""
    return {path.stem: _needs(path) for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}


def _file(address: str) -> Path:
    """The file of the module in `package.module:draw`, a figure from outside the package."""
    module = sys.modules[outside.imported(address, "figure").__module__]
    return Path(inspect.getfile(module))


def _imports(files: list[Path]) -> set[str]:
    """What these files import from this package."""
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    return {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ladr"
        for alias in node.names
    }


def _needs(path: Path) -> str:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "NEEDS":
            found = ast.literal_eval(node.value)
            if found in REASONS:
                return found
            raise LadrError(f"{path}: NEEDS {found!r} is none of {', '.join(REASONS)}")
    return SAMPLERS
