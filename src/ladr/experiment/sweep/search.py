"""A search for samplers with a high score in few passes. It can go on later, and gives rows to paste."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, nearest, needs
from ladr.base.files import write_text
from ladr.base.locks import hold
from ladr.benchmarks.column import main_column
from ladr.benchmarks.sizes import HALVES, halved, per_column
from ladr.decoding.policies import build
from ladr.experiment.cell import Cell, Grid, prompts_of
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import Say, folder_of, run, tell
from ladr.experiment.cells.record import RESULTS, SCORE
from ladr.experiment.cells.score import score
from ladr.experiment.grid import grid
from ladr.experiment.params import Params, load
from ladr.experiment.params.models import Sampler, Sweep
from ladr.experiment.params.sweeps import row_mistakes, varied
from ladr.experiment.sweep.space import SPACES, Range, require_allowed, space_of
from ladr.experiment.sweep.trials import CELL, complete, opened, refused, require_current, retry


@dataclass(frozen=True)
class Search:
    """What is searched, and where. `space` maps a field to the values that it may take.

    half: which prompts score a setting, `even`, `odd` or `all`: those with an even or odd place in their
    column. The other half judges the best settings of a search.
    """

    params: Params
    base: str
    backbone: str
    benchmark: str
    size: str | int
    space: Mapping[str, Range]
    half: str = "all"

    @property
    def name(self) -> str:
        half = "" if self.half == "all" else f"-{self.half}"
        own = self.space != SPACES.get(self.params.samplers[self.base].policy)
        space = f"-{hashlib.sha256(repr(self.space).encode()).hexdigest()[:6]}" if own else ""
        return f"{self.base}-{self.backbone}-{self.benchmark}-{self.size}{half}{space}"

    @property
    def other(self) -> "Search":
        """The same search on the half that it does not look at."""
        return replace(self, half=HALVES[1 - HALVES.index(self.half)])

    def point(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a trial as a cell is made with them."""
        return {key: kind.rounded(values[key]) for key, kind in self.space.items()}

    def mistake(self, point: Mapping[str, Any]) -> str | None:
        """What is wrong with the values taken together, each of which is allowed; None: nothing."""
        base = self.params.samplers[self.base].model_dump(exclude_none=True)
        issues = row_mistakes(varied(base, point), [*self.params.samplers])
        return next((f"{dict(point)}: {issue.message}" for issue in issues), None)

    def cell(self, point: Mapping[str, Any]) -> tuple[Cell, Grid]:
        """The cell of one setting, and the grid of this cell and the cells that it needs."""
        values = {key: [value] for key, value in point.items()}
        size = self.size if self.half == "all" else halved(self.size, self.half)
        sweep = Sweep(base=self.base, benchmarks=[self.benchmark], size=size, grid=values)
        only = {
            "use": [self.backbone],
            "ablations": {},
            "curves": {},
            "sweeps": {"search": sweep},
            "latency": None,
        }
        made = grid(self.params.model_copy(update=only))
        line = next(x for x in made.lines if x.group == "sweeps/search")
        return made.cells[line.cell], made

    def value(self, point: Mapping[str, Any], results: Path, say: Say) -> tuple[float, float]:
        """Score in percent and mean passes of one setting. Its cell is made unless it exists."""
        cell, made = self.cell(point)
        run(made.closed([cell]), results=results, part=self.params.part, wait=True, say=say)
        score([cell], results=results, say=say)
        folder = folder_of(cell.id, results)
        lines = {line["column"]: line for line in record.read(folder / SCORE)["lines"]}
        column = main_column(self.benchmark, (c for c, line in lines.items() if line["value"] is not None))
        if column is None:
            raise LadrError(f"cell {cell.id}: {next(iter(lines.values()))['note']}; nothing to search by")
        return lines[column]["value"], record.read(folder / record.CELL)["summary"]["passes"]


def prepared(
    params: str | Path,
    base: str,
    backbone: str,
    benchmark: str,
    size: str | int,
    vary: Sequence[str] = (),
    half: str = "all",
    changes: Mapping[str, Any] | None = None,
) -> Search:
    """A search over the ranges that the texts of `vary` say, or over those of the base's policy in
    `SPACES`."""
    read = load(params, changes)
    of_backbone = read.backbones[backbone].benchmarks if backbone in read.backbones else {benchmark: size}
    for what, name, known in (
        ("sampler", base, read.samplers), ("backbone", backbone, read.backbones),
        (f"benchmark of {backbone}", benchmark, of_backbone), ("half", half, (*HALVES, "all")),
    ):  # fmt: skip
        if name not in known:
            raise LadrError(f"{what} {name!r} is not known{nearest(name, known)}")
    per_column(size)
    for side in HALVES if half != "all" else ():
        prompts_of(benchmark, halved(size, side), read.official.prompts)
    row = read.samplers[base]
    space = space_of(row.policy, vary)
    require_allowed(row.model_dump(exclude_none=True), space, [*read.samplers])
    return Search(read, base, backbone, benchmark, size, space, half)


