"""Sweeps from the command line, and the search."""

import json
import os
import signal
import sys

import pytest
import yaml

from ladr.base.errors import FailedError, LadrError
from ladr.cli.main import answer
from ladr.cli.sweep import drawn
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.decoded import read_tokens
from ladr.experiment.cells.score import score
from ladr.experiment.cells.table import write as write_table
from ladr.experiment.grid import grid
from ladr.experiment.params import load
from ladr.experiment.sweep import sweep
from ladr.experiment.sweep.search import prepared, search
from ladr.experiment.sweep.space import Choice, Even, Logarithmic, range_of
from ladr.experiment.sweep.sweep import experiment, grid_of
from tiny import TEXT, tiny, write, write_grid
from workflow_runs import ROOT


def quiet(text):
    pass


def test_alpha_and_tau_of_phases_and_any_field():
    found = grid_of(["structure=0.1,0.3"], ["structure=0,null"], ["noise=0.5"])
    assert found == {"phases.structure.alpha": [0.1, 0.3], "phases.structure.tau": [0, None], "noise": [0.5]}


@pytest.mark.parametrize("given", [([], [], []), (["structure"], [], []), ([], ["structure="], [])])
def test_what_is_no_grid(given):
    with pytest.raises(LadrError):
        grid_of(*given)


def test_a_sweep_keeps_the_baseline_and_what_its_base_needs(tmp_path):
    path = write(
        tmp_path, TEXT.replace("halton: {policy: halton}", "halton: {policy: halton, match: matched}")
    )
    name, data = experiment(path, "halton", {"curve": ["cosine", "linear"]}, backbones=None, benchmarks=None)
    assert set(data["samplers"]) == {"cosine", "halton", "matched", "ladr"}
    assert "ablations" not in data
    write(tmp_path, json.dumps(data))
    lines = grid(load(path)).lines
    assert [x.name for x in lines if x.group == f"sweeps/{name}"] == ["curve=cosine", "curve=linear"]


def test_a_sweep_has_the_changes_that_are_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(sweep, "run", lambda name, data, cores: asked.append((name, data)) or tmp_path)
    monkeypatch.setattr("ladr.cli.sweep.drawn", lambda folder: [])
    words = ["sweep", "--tau", "structure=0,0.1", "--params", str(write(tmp_path))]
    monkeypatch.setenv("LADR_SET", "steps=4")
    assert answer(words) == 0
    assert answer([*words, "--set", "steps=6"]) == 0
    monkeypatch.delenv("LADR_SET")
    assert answer(words) == 0
    assert [data["steps"] for _, data in asked] == [4, 6, 8]
    assert len({name for name, _ in asked}) == 3


MAPS = {"phases.structure.alpha": [0.1, 0.5], "phases.structure.tau": [0.0, 0.1]}


def test_a_sweep_asks_no_other_benchmark(tmp_path):
    _, data = experiment(ROOT / "params.yaml", "ladr", MAPS, backbones=["mixture"], benchmarks=["mini-dpg"])
    cells = tiny(tmp_path, json.dumps(data))[1].cells.values()
    assert {cell.benchmark.name for cell in cells} == {"mini-dpg"}


@pytest.mark.parametrize(
    ("values", "figures"),
    [(MAPS, 1), ({"steps": [2, 4, 8]}, 1), ({"rank": ["gap", "random"]}, 1), (MAPS | {"steps": [2, 4]}, 2)],
)
def test_a_sweep_is_drawn_the_same_every_time(tmp_path, values, figures):
    name, data = experiment(write(tmp_path), "ladr", values, backbones=None, benchmarks=None)
    params, made = tiny(tmp_path, json.dumps(data))
    results, place = tmp_path / "results", tmp_path / "results" / "sweeps" / name
    run(made.cells.values(), results=results, say=quiet)
    score(made.cells.values(), results=results, say=quiet)
    write_table(made, params.baseline, place, results)
    write_grid(made, place / "grid.json")
    paths = drawn(place)
    assert len([p for p in paths if p.suffix == ".svg"]) == figures
    first = {p: p.read_bytes() for p in paths}
    assert {p: p.read_bytes() for p in drawn(place)} == first
    text = paths[-1].read_text(encoding="utf-8")
    assert all(field.rpartition(".")[2] in text for field in values)


