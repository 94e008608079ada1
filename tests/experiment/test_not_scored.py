"""What has no scorer here is N/A in the tables and left out of the figures; what is lost is an error."""

import re
import shutil
from contextlib import chdir
from pathlib import Path

import pandas as pd
import pytest

import official_files as made
from ladr.base.errors import LadrError
from ladr.benchmarks.column import main_column
from ladr.cli.figures import draw
from ladr.experiment.cells.score import score
from ladr.experiment.cells.table import write
from ladr.experiment.grid import grid
from ladr.experiment.params import load
from ladr.experiment.plan.figures import FigurePlan
from ladr.figures.frame.pairs import samples
from ladr.figures.frame.results import Results, standing
from tiny import rescored, write_grid

TEXT = """\
use: [mixture, lumina-dimoo]
steps: 3
tracking: false
images: 2
backbones:
  mixture: {settings: {scenes: 8}, benchmarks: {mini-geneval: 1}}
  lumina-dimoo:
    settings: {source: model}
    batch_size: 32
    benchmarks: {dpg: 2}
samplers:
  cosine: {policy: cosine}
  matched: {policy: cosine, match: ladr}
  ladr: {policy: ladr}
  late: {policy: ladr, phases: {exploration: {alpha: 0.0}}}
ablations:
  parts:
    benchmarks: [mini-geneval, dpg]
    rows:
      plain: {policy: cosine, schedule: fixed}
      rescue: {policy: ladr, schedule: fixed}
      both: {policy: ladr}
  alone:
    benchmarks: [dpg]
    rows:
      near: {policy: ladr, budget: "replay:ladr"}
      far: {policy: ladr, where: non-frontier-first, budget: "replay:ladr"}
sweeps:
  fewer: {base: cosine, benchmarks: [mini-geneval, dpg], grid: {steps: [2]}}
official: {prompts: prompts, images: 1}
"""


