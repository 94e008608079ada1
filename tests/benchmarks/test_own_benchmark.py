"""A benchmark from outside the package, named in params.yaml: planned, decoded, scored, tabled."""

import importlib
import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from tests.tiny import cell_of, measured, tiny, write

from ladr.base.errors import LadrError
from ladr.base.files import read_json
from ladr.benchmarks import BENCHMARKS, benchmark
from ladr.experiment.cells.record import SCORE
from ladr.experiment.cells.rows import read_scores, scored
from ladr.experiment.params import load
from ladr.experiment.plan.plan import Plan

ROOT = Path(__file__).parents[2]
MODULE = '''
from dataclasses import dataclass

from ladr.benchmarks import Benchmark
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row


@dataclass(frozen=True, kw_only=True)
class Variety(Benchmark):
    """How many different codes a grid has, as a share of all codes."""

    def prompts(self, size="default", folder=None):
        count = size if isinstance(size, int) else 4
        return tuple(Prompt(f"p{k}", f"coupling=0.8 seed={k}") for k in range(count))

    def rows(self, submission):
        codes = submission.backbone().codes
        return tuple(
            Row(prompt, number, "Variety", "codes", len(grid.unique()) / codes)
            for (prompt, number), grid in zip(submission.keys, submission.tokens, strict=True)
        )


SUITE = Variety(name="variety", version=1, columns=("Variety",), reads=("field",))
TEXTS = Variety(name="variety", version=1, columns=("Variety",))
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of a module that lies in a folder of its own on the path of imports."""
    name = f"variety_{tmp_path.name.replace('-', '_')}"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f"{name}.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()
    yield name
    sys.modules.pop(name, None)


def experiment(name):
    return {
        "use": ["field"],
        "tracking": False,
        "steps": 6,
        "images": 2,
        "backbones": {"field": {"settings": {"grid": [4, 4], "codes": 3}, "benchmarks": {name: 3}}},
        "samplers": {"cosine": {"policy": "cosine"}, "ladr": {"policy": "ladr"}},
        "ablations": {"fig": {"benchmarks": [name], "rows": {"halton": {"policy": "halton"}}}},
        "latency": {"benchmark": name, "prompts": 1},
    }


def test_it_runs_a_grid_from_params_to_the_table(package, tmp_path):
    name = f"{package}:SUITE"
    asked = experiment(name)
    results = measured(tmp_path, asked)
    _, grid = tiny(tmp_path, json.dumps(asked))
    cell = cell_of(grid, "ladr")
    assert cell.spec["benchmark"]["name"] == name
    assert cell.id.startswith("field-SUITE-ladr6-")
    folder = results / "cells" / cell.id
    assert scored(folder, cell)
    head, rows = read_scores(folder)
    assert (head["benchmark"], head["version"], head["images_per_prompt"]) == (name, 1, 2)
    assert len(rows) == 6
    lines = pd.read_csv(results / "scores.csv")
    assert set(lines.benchmark) == {name}
    assert set(lines.name) == {"cosine", "ladr", "halton"}
    value = lines[(lines.name == "ladr") & (lines.column == "Variety")].value.item()
    assert value == pytest.approx(100 * sum(row.value for row in rows) / 6)
    assert read_json(folder / SCORE)["lines"][0]["column"] == "Variety"


def test_its_jobs_and_files_have_names_that_snakemake_takes(package, tmp_path, monkeypatch):
    for key, text in (("LADR_PARAMS", "params.yaml"), ("LADR_SET", ""), ("OMP_NUM_THREADS", "1")):
        monkeypatch.setenv(key, text)  # a plan sets them
    monkeypatch.chdir(tmp_path)
    write(tmp_path, json.dumps(experiment(f"{package}:SUITE")))
    plan = Plan.read({}, ["-n"])
    names = [batch.name for batch in (*plan.decoding, *plan.scoring)]
    assert names == ["field_SUITE_0", "field_SUITE_0"]
    assert not plan.judging
    assert all(":" not in path for path in plan.all)


def test_its_address_is_its_name_and_ours_keep_theirs(package):
    assert benchmark(f"{package}:SUITE").name == f"{package}:SUITE"
    assert all(benchmark(name).name == name for name in BENCHMARKS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_package:SUITE", "no_such_package cannot be imported"),
        ("PACKAGE:SUITES", "has no 'SUITES' .did you mean 'SUITE'"),
        ("PACKAGE:Variety", "Variety is not allowed; an instance of Benchmark is"),
        ("PACKAGE:Row.kind", "a str is not allowed; an instance of Benchmark is"),
        ("field-exactly", "'field-exactly' is not known .did you mean 'field-exact'.*or package.module:NAME"),
    ],
)
def test_what_is_wrong_with_its_name_is_said_at_its_place(package, tmp_path, name, message):
    path = write(tmp_path, json.dumps(experiment(name.replace("PACKAGE", package)), indent=1))
    with pytest.raises(LadrError, match=message) as raised:
        load(path)
    assert "backbones.field.benchmarks." in str(raised.value)
    assert "latency.benchmark" in str(raised.value)


def test_a_backbone_that_cannot_read_its_prompts_is_refused(package, tmp_path):
    with pytest.raises(LadrError, match="is for backbones that read text; field reads field"):
        tiny(tmp_path, json.dumps(experiment(f"{package}:TEXTS")))


def test_contributing_says_what_must_be_touched():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for word in ("class Variety(Benchmark)", "prompts", "rows", "mypackage.module:SUITE", "`BENCHMARKS`"):
        assert word in text, word