def test_a_search_goes_on_where_it_stopped_and_writes_rows_to_paste(tmp_path):
    path, results = write(tmp_path), tmp_path / "results"
    vary = ["phases.structure.alpha=0:1:0.25", "phases.refinement.alpha=0.2:1:0.2"]
    what = prepared(path, "ladr", "field", "field-exact", 2, vary)
    seen = []
    search(what, 3, results=results, say=seen.append)
    import optuna

    study = optuna.load_study(study_name=what.name, storage=f"sqlite:///{results}/search/{what.name}.db")
    standing = study.trials[0].params
    assert standing == {"phases.structure.alpha": 0.25, "phases.refinement.alpha": 1.0}
    study.ask()  # a trial that a kill leaves running
    best = search(what, 5, results=results, say=seen.append)
    trials = [t for t in study.get_trials() if t.state == optuna.trial.TrialState.COMPLETE]
    assert len(trials) == 5
    assert not [t for t in study.get_trials() if t.state == optuna.trial.TrialState.RUNNING]
    for row in best:
        beaten = [t for t in trials if t.values[0] >= row["score"] and t.values[1] <= row["passes"]]
        assert all(t.values == [row["score"], row["passes"]] for t in beaten)
    rows = yaml.safe_load((results / "search" / f"{what.name}.yaml").read_text())
    pasted = tmp_path / "pasted"
    pasted.mkdir()
    text = yaml.safe_load(TEXT)
    text["samplers"] |= rows
    text["backbones"]["field"]["benchmarks"] = {"field-exact": 2}
    _, made = tiny(pasted, json.dumps(text))
    assert {row["cell"] for row in best} <= set(made.cells)


def test_the_database_of_a_search_is_named_where_it_is_damaged(tmp_path, capsys, monkeypatch):
    import optuna

    monkeypatch.chdir(tmp_path)
    what = prepared(write(tmp_path), "ladr", "field", "field-exact", 2)
    path = tmp_path / "results" / "search" / f"{what.name}.db"
    path.parent.mkdir(parents=True)
    optuna.create_study(study_name=what.name, storage=f"sqlite:///{path}")
    os.truncate(path, 5000)
    words = ["search", "--backbone", "field", "--benchmark", "field-exact", "--size", "2", "--trials", "1"]
    assert answer(words) == 1
    said = capsys.readouterr().err
    assert f"ladr: results/search/{what.name}.db: the database of this search cannot be used (" in said
    assert "https" not in said
    assert "mlflow" not in said
    assert path.stat().st_size == 5000


def test_a_search_of_what_does_not_exist(tmp_path):
    with pytest.raises(LadrError, match="did you mean 'ladr'"):
        prepared(write(tmp_path), "ladrr", "field", "field-exact", 2)
    with pytest.raises(LadrError, match="FIELD=LOW:HIGH:STEP"):
        prepared(write(tmp_path), "ladr", "field", "field-exact", 2, ["noise=1"])
    with pytest.raises(LadrError, match=r"half 'evne' is not known .did you mean 'even'"):
        prepared(write(tmp_path), "ladr", "field", "field-exact", 2, half="evne")
    with pytest.raises(LadrError, match="'cosine' has no ranges of its own"):
        prepared(write(tmp_path), "cosine", "field", "field-exact", 2)


RANGES = {
    "noise=0:1:0.25": Even(0.0, 1.0, 0.25),
    "tau=0.4:0.6:0.2": Even(0.4, 0.6, 0.2),
    "power=1:3:1": Even(1, 3, 1),
    "budget=0.003:0.3:log": Logarithmic(0.003, 0.3),
    "rank=sampled,gap": Choice(("sampled", "gap")),
    "tau=0.1,null": Choice((0.1, None)),
}


@pytest.mark.parametrize("text", RANGES)
def test_a_text_says_a_range(text):
    assert range_of(text) == (text.partition("=")[0], RANGES[text])


