"""Which figures an experiment asks for, and which files they are drawn from. Both follow from its params.

The module of a figure states in `NEEDS` what the experiment must have, so that the figure shows something.
The workflow knows this before anything runs: it leaves out a figure that would be empty, and says why.
"""

import ast
import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ladr.base import outside
from ladr.base.errors import LadrError
from ladr.base.imports import PACKAGE, files_of, imports_of
from ladr.benchmarks import benchmark
from ladr.experiment.cell import Cell, Grid, Line, canonical
from ladr.experiment.cells.record import RESULTS
from ladr.experiment.lines import CURVES, SAMPLERS, adds_up, budget, delays, illustrated
from ladr.experiment.params import Params
from ladr.experiment.plan.batch import DECODED, cell_files
from ladr.experiment.plan.records import FIGURES, ILLUSTRATIONS, RECORDS, VERSION

HERE = PACKAGE / "figures"


@dataclass(frozen=True)
class FigurePlan:
    """The figures of one experiment. `out` is the folder of its table."""

    params: Params
    grid: Grid
    out: Path = RESULTS

    @cached_property
    def needs(self) -> dict[str, str]:
        """Figure -> its NEEDS, of each figure of the package and each that params.yaml takes from outside."""
        return {**figure_needs(), **{address: _needs(_file(address)) for address in self.params.figures}}

    def check(self) -> None:
        """LadrError where a figure from outside the package cannot be drawn; `needs` finds out."""
        _ = self.needs

    @cached_property
    def requested(self) -> dict[str, list[str]]:
        """What a process reads (scores, traces, pictures or theory) -> the figures that it draws."""
        out: dict[str, list[str]] = {}
        for name, needs in self.needs.items():
            if REASONS[needs](self) is None:
                out.setdefault(READS.get(needs, "scores"), []).append(name)
        return out

    @cached_property
    def left_out(self) -> dict[str, str]:
        """Figure -> why the experiment does not ask for it."""
        reasons = {name: REASONS[needs](self) for name, needs in self.needs.items()}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    @cached_property
    def illustrated(self) -> dict[str, list[Cell]]:
        """Backbone -> the cells that its illustrations show."""
        lines_of = illustrated(self.grid.lines)
        return {name: [self.grid.cells[line.cell] for line in lines] for name, lines in lines_of.items()}

    @property
    def folder(self) -> Path:
        """Where figures are written: figures/latest/ beside results/, or the folder of any other table."""
        return FIGURES if self.out == RESULTS else self.out / RECORDS

    @property
    def illustrations(self) -> list[str]:
        """The record of the data that illustrations show. Its name is a hash of the cells and the version."""
        cells_of = {name: [cell.id for cell in cells] for name, cells in self.illustrated.items()}
        key = hashlib.sha256(canonical([VERSION, cells_of]).encode()).hexdigest()[:8]
        return [str(RESULTS / ILLUSTRATIONS / f"{key}.json")] if cells_of else []

    @property
    def illustrated_files(self) -> list[str]:
        """The files of the cells that illustrations show."""
        return cell_files([cell.id for cells in self.illustrated.values() for cell in cells], DECODED)

    @property
    def theory(self) -> list[str]:
        """theory.json where the experiment asks for it, else no file."""
        return [str(self.out / "theory.json")] if self.params.theory else []

    @property
    def done(self) -> str:
        """The file that exists when every figure is drawn."""
        return str(self.out / "figures.done")

    def jobs(
        self, table: list[str], timed: Iterable[str] = ()
    ) -> dict[str, tuple[list[str], list[str], str]]:
        """What a process reads -> its figures, the files that they are drawn from, and the record of them.

        Illustrations show cells and seconds, no scores: another point of a sweep does not draw them again.
        """
        inputs = {
            "scores": [*table, *timed],
            "traces": [*table, *timed],
            "pictures": [*timed, *self.illustrations],
            "theory": self.theory,
        }
        return {
            source: (names, inputs[source], str(self.out / RECORDS / f"{source}.json"))
            for source, names in self.requested.items()
        }

    def code(self, names: Iterable[str]) -> list[str]:
        """The files that decide how these figures look."""
        own = [name for name in names if not outside.is_address(name)]
        files = [_file(name) for name in names if outside.is_address(name)]
        imports = [name for file in files for name in imports_of(file)]
        return [*map(str, files), *code(*(f"ladr.figures.{name}" for name in own), *imports)]

    def has_group(self, prefix: str) -> bool:
        """Does the grid have lines of a group whose name begins so?"""
        return any(line.group.startswith(prefix) for line in self.grid.lines)

    def sampler(self, line: Line) -> Mapping[str, Any]:
        """The sampler in the spec of the line's cell."""
        return self.grid.cells[line.cell].spec["sampler"]

    def policies(self, cells: list[Cell] | None = None) -> list[Mapping[str, Any]]:
        """Policies with phases among `cells` (default: the cells of all sampler rows)."""
        if cells is None:
            cells = [self.grid.cells[line.cell] for line in self.grid.lines if line.group == SAMPLERS]
        policies = [cell.spec["sampler"]["policy"] for cell in cells]
        return [policy for policy in policies if policy.get("phases")]


