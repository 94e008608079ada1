"""params.yaml: every mistake told at once, in the reader's words and at its line."""

import json
from pathlib import Path

import pytest

from ladr.base.errors import LadrError
from ladr.experiment.grid import grid
from ladr.experiment.params import changes_of, load
from ladr.experiment.params.schema import schema
from tiny import TEXT, write

ROOT = Path(__file__).parents[2]

WRONG = """\
use: [fieldd]
stepz: 3
images: none
backbones:
  field:
    batch_size: 0
    benchmarks: {field-exact: smok, mini-genevall: 4}
    images: {field-exacct: 2}
samplers:
  cosine: {policy: cosine, steps: 8, match: ladr}
  ladr:
    policy: ladr
    rankk: gap
    phases:
      structure: {alpah: 0.3, tau: -1}
  x: {policy: haltonn}
  y: {policy: cosine, match: ladrr}
  z: {policy: cosine, cache: {name: ml, ratio: 3}}
  Bad Name: {policy: cosine}
sweeps:
  s: {base: cosine, benchmarks: [field-exact], grid: {noise: [1, -2]}}
  u: {base: cosine, benchmarks: [field-exact], grid: {noise: [1]}, images: {feild: 2}}
"""

EXPECTED = [
    (1, "use.0 = 'fieldd'", "did you mean 'field'"),
    (2, "stepz = 3", "did you mean 'steps'"),
    (3, "images = 'none'", "integer"),
    (6, "backbones.field.batch_size = 0", "greater than or equal to 1"),
    (7, "backbones.field.benchmarks.field-exact = 'smok'", "did you mean 'smoke'"),
    (7, "backbones.field.benchmarks.mini-genevall = 4", "did you mean 'mini-geneval'"),
    (8, "backbones.field.images.field-exacct = 2", "did you mean 'field-exact'"),
    (10, "samplers.cosine.match", "leave one out"),
    (13, "samplers.ladr.rankk = 'gap'", "did you mean 'rank'"),
    (15, "samplers.ladr.phases.structure.alpah = 0.3", "did you mean 'alpha'"),
    (15, "samplers.ladr.phases.structure.tau = -1", "a number from 0"),
    (16, "samplers.x.policy = 'haltonn'", "did you mean 'halton'"),
    (17, "samplers.y.match = 'ladrr'", "did you mean 'ladr'"),
    (18, "samplers.z.cache.ratio = 3", "from 0 to 1"),
    (19, "samplers.Bad Name", "lower-case letters"),
    (21, "sweeps.s.grid.noise.1 = -2", "a number from 0"),
    (22, "sweeps.u.images.feild = 2", "did you mean 'field'"),
]


def told(folder, text):
    with pytest.raises(LadrError) as caught:
        load(write(folder, text))
    return str(caught.value)


def test_all_mistakes_at_once_with_line_key_value_and_the_nearest_spelling(tmp_path):
    lines = told(tmp_path, WRONG).splitlines()
    for line, key, words in EXPECTED:
        assert any(f"params.yaml:{line}: {key}" in x and words in x for x in lines), (line, key, lines)
    assert len(lines) == 1 + len(EXPECTED), lines


LABELLED = """\
use: [field]
backbones: {field: {benchmarks: {field-exact: 2}}, m: {kind: mixture, benchmarks: {}}}
samplers:
  cosine: {policy: cosine}
  halton: {policy: halton, label: Halton, backbones: [field]}
"""
ONE_LABEL = [
    ("  fixed: {policy: halton, label: Halton}", "samplers.fixed.label = 'Halton'", "'halton' and 'fixed'"),
    ("  fixed: {policy: halton, label: ' Halton '}", "samplers.fixed.label", "'halton' and 'fixed'"),
    ("  plain: {policy: cosine, label: cosine}", "samplers.plain.label = 'cosine'", "'cosine' and 'plain'"),
    ("  fixed: {policy: halton, label: ''}", "samplers.fixed.label = ''", "is empty"),
    ("  fixed: {policy: halton, label: ' '}", "samplers.fixed.label = ' '", "is empty"),
    ('  fixed: {policy: halton, label: "a\\nb"}', "samplers.fixed.label", "more than one line"),
    ('  fixed: {policy: halton, label: "a\\n"}', "samplers.fixed.label", "more than one line"),
    (
        "ablations: {g: {benchmarks: [field-exact], rows: {a: {policy: cosine, label: A}, "
        "b: {policy: halton, label: A}}}}",
        "ablations.g.rows.b.label = 'A'",
        "'a' and 'b'",
    ),
    (
        "curves: {g: {benchmarks: [field-exact], rows: {a: {policy: cosine, label: A, vary: steps, "
        "values: {field: [2]}}, b: {policy: halton, label: A, vary: steps, values: [2]}}}}",
        "curves.g.rows.b.label = 'A'",
        "'a' and 'b'",
    ),
    (
        "ablations: {g: {label: '', benchmarks: [field-exact], rows: {a: {policy: cosine}}}}",
        "ablations.g.label = ''",
        "is empty",
    ),
    (
        'sweeps: {g: {label: "a\\nb", base: cosine, benchmarks: [field-exact], grid: {steps: [2]}}}',
        "sweeps.g.label",
        "more than one line",
    ),
]


@pytest.mark.parametrize(("row", "key", "words"), ONE_LABEL)
def test_a_label_that_no_table_could_show_is_refused(tmp_path, row, key, words):
    line = told(tmp_path, f"{LABELLED}{row}\n")
    assert f": {key}" in line, line
    assert words in line
    assert "\n" not in line


