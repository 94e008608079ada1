"""From params to cells. A cell is one sampler on one benchmark with one backbone; its id is a function of its
resolved spec alone: the same spec, the same id, whatever the row is called and wherever it stands."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache as memo
from typing import Any

from ladr import caches
from ladr.backbones import VERSIONS
from ladr.backbones.weights import weights
from ladr.benchmarks import BENCHMARKS
from ladr.benchmarks.official.grid import GridSuite
from ladr.benchmarks.prompt import Prompt, prompts_sha256
from ladr.errors import LadrError
from ladr.params import BackboneRow, Official, Params, Sampler
from ladr.params.check import points, varied
from ladr.policies import build
from ladr.policies.base import REPLAY


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
    """`cells` by id, each after those it needs; `lines` in the order of params.yaml."""

    cells: Mapping[str, Cell]
    lines: tuple[Line, ...]

    def json(self) -> str:
        """What results/grid.json holds: the same text for the same grid."""
        lines = [asdict(line) for line in self.lines]
        return json.dumps({"cells": list(self.cells), "lines": lines}, indent=1, sort_keys=True) + "\n"

    def find(self, names: Iterable[str]) -> list[Cell]:
        """Cells by id, by the 8 digits it ends with, by a path into results/cells, or by row name."""
        return [cell for name in names for cell in self._find(name)]

    def closed(self, cells: Iterable[Cell]) -> list[Cell]:
        """These cells and all that they need, each after what it needs."""
        wanted = {cell.id for cell in cells}
        for cell in reversed(self.cells.values()):
            wanted |= set(cell.needs) if cell.id in wanted else set()
        return [cell for i, cell in self.cells.items() if i in wanted]

    def _find(self, name: str) -> list[Cell]:
        last = re.sub(r"/(cell|score)\.json$", "", name).rstrip("/").rsplit("/", 1)[-1]
        found = [c for i, c in self.cells.items() if i == last or i.rsplit("-", 1)[-1] == last]
        named = {line.cell for line in self.lines if name in (line.name, f"{line.group}/{line.name}")}
        found = found or [c for i, c in self.cells.items() if i in named]
        if not found:
            from ladr.errors import nearest

            known = [*self.cells] if "-" in name else [line.name for line in self.lines]
            raise LadrError(f"cell {name!r} is not in the grid{nearest(name, set(known))}")
        return found


def canonical(value: Any) -> str:
    """One text per value: sorted keys, 1.0 written as 1."""

    def simple(v: Any) -> Any:
        if isinstance(v, Mapping):
            return {str(k): simple(x) for k, x in v.items()}
        if isinstance(v, (list, tuple)):
            return [simple(x) for x in v]
        return int(v) if isinstance(v, float) and v.is_integer() else v

    return json.dumps(simple(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def id_of(spec: Mapping[str, Any]) -> str:
    """A readable name made from the spec, and 8 hex digits of its hash."""
    sampler = spec["sampler"]
    steps = sampler["steps"] if isinstance(sampler["steps"], int) else "-matched"
    cached = f"-{sampler['cache']['name']}" if sampler["cache"] else ""
    name = (
        f"{spec['backbone']['name']}-{spec['benchmark']['name']}-{sampler['policy']['policy']}{steps}{cached}"
    )
    return f"{name}-{hashlib.sha256(canonical(spec).encode()).hexdigest()[:8]}"


def grid(params: Params) -> Grid:
    """Every cell that the params name, and those that these need."""
    cells: dict[str, Cell] = {}
    lines = tuple(_lines(params, cells))
    return Grid(cells, lines)


def _lines(params: Params, cells: dict[str, Cell]) -> Iterator[Line]:
    for backbone in params.use:
        wanted = params.backbones[backbone].benchmarks
        for benchmark, size in wanted.items():
            place = Place(params, backbone, benchmark, size, None, params.samplers, cells)
            for name, row in params.samplers.items():
                yield from place.line("samplers", name, row)
        for group, body in params.ablations.items():
            scope = {**params.samplers, **body.rows}
            for benchmark in (b for b in body.benchmarks if b in wanted):
                size = body.size or wanted[benchmark]
                place = Place(params, backbone, benchmark, size, body.images, scope, cells)
                for name, row in body.rows.items():
                    yield from place.line(f"ablations/{group}", name, row)
        yield from _swept(params, backbone, wanted, cells)


def _swept(params: Params, backbone: str, wanted: Mapping[str, Any], cells: dict) -> Iterator[Line]:
    for group, body in params.sweeps.items():
        base = params.samplers[body.base].model_dump(exclude_none=True)
        if body.backbones is not None and backbone not in body.backbones:
            continue
        for benchmark in (b for b in body.benchmarks if b in wanted):
            size = body.size or wanted[benchmark]
            place = Place(params, backbone, benchmark, size, body.images, params.samplers, cells)
            for point in points(body.grid):
                name = ",".join(f"{key}={value}" for key, value in point.items())
                row = Sampler.model_validate({**varied(base, point), "label": name})
                yield from place.line(f"sweeps/{group}", name, row, point)


@dataclass(frozen=True)
class Place:
    """A backbone and the prompts it is asked; `scope` are the samplers that a row may refer to. `images` per
    prompt are the backbone's or the file's unless the group has its own."""

    params: Params
    backbone: str
    benchmark: str
    size: str | int
    images: int | None
    scope: Mapping[str, Sampler]
    cells: dict[str, Cell]

    def line(
        self, group: str, name: str, row: Sampler, point: Mapping[str, Any] | None = None
    ) -> Iterator[Line]:
        """The line of this row here, if the row runs on this backbone; its cells are added to `cells`."""
        if row.backbones is None or self.backbone in row.backbones:
            cell = self.cell(row, (name,))
            yield Line(group, name, row.label or name, self.backbone, self.benchmark, cell.id, point or {})

    def cell(self, row: Sampler, trail: tuple[str, ...]) -> Cell:
        """The cell of a row, after those it needs. `trail`: the rows that led here."""
        needs: list[str] = []

        def source(name: str) -> str:
            if name in trail:
                raise LadrError(f"samplers: {' -> '.join([*trail, name])} is a circle")
            needs.append(self.cell(self.scope[name], (*trail, name)).id)
            return needs[-1]

        policy = _pointed(build(row.spec).spec, source)
        steps: Any = row.steps or self.params.steps
        if row.match is not None:
            steps = {"match": source(row.match)}
        temperature = self.params.temperature if row.temperature is None else row.temperature
        sampler = {"policy": policy, "steps": steps, "temperature": temperature, "cache": _cache(row.cache)}
        spec = {**self.asked(), "sampler": sampler}
        needed = tuple(dict.fromkeys(needs))
        about = self.backbone, self.model, self.prompts, self.params.official
        cell = Cell(id_of(spec), spec, needed, *about)
        known = self.cells.setdefault(cell.id, cell)
        if canonical(known.spec) != canonical(spec):
            raise LadrError(f"cell {cell.id}: two specs share this id; change any value of one of them")
        return known

    @property
    def model(self) -> BackboneRow:
        return self.params.backbones[self.backbone]

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        return _prompts(self.benchmark, self.size, self.params.official.prompts)[0]

    def _count(self) -> int:
        """Images per prompt."""
        suite, params = BENCHMARKS[self.benchmark], self.params
        own = self.images or self.model.images.get(self.benchmark)
        if isinstance(suite, GridSuite):
            count = own or params.official.images or suite.images
            suite.of(self.prompts, count)
            return count
        return own or params.images

    def asked(self) -> dict[str, Any]:
        """The part of the spec that all samplers share here."""
        kind = self.model.kind or self.backbone
        suite = BENCHMARKS[self.benchmark]
        if kind not in getattr(suite, "backbones", (kind,)):
            raise LadrError(
                f"backbones.{self.backbone}.benchmarks: {self.benchmark!r} is for {suite.backbones}"
            )
        folder = self.params.official.prompts
        prompts, digest = _prompts(self.benchmark, self.size, folder)
        official = isinstance(suite, GridSuite)
        files = {"files": suite.files_sha256(folder)} if official else {}
        return {
            "backbone": {
                "name": kind,
                "version": VERSIONS[kind],
                "settings": dict(self.model.settings),
                "weights": weights(kind, self.model.settings),
            },
            "benchmark": {
                "name": suite.name, "version": suite.version, "size": self.size, "prompts": digest,
                "count": len(prompts), "images": self._count(), "seed": self.params.seed, **files,
            },
        }  # fmt: skip


def _pointed(policy: Any, source: Any) -> Any:
    """The policy's spec with `replay:ROW` turned into `replay:CELL`."""
    if isinstance(policy, Mapping):
        return {key: _pointed(value, source) for key, value in policy.items()}
    if isinstance(policy, str) and policy.startswith(REPLAY):
        return REPLAY + source(policy.removeprefix(REPLAY))
    return policy


def _cache(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {"name": given["name"], **asdict(caches.cache(**given))}


@memo
def _prompts(benchmark: str, size: str | int, folder: str | None) -> tuple[tuple[Prompt, ...], str]:
    suite = BENCHMARKS[benchmark]
    prompts = suite.prompts(size, folder) if isinstance(suite, GridSuite) else suite.prompts(size)
    return prompts, prompts_sha256(prompts)


def batches(cells: Iterable[Cell], size: int) -> list[list[Cell]]:
    """Cells in groups of at most `size` that share a process: one key per group, and no group needs a later
    one."""
    by_key: dict[str, list[Cell]] = {}
    for cell in cells:
        by_key.setdefault(cell.key, []).append(cell)
    return [group[i : i + size] for group in by_key.values() for i in range(0, len(group), size)]
