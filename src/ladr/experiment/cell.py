"""Cells and their grid. A cell is one sampler on one benchmark with one backbone.

Its id is a function of its resolved spec alone: the same spec has the same id, whatever its row is called and
wherever the row stands.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache as memo
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.benchmarks import benchmark
from ladr.benchmarks.benchmark import Benchmark
from ladr.benchmarks.prompt import Prompt, prompts_sha256
from ladr.benchmarks.sizes import in_half, parted
from ladr.experiment.canonical import canonical
from ladr.experiment.params import BackboneRow, Official


@dataclass(frozen=True)
class Cell:
    """`spec` is all that its tokens depend on; `needs` are the cells whose traces it reads; `row` says how to
    run its backbone (batch size and the like), `official` how to score its images, which tokens do not depend
    on. `prompts` are those whose hash the spec holds."""

    id: str
    spec: Mapping[str, Any]
    needs: tuple[str, ...]
    backbone: str
    row: BackboneRow
    prompts: tuple[Prompt, ...] = field(repr=False)
    official: Official

    @property
    def benchmark(self) -> Benchmark:
        return benchmark(self.spec["benchmark"]["name"])

    @property
    def images(self) -> int:
        """How many images it has."""
        return self.spec["benchmark"]["count"] * self.spec["benchmark"]["images"]

    @property
    def digest(self) -> str:
        """The sha256 of its spec; its id ends with the first 8 digits."""
        return digest_of(self.spec)

    @property
    def key(self) -> str:
        """Cells of one key share a process well: same backbone, same prompts."""
        return canonical([self.spec["backbone"], self.spec["benchmark"]])


@dataclass(frozen=True)
class Line:
    """One line of the grid: which row of params.yaml asked for which cell. `point`: the swept values."""

    group: str
    name: str
    label: str
    backbone: str
    benchmark: str
    cell: str
    point: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """`cells` by id, each after those it needs; `lines` in the order of params.yaml.

    opponents: row of `samplers` that is the baseline with as many passes as another row -> that other row.
    """

    cells: Mapping[str, Cell]
    lines: tuple[Line, ...]
    opponents: Mapping[str, str] = field(default_factory=dict)

    def json(self, timed: Mapping[str, Mapping[str, str]] | None = None) -> str:
        """What results/grid.json holds: the same text for the same grid.

        timed: measurement -> row -> cell.
        """
        lines = [asdict(line) for line in self.lines]
        content: dict[str, Any] = {"cells": list(self.cells), "lines": lines, "opponents": {**self.opponents}}
        if timed is not None:
            content["timed"] = timed
        return json.dumps(content, indent=1, sort_keys=True) + "\n"

    def find(self, names: Iterable[str]) -> list[Cell]:
        """Cells by id, by the 8 digits it ends with, by a path into results/cells, or by row name."""
        return [cell for name in names for cell in self._find(name)]

    def closed(self, cells: Iterable[Cell]) -> list[Cell]:
        """These cells and all that they need, each after what it needs."""
        needed = {cell.id for cell in cells}
        for cell in reversed(self.cells.values()):
            needed |= set(cell.needs) if cell.id in needed else set()
        return [cell for i, cell in self.cells.items() if i in needed]

    def _find(self, name: str) -> list[Cell]:
        last = re.sub(r"/(cell|score)\.json$", "", name).rstrip("/").rsplit("/", 1)[-1]
        cells = [c for i, c in self.cells.items() if i == last or i.rsplit("-", 1)[-1] == last]
        named = {line.cell for line in self.lines if name in (line.name, f"{line.group}/{line.name}")}
        cells = cells or [c for i, c in self.cells.items() if i in named]
        if not cells:
            from ladr.base.errors import nearest

            known = [*self.cells] if "-" in name else [line.name for line in self.lines if not line.point]
            if re.fullmatch(r"[0-9a-f]{8}", name):
                known = [i.rsplit("-", 1)[-1] for i in self.cells]
            raise LadrError(f"cell {name[:80]!r} is not in the grid{nearest(name[:80], known)}")
        return cells


def id_of(spec: Mapping[str, Any]) -> str:
    """A readable name made from the spec, and 8 hex digits of its hash."""
    sampler = spec["sampler"]
    steps = sampler["steps"] if isinstance(sampler["steps"], int) else "-matched"
    cached = f"-{sampler['cache']['name']}" if sampler["cache"] else ""
    names = (spec["backbone"]["name"], spec["benchmark"]["name"], sampler["policy"]["policy"])
    name = f"{'-'.join(short(name) for name in names)}{steps}{cached}"
    return f"{name}-{digest_of(spec)[:8]}"


def digest_of(spec: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(spec).encode()).hexdigest()


def short(name: str) -> str:
    """The name itself, or what `package.module:name` names, as part of the name of a file or rule."""
    return name.rpartition(":")[2].replace(".", "-")


@memo
def prompts_of(name: str, size: str | int, folder: str | None) -> tuple[tuple[Prompt, ...], str]:
    """The prompts of a benchmark at a size, and their digest; `folder` has an official benchmark's files."""
    whole, half = parted(size)
    prompts = in_half(benchmark(name).prompts(whole, Path(folder) if folder else None), half)
    return prompts, prompts_sha256(prompts)