def search(
    what: Search, trials: int, *, results: Path = RESULTS, seed: int = 0, say: Say = tell
) -> list[dict[str, Any]]:
    """Try settings until `trials` have been tried, counting those of earlier runs; return the best front.

    The first is the base itself. Later ones come from Optuna's multi-objective TPE. A trial that was
    stopped is tried again, and settings that no sampler can have are left out. Where half of the prompts were
    looked at, `other` of each row is what the setting reaches on the other half, which is decoded for these
    settings only.
    """
    with needs("ladr search"):
        import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # an error is told once, by its message
    place = results / "search"
    with hold(place / f".{what.name}.lock", f"search {what.name}"):
        path = place / f"{what.name}.db"
        study = opened(what.name, path)
        require_current(study, path, lambda values: what.cell(what.point(values))[0].id)
        retry(study)
        if not study.trials:
            study.enqueue_trial(_standing(what))
        while (tried := len(complete(study))) < trials:
            study.sampler = optuna.samplers.TPESampler(
                seed=seed + tried + refused(study), multivariate=True, n_startup_trials=8
            )
            study.optimize(_objective(what, results, say), n_trials=1)
            last = study.trials[-1]
            if last.values:
                say(f"trial {tried + 1}/{trials}: score {last.values[0]:.2f}, passes {last.values[1]:.2f}")
            elif last.state == optuna.trial.TrialState.FAIL:
                raise LadrError(f"cell {last.user_attrs[CELL]}: its score is no number; nothing to search by")
        best = front(what, study)
    if what.half != "all":
        best = [{**row, "other": judged(what.other, row["point"], results, say)} for row in best]
    _write(place / f"{what.name}.yaml", what, best)
    return best


def _standing(what: Search) -> dict[str, Any]:
    """The values of the base itself, moved into the space."""
    row = what.params.samplers[what.base]
    own = row.model_dump(include={"steps", "temperature"}, exclude_none=True)
    shared = {"steps": what.params.steps, "temperature": what.params.temperature}
    spec = {**shared, **own, **build(row.spec).spec}
    out = {}
    for key, kind in what.space.items():
        node: Any = spec
        for name in key.split("."):
            node = node.get(name) if isinstance(node, Mapping) else None
        out[key] = kind.nearest(node)
    return out


def _objective(what: Search, results: Path, say: Say) -> Callable[[Any], tuple[float, float]]:
    import optuna

    def objective(trial: Any) -> tuple[float, float]:
        point = what.point({key: kind.suggest(trial, key) for key, kind in what.space.items()})
        if mistake := what.mistake(point):
            say(f"left out: {mistake}")
            raise optuna.TrialPruned
        trial.set_user_attr(CELL, what.cell(point)[0].id)
        return what.value(point, results, say)

    return objective


def front(what: Search, study: Any) -> list[dict[str, Any]]:
    """The settings that no other beats in both score and passes, fewest passes first."""
    best = {
        trial.user_attrs[CELL]: {
            "cell": trial.user_attrs[CELL],
            "score": trial.values[0],
            "passes": trial.values[1],
            "point": what.point(trial.params),
        }
        for trial in study.best_trials
    }
    return sorted(best.values(), key=lambda row: row["passes"])


def judged(what: Search, point: Mapping[str, Any], results: Path, say: Say) -> dict[str, Any]:
    """The cell, the score and the passes of one setting on the prompts of `what`."""
    score, passes = what.value(point, results, say)
    return {"cell": what.cell(point)[0].id, "score": score, "passes": passes}


def _write(path: Path, what: Search, best: list[dict[str, Any]]) -> None:
    """Rows that can be pasted below `samplers:`."""
    from io import StringIO

    from ruamel.yaml import YAML

    base = what.params.samplers[what.base].model_dump(exclude_none=True, exclude={"label"})
    text = [f"# {what.name}: the settings that no other beat in both score and passes"]
    for i, row in enumerate(best, start=1):
        fields = Sampler.model_validate(varied(base, row["point"])).model_dump(exclude_none=True)
        stream = StringIO()
        YAML(typ="safe").dump({f"{what.base}_{i}": fields}, stream)
        parts = {what.half: row, **({what.other.half: row["other"]} if "other" in row else {})}
        text += [
            f"# {half} prompts: score {one['score']:.2f}, passes {one['passes']:.2f}, cell {one['cell']}"
            for half, one in parts.items()
        ]
        text.append(stream.getvalue())
    write_text(path, "\n".join(text))
