"""A sampler and a backbone from outside the package, named in params.yaml: decoded, scored, tabled."""

import importlib
import json
import sys

import pytest
import torch
from tests.tiny import cell_of, measured, tiny, write

from ladr import backbones, build, decode
from ladr.base.errors import LadrError
from ladr.experiment.cells.decoded import read_trace
from ladr.experiment.params import load
from ladr.experiment.params.schema import schema

MODULE = '''
from dataclasses import dataclass

import torch

from ladr.backbones import Kind
from ladr.backbones.exact.field import Field


def surest(view):
    """All masked cells of each image that are as sure as its surest."""
    best = (view.top1 * view.masked).flatten(1).amax(1)[:, None, None]
    return view.masked & (view.top1 >= best)


@dataclass(frozen=True)
class Rows:
    """The topmost rows that still have a masked cell."""

    rows: int = 1
    version = 3

    def __call__(self, view):
        left = view.masked.any(2)
        return view.masked & (left.cumsum(1) <= self.rows)[:, :, None]


class Potts(Field):
    pass


POTTS = Kind("potts", "PACKAGE:Potts", version=2, reads="field")


class Dots:
    """Every code is as likely as any other; a picture shows one grey per code."""

    def __init__(self, codes=4):
        self.codes, self.grid = codes, (16, 16)

    def bind(self, prompts):
        return self

    def logits(self, tokens, rows, *, t=None, recompute=None):
        return torch.zeros(*tokens.shape, self.codes)

    def render(self, tokens):
        grey = (tokens * (255 // self.codes)).to(torch.uint8)
        return grey.repeat_interleave(4, 1).repeat_interleave(4, 2)[..., None].expand(-1, -1, -1, 3).numpy()
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of a module that lies in a folder of its own on the path of imports."""
    name = f"outside_{tmp_path.name.replace('-', '_')}"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f"{name}.py").write_text(MODULE.replace("PACKAGE", name), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.invalidate_caches()
    yield name
    sys.modules.pop(name, None)


def experiment(package, **samplers):
    return {
        "use": ["mine"],
        "part": 4,
        "tracking": False,
        "steps": 6,
        "backbones": {
            "mine": {
                "kind": f"{package}:POTTS",
                "settings": {"grid": [4, 4], "codes": 3},
                "benchmarks": {"field-exact": 2},
            }
        },
        "samplers": {"cosine": {"policy": "cosine"}, **samplers},
    }


def test_a_function_a_dataclass_and_a_backbone_run_a_grid(package, tmp_path):
    asked = experiment(
        package, surest={"policy": f"{package}:surest"}, rows={"policy": f"{package}:Rows", "rows": 2}
    )
    results = measured(tmp_path, asked)
    _, grid = tiny(tmp_path, json.dumps(asked))
    cells = {name: cell_of(grid, name) for name in ("cosine", "surest", "rows")}
    assert {cell.spec["backbone"]["version"] for cell in cells.values()} == {2}
    assert cells["surest"].spec["sampler"]["policy"]["version"].startswith("source-")
    rows = cells["rows"].spec["sampler"]["policy"]
    assert rows == {"policy": f"{package}:Rows", "version": 3, "rows": 2}
    assert cells["rows"].id.startswith("POTTS-field-exact-Rows6-")
    trace = read_trace(results / "cells" / cells["rows"].id)
    assert set(trace["scheduled"]) == {8}, "two rows of four cells in each of two passes"
    table = (results / "scores.csv").read_text()
    assert all(cell.id in table for cell in cells.values())


def test_a_backbone_without_a_row_reads_text_and_is_identified_by_its_source(package, tmp_path):
    asked = experiment(package)
    asked["backbones"]["mine"] = {"kind": f"{package}:Dots", "benchmarks": {"mini-t2i": 1}}
    results = measured(tmp_path, asked)
    _, grid = tiny(tmp_path, json.dumps(asked))
    cell = cell_of(grid, "cosine")
    assert cell.spec["backbone"]["version"].startswith("source-")
    assert cell.id in (results / "scores.csv").read_text()
    asked["backbones"]["mine"]["benchmarks"] = {"field-exact": 1}
    with pytest.raises(
        LadrError, match=r"field-exact = 1: is for backbones that read field; .*:Dots reads text"
    ):
        tiny(tmp_path, json.dumps(asked))


def test_a_changed_source_makes_new_cells_and_a_declared_version_does_not(package, tmp_path):
    asked = experiment(
        package, surest={"policy": f"{package}:surest"}, rows={"policy": f"{package}:Rows", "rows": 2}
    )
    before = tiny(tmp_path, json.dumps(asked))[1]
    path = tmp_path / "site" / f"{package}.py"
    path.write_text(path.read_text() + "\n# changed\n", encoding="utf-8")
    after = tiny(tmp_path, json.dumps(asked))[1]
    assert cell_of(before, "surest").id != cell_of(after, "surest").id
    assert cell_of(before, "rows").id == cell_of(after, "rows").id


def test_a_policy_from_outside_is_built_from_its_spec(package):
    policy = build({"policy": f"{package}:Rows", "rows": 3})
    assert build(policy.spec) == policy
    assert build(policy.rule).spec == policy.spec
    module = importlib.import_module(package)
    assert build(module.surest) == build(f"{package}:surest")
    both = build({"policy": "then", "first": "cosine", "second": f"{package}:surest"})
    assert build(both.spec) == both
    with pytest.raises(LadrError, match="version 2 was asked for, this is version 3"):
        build({"policy": f"{package}:Rows", "version": 2})


def test_a_policy_derived_from_ours_does_not_inherit_its_version(package, tmp_path):
    path = tmp_path / "site" / f"{package}.py"
    more = "\nfrom ladr.decoding.policies import Scheduled\nclass Mine(Scheduled):\n    pass\n"
    path.write_text(path.read_text() + more, encoding="utf-8")
    policy = build({"policy": f"{package}:Mine", "schedule": "replay:other"})
    assert policy.version.startswith("source-")
    assert policy.replays == "other"
    assert policy.with_counts([[1]]).rule.counts == ((1,),)


def test_a_plain_function_decodes(package):
    surest = importlib.import_module(package).surest
    field = backbones.load("field")
    one, two = (decode(field, ["a"], policy, seeds=[3]) for policy in (surest, f"{package}:surest"))
    assert torch.equal(one.tokens, two.tokens)
    assert one.trace.committed() == two.trace.committed()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"policy": "no_such_package.rules:best"}, "no_such_package.rules cannot be imported"),
        ({"policy": "PACKAGE:surst"}, "has no 'surst' .did you mean 'surest'"),
        ({"policy": "PACKAGE:surest", "rows": 1}, "no such field of policy .*:surest'"),
        ({"policy": "PACKAGE:Rows", "row": 1}, "no such field of policy .* .did you mean 'rows'"),
        ({"policy": "PACKAGE:Dots"}, "the class Dots is not allowed; a function of a view, or a dataclass"),
        ({"policy": "PACKAGE:POTTS"}, "a Kind is not allowed"),
        ({"policy": "surest"}, "'surest' is not known"),
    ],
)
def test_what_is_wrong_with_a_sampler_is_one_line_at_its_place(package, tmp_path, row, message):
    row = {key: value.replace("PACKAGE", package) if key == "policy" else value for key, value in row.items()}
    with pytest.raises(LadrError, match=message) as raised:
        load(write(tmp_path, json.dumps(experiment(package, mine=row), indent=1)))
    (line,) = str(raised.value).splitlines()
    assert "samplers.mine." in line


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("no_such_package:Model", "no_such_package cannot be imported .*; install its package, or add"),
        ("PACKAGE:Dot", "has no 'Dot' .did you mean 'Dots'"),
        ("mixtur", "'mixtur' is not known .did you mean 'mixture'.*or package.module:factory"),
    ],
)
def test_what_is_wrong_with_a_backbone_is_one_line(package, tmp_path, kind, message):
    asked = experiment(package)
    asked["backbones"]["mine"]["kind"] = kind.replace("PACKAGE", package)
    with pytest.raises(LadrError, match=message):
        load(write(tmp_path, json.dumps(asked)))


def test_a_module_that_fails_says_so(package, tmp_path):
    (tmp_path / "site" / f"{package}.py").write_text("1 / 0", encoding="utf-8")
    with pytest.raises(LadrError, match=r"fails when it is imported .ZeroDivisionError"):
        build(f"{package}:surest")


def test_the_schema_lets_a_sampler_from_outside_have_fields_and_no_other():
    from jsonschema import Draft202012Validator

    sampler = schema()["$defs"]["Sampler"]
    check = Draft202012Validator({**sampler, "$defs": schema()["$defs"]}).is_valid
    assert check({"policy": "ladr", "kernel": 3})
    assert check({"policy": "mine.rules:Rows", "rows": 2})
    assert not check({"policy": "ladr", "rows": 2})
    assert not check({"policy": "ladder"})


def test_a_config_cannot_name_code():
    with pytest.raises(LadrError, match="names code from outside this package"):
        build({"policy": "then", "first": "cosine", "second": "mine.rules:best"}, outside=False)
