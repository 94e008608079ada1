"""The trials of a search, as Optuna's study keeps them: which of them count, and which come again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError

MOST_REFUSED = 200  # settings one after the other that no sampler can have
CELL = "cell"  # the attribute of a trial that has the id of its cell


def opened(name: str, path: Path) -> Any:
    """The study of that name in the database at `path`, made where there is none."""
    import optuna

    return optuna.create_study(
        study_name=name,
        storage=f"sqlite:///{path.resolve()}",
        directions=["maximize", "minimize"],
        load_if_exists=True,
    )


def complete(study: Any) -> list[Any]:
    """The trials that have a score."""
    import optuna

    return study.get_trials(states=[optuna.trial.TrialState.COMPLETE])


def refused(study: Any) -> int:
    """How many trials there are whose settings no sampler can have. LadrError where the last ones are all of
    that kind."""
    import optuna

    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    last = states[-MOST_REFUSED:]
    if len(last) == MOST_REFUSED and set(last) == {optuna.trial.TrialState.PRUNED}:
        raise LadrError(f"search: no sampler can have the last {MOST_REFUSED} settings; narrow the ranges")
    return states.count(optuna.trial.TrialState.PRUNED)


def retry(study: Any) -> None:
    """Put the settings of a trial that was stopped first in line: one that a kill left running, or the last
    one where it failed, as Ctrl-C and full disks let it."""
    import optuna

    stopped = study.get_trials(states=[optuna.trial.TrialState.RUNNING])
    for trial in stopped:
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    last = study.get_trials()[-1:]
    stopped += [trial for trial in last if trial.state == optuna.trial.TrialState.FAIL]
    for trial in {trial.number: trial for trial in stopped}.values():
        if settings := {**trial.system_attrs.get("fixed_params", {}), **trial.params}:
            study.enqueue_trial(settings)


def require_current(study: Any, path: Path, cell_of: Callable[[Mapping[str, Any]], str]) -> None:
    """LadrError where the newest score is that of a cell which its settings no longer lead to, as params.yaml
    has changed since. Scores of two experiments are not compared."""
    for trial in complete(study)[-1:]:
        try:
            now = cell_of(trial.params)
        except KeyError:  # a field that was searched then and is not now
            now = "none"
        before = trial.user_attrs.get(CELL)
        if before != now:
            raise LadrError(
                f"{path}: trial {trial.number} decoded cell {before}, and its settings are now cell {now}: "
                "the params have changed; remove the file to search anew (cells stay), or change them back"
            )
