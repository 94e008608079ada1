"""Everything in params.yaml is checked before anything runs, and refused with one line."""

import json
import re

import pytest

from ladr.base.errors import LadrError
from ladr.cli.main import answer
from ladr.experiment.params import load
from ladr.experiment.plan.plan import Plan
from tiny import TEXT, write
from trust.refusals import refused

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LADR_SET", raising=False)
    return write(tmp_path)


CHANGES = [
    # numbers that nobody can mean
    ("backbones.field.threads=10000000000000000000000", "threads = 1000", "less than or equal to 1024"),
    ("images=100000000000", "images = 100000000000", "less than or equal to"),
    ("backbones.field.benchmarks.field-exact=100000000", "field-exact = 100000000", "at most 10000 prompts"),
    ("backbones.field.batch_size=1000000000", "batch_size", "less than or equal to"),
    ("backbones.field.batch_size=true", "batch_size = True", "a valid integer"),
    ("backbones.field.mem_mb=0", "mem_mb = 0", "greater than or equal to 1"),
    ("backbones.field.gpus=-1", "gpus = -1", "greater than or equal to 0"),
    ("cells_per_job=8", "cells_per_job", "`job_minutes`"),
    ("part=100000000000", "part", "less than or equal to"),
    ("seed=99999999999999999999", "seed", "less than or equal to"),
    ("seed=-1", "seed = -1", "greater than or equal to 0"),
    ("steps=" + "9" * 5000, "--set steps", "Exceeds the limit"),
    ("temperature=.nan", "temperature = nan", "finite number"),
    ("temperature=true", "temperature = True", "a valid number"),
    ("temperature='1'", "temperature = '1'", "a valid number"),
    # settings of backbones
    ("backbones.field.settings.codes=three", "settings.codes = 'three'", "a whole number from 2 to 16384"),
    ("backbones.field.settings.codes=true", "settings.codes = True", "a whole number"),
    ("backbones.field.settings.codes=1", "settings.codes = 1", "a whole number from 2"),
    ("backbones.field.settings.grid=[5]", "settings.grid", "two whole numbers from 1 to 64"),
    ("backbones.field.settings.grid=[5, x]", "settings.grid", "two whole numbers"),
    ("backbones.field.settings.grid=[60, 60]", "settings.grid", "3^60 states, at most 131072"),
    ("backbones.field.settings.coupling=.nan", "coupling = nan", "a number from -100 to 100"),
    ("backbones.field.settings.coupling=.inf", "coupling = inf", "a number from -100 to 100"),
    ("backbones.field.settings.couplin=1", "couplin = 1", "did you mean 'coupling'"),
    ("backbones.m={kind: mixture, settings: {scenes: 0}, benchmarks: {}}", "scenes = 0", "from 1 to"),
    ("backbones.m={kind: mixture, settings: {epsilon: 1}, benchmarks: {}}", "epsilon = 1", "between 0 and 1"),
    ("backbones.m={kind: mixture, settings: {pixels: x}, benchmarks: {}}", "pixels = 'x'", "mosaic or vq"),
    ("backbones.m={kind: shapes, settings: {dtype: float8}, benchmarks: {}}", "dtype = 'float8'", "bfloat16"),
    ("backbones.m={kind: shapes, settings: {size: [3]}, benchmarks: {}}", "settings.size", "two whole"),
    ("backbones.m={kind: shapes, settings: {guidance: -1}, benchmarks: {}}", "guidance = -1", "from 0"),
    ("backbones.m={kind: amused, settings: {guidance: 0}, benchmarks: {}}", "guidance = 0", "from 1"),
    ("backbones.m={kind: [x], benchmarks: {}}", "backbones.m.kind", "a valid string"),
    # benchmarks
    ("backbones.field.benchmarks.field-exact=-3", "field-exact = -3", "greater than or equal to 1"),
    ("backbones.field.benchmarks.field-exact=huge", "field-exact = 'huge'", "(known: default, full, smoke)"),
    ("backbones.field.benchmarks.mini-geneval=8", "mini-geneval = 8", "field reads field"),
    ("backbones.field.benchmarks={}", "no row runs on field", "check `use`"),
    ("samplers.cosine.backbones=[shape]", "cosine.backbones.0 = 'shape'", "(known: field)"),
    # names used twice
    ("use=[field, field]", "use.1 = 'field'", "stands here twice"),
    ("sweeps.alpha.benchmarks=[field-exact, field-exact]", "benchmarks.1", "stands here twice"),
    ("sweeps.alpha.grid={steps: [4, 4]}", "grid.steps.1 = 4", "stands here twice"),
    # points of sweeps are whole rows
    ("sweeps.alpha.grid={steps: [0]}", "grid.steps.0 = 0", "greater than or equal to 1"),
    ("sweeps.alpha.grid={steps: [true]}", "grid.steps.0 = True", "a valid integer"),
    ("sweeps.alpha.grid={match: [nobody]}", "grid.match.0 = 'nobody'", "sampler 'nobody' is not known"),
    ("sweeps.alpha.grid={steps: [4], match: [ladr]}", "sweeps.alpha.grid", "leave one out"),
    ("sweeps.alpha.grid={cache.name: [mll]}", "cache.name.0 = 'mll'", "cache 'mll' is not known"),
    ("sweeps.alpha.grid={cache: [{name: ml, ratio: 3}]}", "grid.cache.0", "from 0 to 1"),
    ("sweeps.alpha.grid={budget: ['replay:nobody']}", "budget.0 = 'replay:nobody'", "is not known"),
    ("sweeps.alpha.grid={budget: [-1]}", "budget.0 = -1", "not allowed"),
    ("sweeps.alpha.grid={temperature: [-1]}", "temperature.0 = -1", "greater than or equal to 0"),
    ("sweeps.alpha.grid={backbones: [[x]]}", "grid.backbones", "no field to vary"),
    ("sweeps.alpha.grid={steps: []}", "grid.steps", "at least one value"),
    ("sweeps.alpha.grid={steps: 4}", "grid.steps", "valid list"),
    ("sweeps.alpha.grid={a..b: [4]}", "grid.a..b", "no field to vary"),
    # policies and caches
    ("samplers.t={policy: then}", "samplers.t", "first is missing"),
    ("samplers.t={policy: then, first: ladr, second: 3}", "samplers.t.second = 3", "a policy's name"),
    ("samplers.t={policy: then, first: {policy: [ladr]}, second: ladr}", "t.first", "a policy's name"),
    ("samplers.t={policy: union, first: ladr, second: ladrr}", "second.policy", "did you mean 'ladr'"),
    ("samplers.t={policy: [ladr]}", "samplers.t.policy", "a valid string"),
    ("samplers.t={policy: ladr, noise: true}", "samplers.t.noise = True", "a number"),
    ("samplers.t={policy: ladr, noise: .nan}", "samplers.t.noise = nan", "a number"),
    ("samplers.t={policy: cosine, cache: {name: [ml]}}", "samplers.t.cache.name", "is not known"),
    ("samplers.t={policy: cosine, cache: {name: ml, ratio: x}}", "cache.ratio = 'x'", "a number"),
    ("samplers.t={policy: cosine, cache: {name: ml, ratio: true}}", "cache.ratio = True", "a number"),
    ("samplers.t={policy: cosine, cache: {name: ml, literal: 3}}", "cache.literal = 3", "true or false"),
    # YAML of a value, and keys
    ("use=[field", "--set use", "not valid YAML"),
    ("use=" + "[" * 100, "--set use", "nested more than 32 levels deep"),
    ("use=!!python/object:os.system [x]", "--set use", "the tag"),
    ("samplers.cosine.label=2020-01-01", "--set samplers.cosine.label", "put the value in quotes"),
    ("samplers.cosine.label={1: x}", "--set samplers.cosine.label", "the key 1 is no text"),
    (r'samplers.cosine.label="\x1b[31m"', "samplers.cosine.label", r"the control character \x1b"),
    (r'samplers.cosine.label="\ud800"', "samplers.cosine.label", r"the control character \ud800"),
    ("samplers.cosine.label=" + "x" * 2000, "samplers.cosine.label", "at most 1000"),
    ("figures=['os:getcwd']", "figures: 'os:getcwd'", "a function in a file of Python is wanted"),
    ("figures=['os:sep']", "figures: 'os:sep'", "a function in a file of Python is wanted"),
    ("figures=['nobody.has:it']", "figures: 'nobody.has:it'", "cannot be imported"),
    ("steps", "--set 'steps'", "KEY=VALUE"),
    ("=3", "--set '=3'", "KEY=VALUE"),
    ("a\nb=3", r"--set 'a\nb=3'", "KEY=VALUE"),
    ("steps='a\nb'", "--set steps='a b'", "a valid integer"),
    (f"samplers.{'a' * 81}={{policy: ladr}}", "samplers.aaa", "80 at most"),
    ("samplers..steps=3", "--set 'samplers..steps=3'", "KEY=VALUE"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "names", "says"), [c for c in CHANGES if c[1]], ids=lambda x: str(x)[:40])
