"""Official benchmarks as cells: decoded, rendered, laid out, scored or honestly not, imported, tabled.

A random model in Lumina-DiMOO's layout, invented prompts in files of the official forms and sizes.
"""

import json
import shutil

import pandas as pd
import pytest

import official_files as made
from ladr.base.errors import LadrError
from ladr.base.files import read_json
from ladr.benchmarks.official import fetch, scorers
from ladr.benchmarks.official.part import PartInput
from ladr.benchmarks.official.registry import OFFICIAL
from ladr.experiment.cells import table
from ladr.experiment.cells.official import layout_of
from ladr.experiment.cells.record import SCORE
from ladr.experiment.cells.rows import scored
from ladr.experiment.cells.score import score
from ladr.experiment.grid import grid
from ladr.experiment.params import changes_of, load
from ladr.experiment.plan.plan import Plan
from official_cells import folder_of, ladr, notes
from tiny import redecoded

TEXT = """\
use: [lumina-dimoo]
tracking: false
steps: 2
seed: 3
backbones:
  lumina-dimoo:
    settings: {source: model}
    batch_size: 32
    benchmarks: {geneval: 1, unigen: 1, dpg: 2, t2i: 1}
samplers:
  cosine: {policy: cosine}
  ladr: {policy: ladr}
official:
  prompts: prompts
  images: 4
  detector: ./no-detector
  clip: ./no-clip
  blip: ./no-blip
"""
QUIET = {"say": lambda text: None}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with all cells decoded and scored, nothing at hand that could score them."""
    return made.decoded(tmp_path_factory.mktemp("official"), TEXT, score)


@pytest.fixture
def here(world, tmp_path, monkeypatch):
    """A copy of that folder to work in."""
    shutil.copytree(world, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


def experiment(*changes):
    return grid(load("params.yaml", changes_of(list(changes))))


def cell(benchmark, found=None, policy="ladr"):
    return next(
        c
        for c in (found or experiment()).cells.values()
        if c.spec["benchmark"]["name"] == benchmark and c.spec["sampler"]["policy"]["policy"] == policy
    )


def test_the_hash_of_a_cell_holds_the_prompt_files(here):
    asked = cell("geneval").spec["benchmark"]
    assert (asked["count"], asked["images"], asked["seed"]) == (6, 4, 3)
    suite, place = OFFICIAL["geneval"], here / "prompts"
    assert asked["files"] == suite.files_sha256(place)
    shutil.copytree(place / "geneval", here / "others/geneval")
    path = here / "others/geneval/evaluation_metadata.jsonl"
    path.write_text(path.read_text() + "\n")  # other bytes, the same prompts
    assert suite.prompts(1, here / "others") == suite.prompts(1, place)
    assert suite.files_sha256(here / "others") != asked["files"]


def test_a_size_takes_an_even_share_and_keeps_the_official_ids(here):
    few, more = cell("geneval"), cell("geneval", experiment("backbones.lumina-dimoo.benchmarks.geneval=2"))
    assert [p.id for p in few.prompts] == [p.id for p in more.prompts][::2]
    assert [p.id for p in more.prompts][:4] == ["00000", "00040", "00080", "00129"]
    assert len(cell("t2i").prompts) == 6
    assert len(cell("dpg").prompts) == 2


def test_what_cannot_be_scored_says_why_and_the_table_stands(here):
    found = experiment()
    assert all(scored(here / folder_of(c), c) for c in found.cells.values())
    assert "./no-detector" in notes(cell("geneval"))["Overall"][1]
    assert "official.judge" in notes(cell("unigen"))["Style"][1]
    assert "mPLUG" in notes(cell("dpg"))["Overall"][1]
    t2i = notes(cell("t2i"))
    assert "UniDet" in t2i["Spatial"][1]
    assert "UniDet" in t2i["Complex"][1]
    assert "./no-clip" in t2i["Non-spatial"][1]
    assert not (here / folder_of(cell("geneval")) / "images").exists()
    table.write(found, "cosine")
    lines = pd.read_csv("results/scores.csv")
    assert set(lines.benchmark) == {"geneval", "unigen", "dpg", "t2i"}
    assert lines.value.isna().all()
    assert lines.note.str.startswith("N/A: ").all()
    assert json.loads((here / "results/metrics.json").read_text()) == {}


def test_export_renders_the_layout_and_import_makes_the_tables_rows(here):
    one, base = cell("geneval"), cell("geneval", policy="scheduled")
    done, _ = ladr("export", one.id, "--to", "out/geneval")
    assert done.exit_code == 0, done.output
    manifest = read_json(here / "out/geneval.manifest.json")
    wanted = (one.id, 3, one.spec["benchmark"]["prompts"], "ladr", True)
    said = (
        manifest["cell"],
        manifest["seed"],
        manifest["prompts_sha256"],
        manifest["sampler"]["policy"]["policy"],
    )
    assert (*said, manifest["complete"]) == wanted
    assert len(list((here / "out/geneval").rglob("*.png"))) == 24
    results = made.geneval_results(layout_of(one), here / "r.jsonl", right=lambda i, j: (i, j) != (0, 0))
    assert ladr("import", one.id, "--results", results)[0].exit_code == 0
    everything = made.geneval_results(layout_of(base), here / "b.jsonl")
    assert ladr("import", base.id, "--results", everything)[0].exit_code == 0
    assert notes(one)["Single Obj."] == (75.0, "")
    assert notes(one)["Overall"][0] == pytest.approx((75 + 500) / 6)
    table.write(experiment(), "cosine")
    lines = pd.read_csv("results/scores.csv").set_index(["benchmark", "name", "column"])
    assert lines.value["geneval", "ladr", "Overall"] == pytest.approx(575 / 6)
    assert lines.difference["geneval", "ladr", "Single Obj."] == -25
    assert lines.difference["geneval", "ladr", "Overall"] == pytest.approx(-25 / 6)
    metrics = json.loads((here / "results/metrics.json").read_text())
    assert metrics["lumina-dimoo"]["geneval"]["cosine"]["score"] == 100


def test_a_result_that_is_not_the_cells_is_refused_and_nothing_changes(here):
    one = cell("geneval")
    before = (here / folder_of(one) / SCORE).read_bytes()
    whole = made.geneval_results(layout_of(one), here / "r.jsonl").read_text().splitlines(keepends=True)
    (here / "short.jsonl").write_text("".join(whole[1:]))
    done, said = ladr("import", one.id, "--results", "short.jsonl")
    assert done.exit_code != 0
    assert "1 missing (00000/samples/0000.png)" in said
    (here / "other.jsonl").write_text("".join(whole).replace("one cup 2 0", "one cup 2 9"))
    assert "is about" in ladr("import", one.id, "--results", "other.jsonl")[1]
    assert "results end in .jsonl" in ladr("import", one.id, "--results", "params.yaml")[1]
    assert (here / folder_of(one) / SCORE).read_bytes() == before
    assert not list((here / folder_of(one)).glob("official/*.jsonl"))


def test_unigen_dpg_and_t2i_results_come_back(here):
    unigen, one, t2i = cell("unigen"), cell("dpg"), cell("t2i")
    made.unigen_results(layout_of(unigen), here / "m.csv")
    assert ladr("import", unigen.id, "--results", "m.csv")[0].exit_code == 0
    assert notes(unigen)["Style"][0] == 75
    asked = PartInput(layout_of(one), one.official, here, here, None)
    questions = scorers.dpg_questions(asked)[0]
    assert list(questions) == [p.id for p in one.prompts]
    made.dpg_detail(layout_of(one), questions, here / "d.txt", yes=lambda item, tile, q: tile < 3 or q != 1)
    assert ladr("import", one.id, "--results", "d.txt")[0].exit_code == 0
    found = {column: value for column, (value, _) in notes(one).items()}
    assert found["Overall"] == pytest.approx(100 * (3 + 0.5) / 4)  # no fox, so no red one
    assert found["Entity"] == 75
    assert found["Entity (official L1)"] == 0
    assert found["Attribute"] == 100
    assert found["Attribute (zeroed)"] == 75
    made.t2i_result(layout_of(t2i), here / "t", "spatial", 0.5)
    assert ladr("import", t2i.id, "--results", "t")[0].exit_code == 0
    assert notes(t2i)["Spatial"] == (50.0, "")
    assert "./no-blip" in notes(t2i)["Color"][1] or "spaCy" in notes(t2i)["Color"][1]
    table.write(experiment(), "cosine")  # the baseline has no Spatial: nothing to compare, no error
    lines = pd.read_csv("results/scores.csv").set_index(["benchmark", "name", "column"])
    assert lines.value["t2i", "ladr", "Spatial"] == 50
    assert pd.isna(lines.difference["t2i", "ladr", "Spatial"])
    assert lines.difference.isna().all()  # a column all the same, for what reads the table


def test_other_settings_make_scores_stale_and_other_tokens_make_imports_stale(here):
    one = cell("geneval")
    ladr("import", one.id, "--results", made.geneval_results(layout_of(one), here / "r.jsonl"))
    place = here / folder_of(one)
    assert scored(place, one)
    other = cell("geneval", experiment("official.detector=another/one"))
    assert other.id == one.id
    assert not scored(place, other)
    assert scored(place, cell("geneval", experiment("official.blip=another/one")))
    score([other], **QUIET)
    assert notes(other)["Overall"][0] == 100  # an official result stands, whatever would score here
    redecoded(place)
    score([one], **QUIET)
    assert "./no-detector" in notes(one)["Overall"][1]


def test_substitutes_score_under_names_of_their_own(here, clip_folder, blip_folder):
    found = experiment(f"official.clip={clip_folder}", f"official.dpg={blip_folder}")
    both = [cell("t2i", found), cell("dpg", found)]
    score(both, **QUIET)
    t2i, dpg = (notes(one) for one in both)
    assert t2i["Non-spatial"][0] is None
    assert -100 <= t2i["Non-spatial [clip:clip-tiny]"][0] <= 100
    assert dpg["Overall"][0] is None
    assert 0 <= dpg["Overall [dpg-blip-tiny]"][0] <= 100
    assert "scored by dpg-blip-tiny" in dpg["Entity [dpg-blip-tiny]"][1]
    assert not list(here.glob("results/cells/*/images"))
    table.write(found, "ladr")
    lines = pd.read_csv("results/scores.csv").set_index(["benchmark", "name", "column"])
    assert lines.difference["dpg", "ladr", "Overall [dpg-blip-tiny]"] == 0
    metrics = json.loads((here / "results/metrics.json").read_text())["lumina-dimoo"]
    assert metrics["dpg"]["ladr"]["score"] == pytest.approx(dpg["Overall [dpg-blip-tiny]"][0], abs=1e-3)
    assert ladr("score", both[1].id, "--set", f"official.dpg={blip_folder}")[0].exit_code == 0
    assert notes(both[1]) == dpg


def test_the_plan_scores_official_cells_by_their_own_rule(here, monkeypatch):
    for name, value in (("LADR_PARAMS", "params.yaml"), ("LADR_SET", ""), ("OMP_NUM_THREADS", "1")):
        monkeypatch.setenv(name, value)  # a plan sets them
    for file in here.glob(f"results/cells/*/{SCORE}"):
        file.unlink()
    plan = Plan.read({"backbone": "lumina-dimoo"}, ["-n"])
    assert {c.spec["benchmark"]["name"] for b in plan.judging for c in b.cells} == {
        "geneval",
        "unigen",
        "dpg",
        "t2i",
    }
    assert not plan.scoring
    assert not plan.ceilings
    assert {b.name for b in plan.decoding} == {"there"}


def test_a_backbone_that_reads_no_text_is_refused(here):
    with pytest.raises(LadrError, match="is for"):
        experiment("backbones.field.settings={}", "backbones.field.benchmarks={geneval: 1}", "use=[field]")


def test_prompts_that_are_not_there_are_named(here):
    shutil.rmtree(here / "prompts/t2i")
    suite = OFFICIAL["t2i"]
    with pytest.raises(LadrError, match=r"t2i: .*color_val.txt is not in"):
        suite.load(fetch.place("t2i", here / "prompts"))