@pytest.mark.parametrize("text", ["noise", "=1,2", "noise=1:0:0.1", "noise=0:1:0", "budget=0:1:log", "x=1:2"])
def test_what_is_no_range(text):
    with pytest.raises(LadrError, match="FIELD=LOW:HIGH:STEP"):
        range_of(text)


@pytest.mark.parametrize("half", ["odd", "even"])
def test_a_search_on_a_half_without_prompts_is_refused(tmp_path, half):
    with pytest.raises(LadrError, match=r"^half 'odd': has no prompt; at least two prompts per column"):
        prepared(write(tmp_path), "ladr", "field", "field-exact", 1, ["noise=0:1:1"], half)


def test_a_search_on_half_of_the_prompts_judges_its_best_on_the_other_half(tmp_path):
    path, results = write(tmp_path), tmp_path / "results"
    text = yaml.safe_load(path.read_text())
    text["samplers"]["doubt"] = {"policy": "doubt", "steps": 6}
    path.write_text(yaml.safe_dump(text))
    vary = ["budget=0.01:0.5:log", "rank=sampled,entropy,random", "power=1:2:1", "steps=4:8:2"]
    what = prepared(path, "doubt", "field", "field-exact", 4, vary, "even")
    best = search(what, 4, results=results, say=quiet)
    halves = [what.cell(best[0]["point"])[0], what.other.cell(best[0]["point"])[0]]
    whole = prepared(path, "doubt", "field", "field-exact", 4, vary).cell(best[0]["point"])[0]
    assert [cell.id for cell in halves] == [best[0]["cell"], best[0]["other"]["cell"]]
    assert whole.id not in (cell.id for cell in halves)
    ids = [[prompt.id for prompt in cell.prompts] for cell in (whole, *halves)]
    assert sorted(ids[1] + ids[2]) == sorted(ids[0])
    assert all(int(name[-3:]) % 2 == 0 for name in ids[1])
    assert all(len(read_tokens(results / "cells" / cell.id)["tokens"]) == 6 for cell in halves)
    assert len([*(results / "cells").iterdir()]) <= 4 + len(best)
    assert type(best[0]["point"]["power"]) is int
    rows = (results / "search" / f"{what.name}.yaml").read_text()
    assert "even prompts: score" in rows
    assert "odd prompts: score" in rows
    assert search(what, 4, results=results, say=quiet) == best


def test_jobs_of_a_sweep_find_ladr_in_an_environment_that_is_not_activated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("LADR_SET", "steps=8")  # which Snakemake would refuse
    shell = "(ladr --version; echo set: $(printenv LADR_SET || true).) > {output}"
    rule = f'rule table:\n    output: config["out"] + "/table.json"\n    shell: "{shell}"\n'
    (tmp_path / "Snakefile").write_text(rule)
    name, data = experiment(
        write(tmp_path), "ladr", {"phases.structure.alpha": [0.1]}, backbones=None, benchmarks=None
    )
    place = sweep.run(name, data, cores="1")
    said = (place / "table.json").read_text()
    assert said.startswith("ladr")
    assert said.endswith("set: .\n")


TIDY = """
import os, signal, sys, time

def tidy(*_):
    time.sleep(1)
    open("tidy", "w").close()
    sys.exit(1)

signal.signal(signal.SIGINT, tidy)
os.kill(os.getppid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGINT)
"""


def test_ctrl_c_lets_snakemake_end_its_jobs_before_the_sweep_ends(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is deaf to it
    try:
        with pytest.raises(KeyboardInterrupt):
            sweep._ended([sys.executable, "-c", TIDY])
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "tidy").exists()


def test_a_sweep_whose_snakemake_fails_has_failed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    monkeypatch.setattr(sweep, "_ended", lambda command: 1)
    name, data = experiment(write(tmp_path), "ladr", MAPS, backbones=None, benchmarks=None)
    with pytest.raises(FailedError, match="Snakemake ended with 1; what is finished is kept"):
        sweep.run(name, data)
