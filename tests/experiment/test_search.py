"""A search goes on with what it began: a stopped trial comes again; scores of other params do not count."""

import optuna
import pytest
import yaml

from ladr.base.errors import LadrError
from ladr.experiment.sweep import search as module
from ladr.experiment.sweep.search import prepared, search
from ladr.experiment.sweep.space import Even
from tiny import write

VARY = ["phases.structure.alpha=0:1:0.25", "phases.refinement.alpha=0.2:1:0.2"]
BASE = {"phases.structure.alpha": 0.25, "phases.refinement.alpha": 1.0}


def quiet(text):
    pass


def trials(what, results):
    study = optuna.load_study(study_name=what.name, storage=f"sqlite:///{results}/search/{what.name}.db")
    return [(trial.state.name, trial.params) for trial in study.get_trials()]


def test_a_trial_that_ctrl_c_stopped_comes_again(tmp_path, monkeypatch):
    what, results = prepared(write(tmp_path), "ladr", "field", "field-exact", 2, VARY), tmp_path / "results"
    with monkeypatch.context() as patched:
        patched.setattr(module, "run", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(what, 1, results=results, say=quiet)
    assert trials(what, results) == [("FAIL", BASE)]
    search(what, 1, results=results, say=quiet)
    assert trials(what, results) == [("FAIL", BASE), ("COMPLETE", BASE)]


def _interrupted(*_, **__):
    raise KeyboardInterrupt


def test_scores_of_other_params_are_not_mixed_with_those_of_now(tmp_path):
    path, results = write(tmp_path), tmp_path / "results"
    search(prepared(path, "ladr", "field", "field-exact", 2, VARY), 1, results=results, say=quiet)
    colder = prepared(path, "ladr", "field", "field-exact", 2, VARY, changes={"temperature": 0.5})
    with pytest.raises(LadrError, match=r"\.db: trial 0 decoded cell field-.*: the params have changed"):
        search(colder, 2, results=results, say=quiet)
    assert [state for state, _ in trials(colder, results)] == ["COMPLETE"]


def test_values_that_no_sampler_can_have_together_are_left_out(tmp_path):
    path, results, said = write(tmp_path), tmp_path / "results", []
    text = yaml.safe_load(path.read_text())
    text["samplers"]["ladr"]["phases"] = {
        "exploration": {"until": 0.2, "alpha": 0.1}, "structure": {"until": 0.7, "alpha": 0.1},
        "refinement": {"until": 1.0, "alpha": 0.5},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(text))
    vary = ["phases.exploration.until=0.4:0.6:0.2", "phases.structure.until=0.3:0.9:0.1"]
    what = prepared(path, "ladr", "field", "field-exact", 1, vary)
    search(what, 6, results=results, say=said.append)
    states = [state for state, _ in trials(what, results)]
    assert states.count("COMPLETE") == 6
    assert 0 < states.count("PRUNED") == sum("left out: {'phases." in line for line in said)
    assert set(states) == {"COMPLETE", "PRUNED"}


@pytest.mark.parametrize(
    ("even", "value"), [(Even(0.0, 1.0, 0.6), 0.6), (Even(1, 10, 4), 9), (Even(0, 1, 0.1), 1.0)]
)
def test_the_nearest_value_lies_within_the_range(even, value):
    assert even.nearest(99) == value