def tabled(cells, say):
    made = grid(load("params.yaml"))
    write(made, "cosine")
    write_grid(made, Path("results/grid.json"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A mini benchmark on one backbone, an official one without a scorer on another."""
    return made.decoded(tmp_path_factory.mktemp("mixed"), TEXT, score, tabled)


@pytest.fixture(scope="module")
def drawn(world):
    """What the workflow draws from the scores."""
    with chdir(world):
        params = load("params.yaml")
        names = FigurePlan(params, grid(params)).requested["scores"]
        written, left = draw(names, world / "results", world / "figures")
    return {path.name for path in written}, left


def test_nothing_stops_and_the_places_that_have_scores_are_drawn(drawn):
    names, left = drawn
    for stem in ("quality-{}", "diversity-{}", "parts-{}", "fewer-{}", "delayed-{}", "saved-passes-parts-{}"):
        assert f"{stem.format('mini-geneval-mixture')}.md" in names
    assert left == ["scores of dpg on lumina-dimoo: N/A, as their tables explain"]
    without_scores = ("table", "delayed", "findings", "p")
    assert not [n for n in names if "lumina-dimoo" in n and not n.startswith(without_scores)]


def test_the_tables_of_the_others_show_na_and_why(world, drawn):
    place = world / "figures/lumina-dimoo"
    text = (place / "table-dpg-lumina-dimoo.md").read_text(encoding="utf-8")
    (line,) = (x for x in text.splitlines() if x.startswith("| ladr |"))
    assert set(
        line.split(" | ")[-len(Results(world / "results").at("lumina-dimoo", "dpg").column.unique()) :]
    )
    assert re.fullmatch(r"\| ladr \| [\d.]+ \|( N/A \|)+", line)
    assert "Overall: N/A: " in text
    assert "| N/A |" in (place / "delayed-dpg-lumina-dimoo.md").read_text(encoding="utf-8")


def test_findings_still_count_the_passes_of_what_has_no_score(world, drawn):
    told = pd.read_csv(world / "figures/lumina-dimoo/findings-lumina-dimoo.csv")
    assert "times fewer passes" in set(told.what)
    assert not told.what.str.contains("points").any()


def test_each_backbone_has_findings_of_its_own(world, drawn):
    for own, other in (("mixture", "lumina-dimoo"), ("lumina-dimoo", "mixture")):
        assert set(pd.read_csv(world / f"figures/{own}/findings-{own}.csv").backbone) == {own}
        text = (world / f"figures/{own}/findings-{own}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# Findings on {own}\n")
        assert f"- {own}, " in text
        assert f"{other}, " not in text


@pytest.mark.parametrize("name", ["tables", "delayed", "quality", "findings", "decomposition"])
@pytest.mark.parametrize("whole", [False, True], ids=["one column", "every column"])
def test_a_value_that_only_some_rows_have_is_an_error(world, drawn, tmp_path, name, whole):
    place = Path(shutil.copytree(world / "results", tmp_path / "results"))
    scores = pd.read_parquet(place / "scores.parquet")
    group = "ablations/parts" if name == "decomposition" else "samplers"
    rows = (scores.group == group) & (scores.benchmark == "mini-geneval")
    cell, column = scores[rows].cell.iloc[-1], scores[rows & scores.value.notna()].column.iloc[0]
    gone = rows & (scores.cell == cell) & (whole | (scores.column == column))
    for changed in (scores.assign(value=scores.value.mask(gone)), scores[~gone]):
        rescored(place, changed)
        with pytest.raises(LadrError, match=rf"has no value for {cell}|lacks 1 cells: {cell}"):
            draw([name], place, tmp_path / "out")


def test_scores_that_are_gone_without_a_word_are_an_error(world, drawn, tmp_path):
    place = Path(shutil.copytree(world / "results", tmp_path / "results"))
    scores = pd.read_parquet(place / "scores.parquet")
    scores.loc[scores.benchmark == "mini-geneval", "value"] = None
    rescored(place, scores)
    with pytest.raises(LadrError, match=r"no score at all for mixture-mini-geneval"):
        draw(["tables"], place, tmp_path / "out")


def test_an_official_score_of_one_row_alone_names_what_the_others_lack(world, drawn, tmp_path):
    place = Path(shutil.copytree(world / "results", tmp_path / "results"))
    scores = pd.read_parquet(place / "scores.parquet")
    here = (scores.benchmark == "dpg") & (scores.column == "Overall") & (scores.group == "samplers")
    cells = list(scores[here].cell)
    scores.loc[here & (scores.cell == cells[0]), "value"] = 50.0
    rescored(place, scores)
    wanted = rf"'Overall' has no value for {', '.join(cells[1:])}; N/A: .*official"
    with pytest.raises(LadrError, match=wanted):
        draw(["quality"], place, tmp_path / "out")


def test_the_column_that_stands_for_a_benchmark():
    assert main_column("dpg", ["Entity", "Overall [x]", "Overall"]) == "Overall"
    assert main_column("dpg", ["Entity", "Overall [x]"]) == "Overall [x]"
    assert main_column("t2i", ["Color [x]", "Spatial"]) == "Spatial"
    assert main_column("t2i", ["Color [x]"]) == "Color [x]"
    assert main_column("t2i", []) is None


def test_a_substitutes_overall_stands_for_the_benchmark_in_figures_too(world, drawn):
    scores = Results(world / "results").at("lumina-dimoo", "dpg")
    assert standing(scores) is None
    own = scores[scores.column == "Overall"].assign(column="Overall [m]", value=40.0, note="scored by m")
    assert standing(pd.concat([scores, own])) == "Overall [m]"


def test_the_mean_of_a_substitutes_columns_is_compared_prompt_by_prompt(world):
    source = Results(world / "results")
    cell = source.at("mixture", "mini-geneval").cell.iloc[0]
    own = source.judgements[source.judgements.cell == cell]
    own = own[~own.column.str.endswith(")")]  # unseen compositions are no part of the mean
    source.judgements = own.assign(column=own.column + " [m]")
    plain = samples(Results(world / "results"), cell, "Overall")
    renamed = samples(source, cell, "Overall [m]")
    assert [list(one.sums) for one in renamed] == [list(one.sums) for one in plain] != []
    assert samples(source, cell, "Overall") is None
    assert samples(source, cell, None) is None
