"""Figures are drawn from results alone: the same results, the same bytes; a missing cell is named."""

import ast
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from figure_params import PARAMS
from ladr.base.errors import LadrError
from ladr.cli.figures import HERE, draw, names
from ladr.cli.main import build
from ladr.experiment.cells.record import described
from ladr.experiment.cells.record import write as write_record
from ladr.figures.frame.results import Results, main, rows_of, shown
from tiny import measured, rescored

TABLED = (
    "ablations",
    "decomposition",
    "delayed",
    "findings",
    "passing",
    "phases",
    "quality",
    "rivals",
    "sweeps",
    "tables",
)
PICTURED = ("gallery", "films", "samples", "method", "reach")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder of a tiny experiment, made the way real ones are."""
    return measured(tmp_path_factory.mktemp("experiment"), PARAMS)


@pytest.fixture(scope="module")
def drawn(results, tmp_path_factory):
    out = tmp_path_factory.mktemp("figures")
    written, left = draw([], results, out)
    return out, written, left


def copied(results, tmp_path):
    return Path(shutil.copytree(results, tmp_path / "results"))


def test_every_module_is_found_and_draws_or_says_why_not(drawn):
    out, written, left = drawn
    missing = {text.split(":")[0] for text in left}
    theory = {"divergence", "fields", "masks", "reliability"}
    assert missing == {*theory, "diversity", "settings", *PICTURED} & set(names())
    assert set(TABLED) <= set(names()) - missing
    assert {path for path in out.rglob("*") if path.is_file()} == set(written)


def test_the_same_results_give_the_same_bytes(results, drawn, tmp_path):
    out, written, _ = drawn
    again, _ = draw([], results, tmp_path)
    assert [p.name for p in again] == [p.name for p in written]
    assert [p for p in again if p.read_bytes() != (out / p.relative_to(tmp_path)).read_bytes()] == []


def test_pictures_are_complete_and_undated(drawn):
    written = drawn[1]
    for svg in (p for p in written if p.suffix == ".svg"):
        assert svg.with_suffix(".png").is_file()
        assert "<dc:date>" not in svg.read_text(encoding="utf-8")


def test_captions_name_model_prompts_images_machine_and_date(drawn):
    _, written, _ = drawn
    captions = [p.read_text("utf-8") for p in written if p.suffix == ".md" and not p.name.startswith("paper")]
    assert captions
    for text in captions:
        for pattern in (
            r"Backbone: field",
            r"6 prompts",
            r"12 images per row",
            r"Machine: \w",
            r"Results of 20\d\d-",
        ):
            assert re.search(pattern, text), (pattern, text)


def test_the_table_says_what_the_scores_say(results, drawn):
    out, _, _ = drawn
    text = (out / "field/table-field-exact-field.md").read_text(encoding="utf-8")
    scores = main(Results(results).at("field", "field-exact"))
    for row in scores.itertuples():
        line = next(x for x in text.splitlines() if re.match(rf"\| {re.escape(row.label)} \|", x))
        assert f"{row.value:.1f}" in line
        assert f"[{row.low:.1f}, {row.high:.1f}]" in line
        assert f"| {row.passes:.1f} |" in line
    assert "*floor*" in text


def refused(name, place, out, match):
    """Drawing that figure ends with one message, and leaves nothing behind."""
    with pytest.raises(LadrError, match=match):
        draw([name], place, out)
    assert not out.exists()


@pytest.mark.parametrize("name", TABLED)
def test_a_missing_cell_is_named(results, tmp_path, name):
    place = copied(results, tmp_path)
    grid_file = place / "grid.json"
    grid = json.loads(grid_file.read_text(encoding="utf-8"))
    grid["lines"].append({**grid["lines"][0], "name": "newcomer", "cell": "field-new-12345678"})
    write_record(grid_file, grid)
    refused(name, place, tmp_path / "out", r"lacks 1 cells: field-new-12345678 \(samplers/newcomer\)")


@pytest.mark.parametrize("name", TABLED)
def test_a_missing_record_is_named(results, tmp_path, name):
    place = copied(results, tmp_path)
    for path in (place / "cells").glob("*/cell.json"):
        path.unlink()
    refused(name, place, tmp_path / "out", r"cell field-field-exact-\w+-[0-9a-f]{8}: .*cell\.json")


@pytest.mark.parametrize("name", ["ablations", "decomposition", "findings", "quality", "sweeps"])
def test_a_missing_score_is_named(results, tmp_path, name):
    place = copied(results, tmp_path)
    scores = pd.read_parquet(place / "scores.parquet")
    prefix = {"sweeps": "sweeps/alpha_tau", "ablations": "ablations/", "decomposition": "ablations/parts"}
    cell = scores[scores.group.str.startswith(prefix.get(name, "samplers"))].cell.iloc[-1]
    scores.loc[scores.cell == cell, "value"] = None
    rescored(place, scores)
    refused(name, place, tmp_path / "out", f"has no value for {cell}")


@pytest.mark.parametrize("name", ["decomposition", "findings", "passing", "phases"])
def test_a_missing_trace_is_named(results, tmp_path, name):
    place = copied(results, tmp_path)
    for path in (place / "cells").glob("*/trace.parquet"):
        path.unlink()
    refused(name, place, tmp_path / "out", "cell field-field-exact")


@pytest.mark.parametrize("name", PICTURED)
def test_pictures_that_are_not_there_or_lack_a_cell_are_named(results, tmp_path, name):
    place = copied(results, tmp_path)
    refused(name, place, tmp_path / "out", "ladr pictures")
    grid = json.loads((place / "grid.json").read_text(encoding="utf-8"))
    grid["lines"] = [{**grid["lines"][0], "benchmark": "mini-geneval", "cell": "field-gone-12345678"}]
    write_record(place / "grid.json", grid)
    refused(name, place, tmp_path / "out", r"field.pictures\.json: not there, or .*`ladr pictures`")
    folder = place / "pictures" / "field"
    folder.mkdir(parents=True)
    record = {
        "samplers": [{"name": "x", "label": "X", "cell": "field-gone-12345678"}],
        "prompts": [],
        "detected": [],
    }
    write_record(folder / "pictures.json", record)
    refused(name, place, tmp_path / "out", r"pictures\.npz: no record vouches for it; run `ladr pictures`")
    np.savez(folder / "pictures.npz", images=np.zeros(1))
    write_record(folder / "pictures.json", {**record, "files": described(folder, ["pictures.npz"])})
    refused(name, place, tmp_path / "out", "cell field-gone-12345678")


def test_theory_that_does_not_say_where_it_is_from_is_refused(results, tmp_path):
    place = copied(results, tmp_path)
    rows = [{"coupling": 0.5, "rule": "cosine", "kind": "exact", "nfe": 4.0, "kl": 0.25, "se": 0.125,
             "samples": 8, "grid": [3, 3], "codes": 2}]  # fmt: skip
    record = {"divergence": {"title": "KL", "verdict": "So.", "rows": rows}}
    write_record(place / "theory.json", record)
    refused("divergence", place, tmp_path / "out", "does not say what made it")
    provenance = {
        "began": "2031-01-02T03:04:05",
        "ended": "2031-01-02T04:04:05",
        "cpu": "a chip",
        "threads": 1,
        "torch": "9",
    }
    write_record(place / "theory.json", record | {"provenance": provenance})
    draw(["divergence"], place, tmp_path / "out")
    caption = (tmp_path / "out" / "theory/divergence.md").read_text(encoding="utf-8")
    for words in (
        "3x3 cells, 2 codes",
        "8 images",
        "Machine: a chip, 1 thread, torch 9",
        "Results of 2031-01-02.",
    ):
        assert words in caption


def test_findings_say_what_the_scores_say(results, drawn):
    facts = pd.read_csv(drawn[0] / "field/findings-field.csv")
    scores = main(Results(results).at("field", "field-exact")).set_index("label")
    for row in facts[facts.question == "all-passes"].itertuples():
        if "points" in row.what:
            ours, theirs = scores.loc[row.ours], scores.loc[row.theirs]
            assert row.value == pytest.approx(ours.value - theirs.value, abs=1e-3)
            assert [row.low, row.high] == pytest.approx([ours.difference_low, ours.difference_high], abs=1e-3)
        else:
            assert row.value == pytest.approx(
                scores.loc[row.theirs].passes / scores.loc[row.ours].passes, abs=1e-3
            )
    assert {"equal-passes", "all-passes", "ablation/figure5", "delayed-rescue", "phase-costs", "tau"} <= set(
        facts.question
    )
    assert set(facts[facts.question == "equal-passes"].theirs) == {"Cosine, LADR's passes"}
    whole = facts[(facts.question == "columns") & (facts.what == f"{scores.iloc[0].column}, points")]
    same = facts[(facts.question == "equal-passes") & (facts.ours == "LADR")]
    assert list(whole.value) == list(same.value) != []
    own = facts[facts.neutral.notna()]
    sides = [(r.low > r.neutral, r.high < r.neutral) for r in own.itertuples()]
    assert [{(True, False): "more", (False, True): "less"}.get(s, "open") for s in sides] == list(own.verdict)


def test_sweeps_are_told_against_ladr_at_the_same_prompts(results, drawn):
    facts = pd.read_csv(drawn[0] / "field/findings-field.csv")
    source = Results(results)
    ladr = main(source.at("field", "field-exact")).set_index("label").loc["LADR"]
    own = facts[facts.question.str.startswith("sweep/")]
    assert set(own.theirs) == {"LADR"}
    for group in own.question.unique():
        points = main(source.at("field", "field-exact", group.replace("sweep/", "sweeps/")))
        others = points[points.cell != ladr.cell].set_index("label")
        part = own[own.question == group].set_index("ours")
        assert set(part.index) == set(others.index)
        assert list(part.value) == pytest.approx(list(others.value[part.index] - ladr.value), abs=1e-3)


def test_phase_costs_add_up(results, drawn):
    facts = pd.read_csv(drawn[0] / "field/findings-field.csv")
    rows = main(Results(results).at("field", "field-exact")).set_index("label")
    costs = facts[(facts.question == "phase-costs") & (facts.ours == "LADR")]
    assert costs[costs.what.str.contains("passes per image")].value.sum() == pytest.approx(
        rows.loc["LADR"].passes, abs=1e-3
    )
    assert costs[costs.what.str.contains("share of the cells")].value.sum() == pytest.approx(100, abs=0.1)


def test_no_results_at_all(tmp_path):
    with pytest.raises(LadrError, match=r"grid\.json"):
        draw(["tables"], tmp_path, tmp_path / "out")


def test_a_named_figure_must_be_there(results, tmp_path):
    with pytest.raises(LadrError, match="did you mean 'quality'"):
        draw(["qualty"], results, tmp_path)
    with pytest.raises(LadrError, match=r"theory\.json"):
        draw(["divergence"], results, tmp_path)


def test_the_command(results, tmp_path):
    words = ["figures", "paper_tables", "--results", str(results), "--out", str(tmp_path)]
    done = CliRunner().invoke(build("figures"), words)
    assert done.exit_code == 0, done.output
    assert "57.01" in (tmp_path / "paper/paper-table1.md").read_text(encoding="utf-8")
    wrong = CliRunner().invoke(build("figures"), ["figures", "nothing", "--out", str(tmp_path)])
    assert wrong.exit_code == 1


def test_marks_need_a_sure_lead(results):
    from ladr.figures.frame.pairs import leaders

    source = Results(results)
    scores = source.at("field", "field-exact")
    rows, judged = rows_of(scores), source.judgements.copy()
    column = shown(scores.column)[0]
    best = rows.iloc[0]
    judged.loc[(judged.cell == best.cell) & (judged.kind == "score"), "value"] = 1.0
    ahead = scores.copy()
    ahead.loc[(ahead.name == best["name"]) & (ahead.column == column), "value"] = 100.0
    assert leaders(judged_as(results, judged), rows, ahead, column)[best["name"]] == "best"
    same = judged.copy()
    same["value"] = 0.5
    assert leaders(judged_as(results, same), rows, ahead, column) == {}


def judged_as(results, judgements):
    """These results with other judgements."""
    source = Results(results)
    source.judgements = judgements
    return source


def reached(module, seen):
    """Every module of ladr that importing `module` imports at its top, and what else it imports."""
    path = HERE.parent.joinpath(*module.split(".")[1:])
    file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    if module in seen or not file.is_file() or module == "ladr":
        return
    seen[module] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        for name in modules:
            seen[module].add(name.split(".")[0])
            if name.startswith("ladr."):
                reached(name, seen)


def test_drawing_needs_no_torch():
    seen = {}
    for path in HERE.rglob("*.py"):
        reached(".".join(("ladr", *path.relative_to(HERE.parent).with_suffix("").parts)), seen)
    assert {"ladr.figures.frame.results", "ladr.benchmarks.intervals"} <= seen.keys()
    assert [module for module, others in seen.items() if "torch" in others] == []


def test_rows_far_below_get_a_panel_of_their_own():
    from ladr.figures.frame import near

    scores = pd.DataFrame({"label": list("abcde"), "value": [99.0, 98.0, 97.5, 96.0, 50.0]})
    shown = near.parts(scores)
    assert [list(part.label) for part in shown] == [list("abcd"), list("abcde")]
    assert near.caption(shown) == " Above without e; below all."
    _, panels = near.canvas(shown, 4.0, "score")
    assert [panel.get_ylabel() for panel in panels] == ["score", "all samplers"]
    assert len(near.parts(scores.assign(cell=list("vwxyz")), {"z"})) == 1  # below, but on the drawn line
    alone = near.parts(scores[:4])
    assert len(alone) == 1
    assert near.caption(alone) == ""