def test_a_wrong_value_is_one_line_with_its_place(here, capsys, change, names, says):
    line = refused(["params", "--set", change], capsys)
    assert names in line
    assert says in line


def test_a_change_is_blamed_and_not_the_line_that_it_replaces(here, capsys, monkeypatch):
    assert refused(["params", "--set", "steps=0"], capsys).startswith(
        "ladr: params.yaml, --set steps=0: steps = 0: "
    )
    line = refused(["params", "--set", "samplers.cosine={policy: no}"], capsys)
    assert line.startswith(
        "ladr: params.yaml, --set samplers.cosine={policy: no}: samplers.cosine.policy = 'no'"
    )
    line = refused(["params", "--set", "steps=8", "--set", "part=0", "--set", "part=-1"], capsys)
    assert line.startswith("ladr: params.yaml, --set part=-1: part = -1: ")
    line = refused(["params", "--set", "steps=8", "--set", "steps.x=2"], capsys)
    assert line.startswith("ladr: params.yaml, --set steps.x=2: steps")
    monkeypatch.setenv("LADR_SET", "steps=8 samplers.ladr.noise=x")
    line = refused(["params"], capsys)
    assert line.startswith("ladr: params.yaml, LADR_SET samplers.ladr.noise=x: samplers.ladr.noise = 'x'")
    monkeypatch.delenv("LADR_SET")
    with pytest.raises(LadrError, match=r"^params\.yaml, --config set= steps=0: steps = 0: "):
        Plan.read({"set": "steps=0"}, ["-n"])


