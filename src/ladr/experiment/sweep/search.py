"""A search for samplers with a high score in few passes. It can go on later, and gives rows to paste."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, needs
from ladr.base.files import read_json, write_text
from ladr.benchmarks.column import main_column
from ladr.experiment.cell import Cell, Grid
from ladr.experiment.cells.decode import Say, folder_of, run, tell
from ladr.experiment.cells.locks import hold
from ladr.experiment.cells.record import CELL, RESULTS, SCORE
from ladr.experiment.cells.score import score
from ladr.experiment.grid import grid
from ladr.experiment.params import Params, load
from ladr.experiment.params.check import varied
from ladr.experiment.params.models import Sampler, Sweep

SPACE = {
    "phases.exploration.alpha": (0.0, 1.0, 0.05),
    "phases.exploration.tau": (0.0, 0.5, 0.05),
    "phases.structure.alpha": (0.0, 1.0, 0.05),
    "phases.structure.tau": (0.0, 0.5, 0.05),
    "phases.refinement.alpha": (0.1, 1.0, 0.1),
    "phases.refinement.tau": (0.0, 0.5, 0.05),
}


@dataclass(frozen=True)
class Search:
    """What is searched, and where: `space` maps a field to (low, high, step)."""

    params: Params
    base: str
    backbone: str
    benchmark: str
    size: str | int
    space: Mapping[str, tuple[float, float, float]]

    @property
    def name(self) -> str:
        return f"{self.base}-{self.backbone}-{self.benchmark}-{self.size}"

    def cell(self, point: Mapping[str, Any]) -> tuple[Cell, Grid]:
        """The cell of one setting, and the grid of this cell and the cells that it needs."""
        values = {key: [value] for key, value in point.items()}
        sweep = Sweep(base=self.base, benchmarks=[self.benchmark], size=self.size, grid=values)
        only = {"use": [self.backbone], "ablations": {}, "sweeps": {"search": sweep}, "latency": None}
        made = grid(self.params.model_copy(update=only))
        line = next(x for x in made.lines if x.group == "sweeps/search")
        return made.cells[line.cell], made

    def value(self, point: Mapping[str, Any], results: Path, say: Say) -> tuple[float, float]:
        """Score in percent and mean passes of one setting. Its cell is made unless it exists."""
        cell, made = self.cell(point)
        run(made.closed([cell]), results=results, part=self.params.part, wait=True, say=say)
        score([cell], results=results, say=say)
        folder = folder_of(cell.id, results)
        lines = {line["column"]: line for line in read_json(folder / SCORE)["lines"]}
        column = main_column(self.benchmark, (c for c, line in lines.items() if line["value"] is not None))
        if column is None:
            raise LadrError(f"cell {cell.id}: {next(iter(lines.values()))['note']}; nothing to search by")
        return lines[column]["value"], read_json(folder / CELL)["summary"]["passes"]


def prepared(
    params: str | Path, base: str, backbone: str, benchmark: str, size: str | int, vary: Sequence[str] = ()
) -> Search:
    """A search over the alphas and taus of the three phases, or over `FIELD=LOW:HIGH:STEP` texts."""
    read = load(params)
    for what, name, known in (
        ("sampler", base, read.samplers), ("backbone", backbone, read.backbones),
    ):  # fmt: skip
        if name not in known:
            from ladr.base.errors import nearest

            raise LadrError(f"{what} {name!r} is not known{nearest(name, known)}")
    space = {k: v for text in vary for k, v in [_range(text)]} or SPACE
    return Search(read, base, backbone, benchmark, size, space)


def _range(text: str) -> tuple[str, tuple[float, float, float]]:
    key, _, values = text.partition("=")
    try:
        low, high, step = (float(x) for x in values.split(":"))
    except ValueError:
        raise LadrError(f"{text!r} is not allowed; FIELD=LOW:HIGH:STEP") from None
    return key, (low, high, step)


def search(
    what: Search, trials: int, *, results: Path = RESULTS, seed: int = 0, say: Say = tell
) -> list[dict[str, Any]]:
    """Try settings until `trials` have been tried, counting those of earlier runs; return the best front.

    The first is the base itself. Later ones come from Optuna's multi-objective TPE. A trial that was
    killed is tried again.
    """
    with needs("ladr search"):
        import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    place = results / "search"
    with hold(place / f".{what.name}.lock", f"search {what.name}"):
        study = optuna.create_study(
            study_name=what.name,
            storage=f"sqlite:///{(place / f'{what.name}.db').resolve()}",
            directions=["maximize", "minimize"],
            load_if_exists=True,
        )
        _retry(study)
        if not study.trials:
            study.enqueue_trial(_standing(what))
        while (tried := len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))) < trials:
            study.sampler = optuna.samplers.TPESampler(
                seed=seed + tried, multivariate=True, n_startup_trials=8
            )
            study.optimize(_objective(what, results, say), n_trials=1)
            score, passes = study.trials[-1].values
            say(f"trial {tried + 1}/{trials}: score {score:.2f}, passes {passes:.2f}")
        best = front(study)
    _write(place / f"{what.name}.yaml", what, best)
    return best


def _retry(study: Any) -> None:
    """Give up the trials that a kill left running, and put their settings first in line."""
    import optuna

    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        if trial.params:
            study.enqueue_trial(trial.params)


def _standing(what: Search) -> dict[str, float]:
    """The values of the base itself, moved into the space."""
    from ladr.decoding.policies import build

    spec = build(what.params.samplers[what.base].spec).spec
    out = {}
    for key, (low, high, step) in what.space.items():
        node: Any = spec
        for name in key.split("."):
            node = node.get(name) if isinstance(node, Mapping) else None
        value = low if node is None else min(max(float(node), low), high)
        out[key] = round(low + round((value - low) / step) * step, 10)
    return out


def _objective(what: Search, results: Path, say: Say) -> Callable[[Any], tuple[float, float]]:
    def objective(trial: Any) -> tuple[float, float]:
        point = {
            key: round(trial.suggest_float(key, low, high, step=step), 10)
            for key, (low, high, step) in what.space.items()
        }
        trial.set_user_attr("cell", what.cell(point)[0].id)
        return what.value(point, results, say)

    return objective


def front(study: Any) -> list[dict[str, Any]]:
    """The settings that no other beats in both score and passes, fewest passes first."""
    best = {
        trial.user_attrs["cell"]: {
            "cell": trial.user_attrs["cell"],
            "score": trial.values[0],
            "passes": trial.values[1],
            "point": {k: round(v, 10) for k, v in trial.params.items()},
        }
        for trial in study.best_trials
    }
    return sorted(best.values(), key=lambda row: row["passes"])


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
        text += [
            f"# score {row['score']:.2f}, passes {row['passes']:.2f}, cell {row['cell']}",
            stream.getvalue(),
        ]
    write_text(path, "\n".join(text))