def test_rows_of_other_backbones_or_groups_may_share_a_label(tmp_path):
    rows = "  other: {policy: halton, label: Halton, backbones: [m]}\n"
    rows += "ablations: {g: {benchmarks: [field-exact], rows: {a: {policy: cosine, label: Halton}}}}\n"
    assert load(write(tmp_path, LABELLED + rows)).samplers["other"].label == "Halton"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("use: [a]\nsamplers: }", "params.yaml:2: not valid YAML"),
        ("use: [a]\nuse: [b]\n", "params.yaml:2: found duplicate key"),
        ("- a\n", "holds no mapping"),
        ("use: [field]\n", "samplers: is missing"),
    ],
)
def test_a_file_that_is_no_experiment(tmp_path, text, words):
    assert words in told(tmp_path, text)


def test_a_missing_file_is_named():
    with pytest.raises(LadrError, match=r"nowhere\.yaml: cannot be read"):
        load("nowhere.yaml")


def test_a_row_that_refers_to_itself(tmp_path):
    text = TEXT.replace("match: ladr}", "match: matched}")
    assert "'matched' refers to itself" in told(tmp_path, text)


def test_a_combination_that_only_the_whole_shows(tmp_path):
    text = TEXT.replace("structure: {alpha: 0.3}", "structure: {until: 0.15}")
    assert "overlaps the phase before" in told(tmp_path, text)


def test_a_sweep_names_the_bad_value_once(tmp_path):
    line = told(tmp_path, TEXT.replace("[0.3, 0.6]", "[0.3, 7]"))
    assert "\n" not in line
    assert "sweeps.alpha.grid.phases.structure.alpha.1 = 7" in line


@pytest.mark.parametrize(
    ("images", "says"),
    [
        ("0", "ablations.fig.images = 0: input should be greater than or equal to 1"),
        ("none", "ablations.fig.images = 'none': input should be a valid integer"),
        ("{field: 0}", "ablations.fig.images.field = 0: input should be greater than or equal to 1"),
    ],
)
def test_a_value_of_two_forms_is_one_mistake_under_its_own_key(tmp_path, images, says):
    line = told(tmp_path, TEXT.replace("  fig:\n", f"  fig:\n    images: {images}\n"))
    assert "\n" not in line
    assert says in line


def test_a_misspelt_phase_is_named_with_the_nearest(tmp_path):
    line = told(tmp_path, TEXT.replace("structure: {alpha: 0.3}", "explore: {until: 0.9}"))
    assert "phases.explore: no phase of the paper (did you mean 'exploration'?)" in line
    assert "phases.struct: no phase of the paper (did you mean 'structure'?)" in told(
        tmp_path, TEXT.replace("phases.structure.alpha", "phases.struct.alpha")
    )
    own = "early: {until: 0.5, alpha: 0.1, tau: 0.1}\n      late: {until: 1.0, alpha: 1.0, tau: null}"
    whole = TEXT.replace("structure: {alpha: 0.3}", own).partition("sweeps:")[0]
    assert list(load(write(tmp_path, whole)).samplers["ladr"].spec["phases"]) == ["early", "late"]


def test_changes_are_set_before_checks(tmp_path):
    path = write(tmp_path)
    assert load(path, changes_of(["samplers.cosine.steps=5"])).samplers["cosine"].steps == 5
    with pytest.raises(LadrError, match=r"samplers\.cosine\.stepz"):
        load(path, changes_of(["samplers.cosine.stepz=5"]))


@pytest.mark.parametrize(
    ("size", "told"),
    [("smok:odd", "did you mean 'smoke:odd'"), ("100:od", "is not known"), ("0:odd", "at least one prompt"),
     ("10001:even", "at most 10000"), ("odd", "is not known")],
)  # fmt: skip
def test_a_benchmark_may_be_asked_half_of_its_prompts(tmp_path, size, told):
    path = tmp_path / "params.yaml"
    text = (
        "use: [mixture]\nbackbones: {mixture: {benchmarks: {mini-geneval: %s}}}\n"
        "samplers: {cosine: {policy: cosine}}\n"
    )
    path.write_text(text % size)
    with pytest.raises(LadrError, match=rf"mini-geneval = '{size}': .*{told}"):
        load(path)
    ids = {}
    for good in ("4", "4:even", "4:odd"):
        path.write_text(text % good)
        (cell,) = grid(load(path)).cells.values()
        ids[good] = [prompt.id for prompt in cell.prompts]
    assert sorted(ids["4"]) == sorted(ids["4:even"] + ids["4:odd"])
    assert {int(id[-1]) % 2 for id in ids["4:odd"]} == {1}


def test_the_files_of_the_repository_are_well_formed():
    for name in (
        "params.yaml",
        "smoke.yaml",
        "paper.yaml",
        "other-settings.yaml",
        "rivals.yaml",
        "unseen.yaml",
        "tuned.yaml",
        "tuned-shapes.yaml",
        "more-rivals.yaml",
        "other-seed.yaml",
        "caches.yaml",
        "careful.yaml",
        "few-passes.yaml",
        "pictures.yaml",
    ):
        load(ROOT / name)


def test_the_schema_in_docs_is_the_one_that_the_code_makes():
    there = json.loads((ROOT / "docs/params.schema.json").read_text(encoding="utf-8"))
    assert there == json.loads(json.dumps(schema())), "ladr params --schema > docs/params.schema.json"


def test_the_schema_refuses_what_a_sampler_does_not_have():
    sampler = schema()["$defs"]["Sampler"]
    allowed = sampler["else"]["propertyNames"]["enum"]
    assert {"policy", "steps", "phases", "scale"} <= set(allowed) == sampler["properties"].keys()