def test_a_change_inside_a_mistake_stands_beside_its_line(here, capsys):
    """What is missing beside a change, and a mistake of the file that no change touches."""
    line = refused(["params", "--set", "samplers.t.policy=then", "--set", "samplers.t.first=ladr"], capsys)
    assert re.search(
        r"params\.yaml:\d+ with --set samplers\.t\.first=ladr: samplers\.t: .*second is missing", line
    )
    here.write_text(TEXT.replace("steps: 8", "steps: 0"))
    assert refused(["params", "--set", "part=2"], capsys).startswith("ladr: params.yaml:4: steps = 0: ")


def test_names_that_differ_in_dashes_alone_are_refused(here, capsys):
    more = ["--set", "sweeps.a-b={base: ladr, benchmarks: [field-exact], grid: {steps: [4]}}"]
    more += ["--set", "sweeps.a_b={base: ladr, benchmarks: [field-exact], grid: {steps: [5]}}"]
    assert "sweeps.a_b: differs from 'a-b' in - and _ alone" in refused(["params", *more], capsys)


FILES = [
    (LAUGHS, "repeats too much"),
    ("a: " + "[" * 100_000, "nested more than 32 levels deep"),
    ("".join(f"{' ' * i}a:\n" for i in range(100)), "nested more than 32 levels deep"),
    ("- " * 2000, "nested more than 32 levels deep"),
    ("a: x\n" * 60_000, "at most 262144"),
    (TEXT + TEXT, "duplicate key"),
    (TEXT.replace("  halton:", "  cosine: {policy: cosine}\n  halton:"), "duplicate key"),
    ("use: !!python/object/apply:os.system ['true']\n", "the tag"),
    ("use: *nothing\n", "undefined alias"),
    ("use: [field]\n---\nuse: [field]\n", "not valid YAML"),
    ("use: \x1b[31m\n", "not valid YAML"),
    ("", "holds no mapping"),
    ("3\n", "holds no mapping"),
    ("? [a, b]\n: 3\n", "is no text"),
]


@pytest.mark.parametrize(("text", "says"), FILES, ids=[says + str(i) for i, (_, says) in enumerate(FILES)])
def test_a_file_that_is_no_experiment_is_one_line(here, capsys, text, says):
    here.write_text(text, encoding="utf-8")
    line = refused(["params"], capsys)
    assert line.startswith("ladr: params.yaml")
    assert says in line


def test_a_number_repeated_by_an_alias_keeps_its_type(here):
    here.write_text(TEXT.replace("tracking: false", "tracking: &no false\ntheory: *no"), encoding="utf-8")
    assert load(here).theory is False


def test_many_mistakes_are_counted_and_the_first_are_listed(here, capsys):
    rows = {f"x{i}": {"policy": "nothing"} for i in range(50)}
    assert answer(["params", "--set", f"samplers={json.dumps(rows)}"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 22
    assert lines[-1].startswith("and ")


def test_values_with_spaces_reach_every_job(here, monkeypatch, capsys):
    monkeypatch.setenv("LADR_SET", "steps=6 'samplers.cosine.label=A long label'")
    assert answer(["params"]) == 0
    monkeypatch.setenv("LADR_SET", "samplers.cosine.label='no end")
    assert "LADR_SET" in refused(["params"], capsys)
    monkeypatch.delenv("LADR_SET")
    monkeypatch.setenv("LADR_PARAMS", "params.yaml")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    plan = Plan.read({"set": "'samplers.cosine.label=A long label' steps=6"}, ["-n"])
    assert plan.params.samplers["cosine"].label == "A long label"
    assert answer(["params"]) == 0, "what the plan hands to its jobs is read the same way"


def test_well_formed_is_a_promise(here, capsys):
    """What `ladr params` accepts, the workflow's plan and a decode accept too."""
    assert answer(["params"]) == 0
    assert "well formed" in capsys.readouterr().out
    assert Plan.read({}, ["-n"]).all
    assert answer(["run", "samplers/cosine"]) == 0


def test_a_key_of_several_lines_is_named_in_one(here, capsys):
    text = here.read_text(encoding="utf-8")
    here.write_text(f'{text}"x\\ny = 8": 1\n', encoding="utf-8")
    assert "x y = 8 = 1: no such key" in refused(["params"], capsys)


def test_scoring_what_was_never_decoded_leaves_nothing_behind(here, capsys):
    line = refused(["score", "cosine"], capsys)
    assert "not decoded yet; run `ladr run field-field-exact-scheduled" in line
