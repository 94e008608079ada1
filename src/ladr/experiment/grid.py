"""From params to the grid: which cells an experiment asks for, and which of them need which."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ladr import backbones, benchmarks
from ladr.base.errors import LadrError
from ladr.benchmarks.prompt import Prompt
from ladr.decoding import caches
from ladr.decoding.policies import build
from ladr.decoding.policies.replay import REPLAY, SOURCES
from ladr.experiment.cell import Cell, Grid, Line, canonical, id_of, prompts_of
from ladr.experiment.lines import CURVES
from ladr.experiment.params import BackboneRow, Params, Sampler
from ladr.experiment.params.sweeps import points, varied

MOST_IMAGES = 1_000_000  # of one cell


def grid(params: Params) -> Grid:
    """Every cell that the params name, and the cells that those need."""
    cells: dict[str, Cell] = {}
    lines = tuple(_lines(params, cells))
    if not cells:
        raise LadrError(
            f"params: no row runs on {' or '.join(params.use)}, so there are no cells; "
            "check `use`, the `benchmarks` of its backbones, and the `backbones` of the rows"
        )
    return Grid(cells, lines, dict(_opponents(params)))


def _lines(params: Params, cells: dict[str, Cell]) -> Iterator[Line]:
    for backbone in params.use:
        sizes = params.backbones[backbone].benchmarks
        for benchmark, size in sizes.items():
            maker = CellMaker(params, backbone, benchmark, size, None, params.samplers, cells)
            for name, row in params.samplers.items():
                yield from maker.line("samplers", name, row)
        for group, body in asked_of(params, params.ablations):
            scope = {**params.samplers, **body.rows}
            for maker in _makers(params, body, backbone, scope, cells):
                for name, row in body.rows.items():
                    yield from maker.line(f"ablations/{group}", name, row)
        yield from _swept(params, backbone, cells)
        yield from _curved(params, backbone, cells)


def _opponents(params: Params) -> Iterator[tuple[str, str]]:
    """Rows that are the baseline but for their passes, which are those of another row: their names."""
    plain = {"steps": None, "match": None, "label": None, "backbones": None}
    base = params.samplers[params.baseline].model_copy(update=plain)
    for name, row in params.samplers.items():
        if row.match is not None and row.model_copy(update=plain) == base:
            yield name, row.match


def asked_of(params: Params, groups: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The groups that this run asks for: all but those for an extended run, which has these too."""
    return [(name, body) for name, body in groups.items() if params.extended or not body.extended]


def _makers(
    params: Params, body: Any, backbone: str, scope: Mapping[str, Sampler], cells: dict
) -> Iterator["CellMaker"]:
    """What makes the cells of a group, for each of its benchmarks that the backbone is asked; nothing where
    the group is for other backbones."""
    if body.backbones is not None and backbone not in body.backbones:
        return
    sizes = params.backbones[backbone].benchmarks
    for benchmark in (b for b in body.benchmarks if b in sizes):
        size = body.size or sizes[benchmark]
        yield CellMaker(params, backbone, benchmark, size, body.images_on(backbone), scope, cells)


def _swept(params: Params, backbone: str, cells: dict) -> Iterator[Line]:
    for group, body in asked_of(params, params.sweeps):
        base = params.samplers[body.base].model_dump(exclude_none=True)
        for maker in _makers(params, body, backbone, params.samplers, cells):
            for point in points(body.grid):
                name = ",".join(f"{key}={value}" for key, value in point.items())
                row = Sampler.model_validate({**varied(base, point), "label": name})
                yield from maker.line(f"sweeps/{group}", name, row, point)


def _curved(params: Params, backbone: str, cells: dict) -> Iterator[Line]:
    for group, body in asked_of(params, params.curves):
        scope = {**params.samplers, **body.rows}
        for maker in _makers(params, body, backbone, scope, cells):
            for name, curve in body.rows.items():
                row = curve.model_dump(exclude={"vary", "values"}, exclude_none=True)
                for value in curve.values_on(backbone):
                    point = {curve.vary: value}
                    at = Sampler.model_validate(varied(row, point))
                    yield from maker.line(f"{CURVES}{group}", f"{name}, {curve.vary}={value}", at, point)


@dataclass(frozen=True)
class CellMaker:
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
        """The line of this row, if the row runs on this backbone. Its cells are added to `cells`."""
        if row.backbones is None or self.backbone in row.backbones:
            cell = self.cell(row, (name,))
            yield Line(group, name, row.label or name, self.backbone, self.benchmark, cell.id, point or {})

    def cell(self, row: Sampler, trail: tuple[str, ...]) -> Cell:
        """The cell of a row; the cells that it needs are added first. `trail`: the rows that led here."""
        needs: list[str] = []

        def source(name: str, word: str = "match") -> str:
            if name in trail:
                raise LadrError(f"samplers: {' -> '.join([*trail, name])} is a circle")
            if word == REPLAY and build(self.scope[name].spec).whole:
                raise LadrError(
                    f"samplers: {trail[-1]}: '{REPLAY}{name}' is not allowed; {name!r} may decode a picture "
                    "more than once, and a budget is that of one decode"
                )
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
        return prompts_of(self.benchmark, self.size, self.params.official.prompts)[0]

    def _count(self) -> int:
        """Images per prompt."""
        suite, params = benchmarks.benchmark(self.benchmark), self.params
        own = self.images or self.model.images.get(self.benchmark)
        count = own or suite.images_per_prompt(params.images, params.official)
        suite.require_layout(self.prompts, count)
        if count * len(self.prompts) > MOST_IMAGES:
            raise LadrError(
                f"backbones.{self.backbone}.benchmarks.{self.benchmark}: {len(self.prompts)} prompts with "
                f"{count} images each are not allowed; at most {MOST_IMAGES} images in one cell"
            )
        return count

    def asked(self) -> dict[str, Any]:
        """The part of a spec that all samplers on this backbone and benchmark share."""
        kind = backbones.kind(self.model.kind or self.backbone)
        suite = benchmarks.benchmark(self.benchmark)
        if kind.reads not in suite.reads:
            raise LadrError(
                f"backbones.{self.backbone}.benchmarks: {self.benchmark!r} is for backbones that read "
                f"{' or '.join(suite.reads)}; {kind.name} reads {kind.reads}"
            )
        settings = kind.resolved(self.model.settings)
        folder = self.params.official.prompts
        prompts, digest = prompts_of(self.benchmark, self.size, folder)
        published = suite.files_sha256(Path(folder) if folder else None)
        files = {} if published is None else {"files": published}
        return {
            "backbone": {
                "name": kind.name,
                "version": kind.version,
                "settings": settings,
                "weights": kind.identity(settings),
            },
            "benchmark": {
                "name": suite.name, "version": suite.version, "size": self.size, "prompts": digest,
                "count": len(prompts), "images": self._count(), "seed": self.params.seed, **files,
            },
        }  # fmt: skip


def _pointed(policy: Any, source: Any) -> Any:
    """The policy's spec with `replay:ROW` turned into `replay:CELL`, and `tokens:ROW` into `tokens:CELL`."""
    if isinstance(policy, Mapping):
        return {key: _pointed(value, source) for key, value in policy.items()}
    if isinstance(policy, str) and policy.startswith(SOURCES):
        word = next(word for word in SOURCES if policy.startswith(word))
        return word + source(policy.removeprefix(word), word)
    return policy


def _cache(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if settings is None:
        return None
    return {"name": settings["name"], **asdict(caches.cache(**settings))}