def _illustrations(d: FigurePlan) -> str | None:
    return None if d.illustrated else "no benchmark of the experiment has pixels"


def _inside(d: FigurePlan) -> str | None:
    without = [backbone for backbone, cells in d.illustrated.items() if not d.policies(cells)]
    return _illustrations(d) or (f"no sampler on {without[0]} has phases" if without else None)


def _diversity(d: FigurePlan) -> str | None:
    rows = [d.grid.cells[line.cell].spec["benchmark"] for line in d.grid.lines if line.group == SAMPLERS]
    pixels = [row for row in rows if benchmark(row["name"]).has_truth]
    if not pixels:
        return "no benchmark of the experiment has pixels"
    return None if any(row["images"] > 1 for row in pixels) else "`images` is 1: one image per prompt"


def _phases(d: FigurePlan) -> str | None:
    return None if d.policies() else "no row of `samplers` has phases"


def _rescue(d: FigurePlan) -> str | None:
    frontier = any(policy.get("where") == "frontier" for policy in d.policies())
    return None if frontier else "no row of `samplers` rescues frontier cells"


def _budgets(d: FigurePlan) -> str | None:
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in d.grid.lines:
        if line.group.startswith("ablations/"):
            groups.setdefault((line.group, line.backbone, line.benchmark), []).append(line)
    for lines in groups.values():
        own = all(budget(line.cell, d.sampler(line)) == line.cell for line in lines)
        if own and adds_up([d.sampler(line) for line in lines]):
            return None
    return "no ablation ends with a row that is what those before it are together"


def _delayed(d: FigurePlan) -> str | None:
    seen: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for line in d.grid.lines:
        if line.group == SAMPLERS and d.sampler(line)["policy"].get("phases"):
            seen.setdefault((line.backbone, line.benchmark), []).append(d.sampler(line))
    late = any(delays(row, rows[0]) for rows in seen.values() for row in rows[1:])
    return None if late else "no row of `samplers` is LADR with alpha 0 in its first phase"


def _settings(d: FigurePlan) -> str | None:
    alike: dict[tuple[str, str], set[str]] = {}
    for line in d.grid.lines:
        if line.group == SAMPLERS:
            kind = d.grid.cells[line.cell].spec["backbone"]["name"]
            alike.setdefault((kind, line.benchmark), set()).add(line.backbone)
    several = any(len(rows) > 1 for rows in alike.values())
    return None if several else "no two rows of `backbones` are one backbone with other settings"


REASONS: dict[str, Callable[[FigurePlan], str | None]] = {
    "nothing": lambda d: None,
    "samplers": lambda d: None if d.has_group(SAMPLERS) else "`samplers` has no rows",
    "ablations": lambda d: None if d.has_group("ablations/") else "no `ablations`",
    "sweeps": lambda d: None if d.has_group("sweeps/") else "no `sweeps`",
    "curves": lambda d: None if d.has_group(CURVES) else "no `curves`",
    "budgets": _budgets,
    "delayed": _delayed,
    "settings": _settings,
    "diversity": _diversity,
    "phases": _phases,
    "rescue": _rescue,
    "pictures": _illustrations,
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


def figure_needs(folder: Path = HERE) -> dict[str, str]:
    """Figure -> its NEEDS, read from its module without importing it."""
    return {path.stem: _needs(path) for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}


def sources_of_figures() -> dict[str, str]:
    """Figure of the package -> what it is drawn from, which its record is called after."""
    return {name: READS.get(needs, "scores") for name, needs in figure_needs().items()}


def _file(address: str) -> Path:
    """The file of the module in `package.module:draw`, a figure from outside the package."""
    drawing = outside.imported(address, "figures:")
    module = sys.modules.get(getattr(drawing, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if not callable(drawing) or file is None or not file.endswith(".py"):
        raise LadrError(f"figures: {address!r} is not allowed; a function in a file of Python is wanted")
    return Path(file)


def _needs(path: Path) -> str:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "NEEDS":
            needs = ast.unparse(node.value)
            for name in REASONS:
                if needs == repr(name):
                    return name
            raise LadrError(f"{path}: NEEDS {needs} is none of {', '.join(REASONS)}")
    return SAMPLERS
