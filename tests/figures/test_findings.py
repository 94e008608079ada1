"""What the findings compare: all pairs that a text needs; one definition of a cost; tables to read."""

import numpy as np
import pandas as pd
import pytest

from figure_params import PARAMS
from ladr.benchmarks.intervals import PromptSums, contrast, estimate, ratio
from ladr.cli.figures import draw
from ladr.figures.findings import section
from ladr.figures.frame.answers import doubt_all_passes, paired
from ladr.figures.frame.compare import Fact, Place
from ladr.figures.frame.pairs import samples
from ladr.figures.frame.phases import by_phase, estimated, parts, spans_of
from ladr.figures.frame.results import Results, main, rows_of, shown
from tiny import measured

ASKED = {
    **PARAMS,
    "steps": 10,
    "samplers": {
        **PARAMS["samplers"],
        "apart": {"policy": "ladr", "label": "Apart", "where": "independent"},
        "quick": {"policy": "doubt", "label": "Doubt"},
        "quick_plain": {"policy": "cosine", "match": "quick", "label": "Cosine, Doubt's passes"},
        "careful": {"policy": "careful", "label": "Careful"},
    },
    "sweeps": {},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A tiny experiment whose samplers hold two variants of LADR."""
    return measured(tmp_path_factory.mktemp("experiment"), ASKED)


@pytest.fixture(scope="module")
def out(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings")
    draw(["findings"], results, folder)
    return folder


@pytest.fixture
def facts(out):
    return pd.read_csv(out / "field/findings-field.csv", keep_default_na=False, na_values=[""])


def pairs(facts, question, words):
    own = facts[(facts.question == question) & facts.what.str.contains(words)]
    return list(zip(own.ours, own.theirs, strict=True))


def test_rows_with_own_budgets_are_compared_with_all_before_them(facts):
    compared = [("rescue", "plain"), ("both", "plain"), ("both", "rescue")]
    assert pairs(facts, "ablation/parts", "points") == compared
    assert pairs(facts, "ablation/parts", "times fewer passes") == compared
    assert pairs(facts, "ablation/figure5", "points") == [("neighbour", "elsewhere")]


def test_a_row_is_compared_with_its_own_opponent_or_with_that_of_ladr(facts):
    equal = dict(pairs(facts, "equal-passes", "points"))
    assert equal == {
        "LADR": "Cosine, LADR's passes",
        "Late": "Cosine, LADR's passes",
        "Apart": "Cosine, LADR's passes",
        "Doubt": "Cosine, Doubt's passes",
        "Careful": "Cosine, LADR's passes",
    }


def test_the_doubt_budget_is_compared_in_every_column_with_its_opponent_and_the_baseline(results, facts):
    columns = len(shown(Results(results).at("field", "field-exact").column)) + 1  # and their mean
    own, full = pairs(facts, "doubt", "points"), pairs(facts, "doubt-all-passes", "points")
    assert (
        own
        == [("Doubt", "Cosine, Doubt's passes")] * columns + [("Careful", "Cosine, LADR's passes")] * columns
    )
    assert full == [("Doubt", "Cosine")] * columns + [("Careful", "Cosine")] * columns


def test_a_baseline_is_not_compared_with_itself(results):
    source = Results(results)
    scores = source.at("field", "field-exact")
    quick = scores[scores.name == "quick"].cell.iloc[0]
    place = Place(source, "doubt-all-passes", "field", "field-exact")
    facts = list(doubt_all_passes(place, scores.assign(baseline=quick)))
    assert {(fact.ours, fact.theirs) for fact in facts} == {("Careful", "Doubt")}


def test_the_doubt_budget_is_compared_with_ladr_in_every_column_and_in_passes(results, facts):
    columns = len(shown(Results(results).at("field", "field-exact").column)) + 1  # and their mean
    assert (
        pairs(facts, "doubt-ladr", "points")
        == [("Doubt", "LADR")] * columns + [("Careful", "LADR")] * columns
    )
    assert pairs(facts, "doubt-ladr", "as many passes") == [("Doubt", "LADR"), ("Careful", "LADR")]


@pytest.mark.parametrize(("question", "label"), [("delayed-rescue", "Late"), ("variants", "Apart")])
def test_variants_are_told_against_ladr_in_every_column(results, facts, question, label):
    own = facts[facts.question == question].set_index("what")
    assert {(row.ours, row.theirs) for row in own.itertuples()} == {(label, "LADR")}
    source = Results(results)
    scores = source.at("field", "field-exact")
    columns = shown(scores.column)
    assert len(columns) > 1
    single = [f"{c}, points" for c in columns]
    assert set(own.index) == {*single, "mean of all columns, points", "times as many passes"}
    mean = own.loc["mean of all columns, points"]
    assert mean.value == pytest.approx(own.loc[single].value.mean(), abs=2e-3)
    assert mean.low <= mean.value <= mean.high
    rows = main(scores).set_index("label")
    times = own.loc["times as many passes"]
    assert times.value == pytest.approx(rows.loc[label].passes / rows.loc["LADR"].passes, abs=1e-3)


def test_the_surprise_of_two_rows_is_compared_phase_by_phase(results, facts):
    own = facts[facts.question == "phase-surprise"].set_index("what").value
    costs = facts[facts.what.str.endswith("nats per committed cell") & (facts.question == "phase-costs")]
    by_row = {label: rows.set_index("what").value for label, rows in costs.groupby("ours")}
    assert set(by_row) == {"LADR", "Cosine, LADR's passes"}
    phases = ["exploration", "structure", "refinement"]
    assert [w.split(":")[0] for w in own.index] == [*phases, "all phases"]
    source = Results(results)
    cells = rows_of(source.at("field", "field-exact")).set_index("label").cell
    whole = []
    for label in ("LADR", "Cosine, LADR's passes"):
        trace = source.trace(cells[label])
        whole.append(-trace.logp.sum() / (trace.scheduled + trace.rescued).sum())
    assert own.iloc[-1] == pytest.approx(whole[0] - whole[1], abs=1e-3)
    what = "refinement: nats per committed cell"
    assert own[what] == pytest.approx(by_row["LADR"][what] - by_row["Cosine, LADR's passes"][what], abs=2e-3)


def test_the_figure_and_the_findings_tell_the_same_costs(results, facts):
    source = Results(results)
    rows = rows_of(source.at("field", "field-exact"))
    drawn = by_phase(source, rows.set_index("label").cell["LADR"], spans_of(source, rows))
    own = facts[(facts.question == "phase-costs") & (facts.ours == "LADR")]
    assert len(drawn) == len(own) > 0
    scale = np.where(own.what.str.endswith("%"), 100, 1)
    for column, name in (("mean", "value"), ("low", "low"), ("high", "high")):
        assert list(drawn[column] * scale) == pytest.approx(list(own[name]), abs=1e-3)


def test_costs_are_ratios_of_sums_over_prompts(results):
    """Not means of ratios, and images of a prompt are not independent."""
    source = Results(results)
    rows = rows_of(source.at("field", "field-exact"))
    cell = rows.set_index("label").cell["LADR"]
    samples = parts(source, cell, spans_of(source, rows))
    trace = source.trace(cell)
    prompts = source.record(cell)["spec"]["benchmark"]["count"]
    assert {len(own.sums) for own in samples.values()} == {prompts}
    assert prompts < trace.image.nunique()
    late = trace[trace.t >= 0.7]
    expected = -late.logp.sum() / (late.scheduled + late.rescued).sum()
    assert estimated("surprise", samples["refinement", "surprise"]).value == pytest.approx(expected)
    assert sum(samples[phase, "passes"].sums.sum() for phase in spans_of(source, rows)) == len(trace)


def test_no_such_cell_in_any_prompt_is_no_certainty():
    none = PromptSums(np.zeros(50), np.full(50, 20.0))
    assert estimated("unlike", none).high > 0.05
    assert estimated("passes", PromptSums(np.full(50, 3.0), np.ones(50))).high == 3
    assert estimated("unlike", PromptSums(np.zeros(3), np.zeros(3))) is None


def test_pairs_without_the_phase_are_left_out():
    ours, theirs = (
        PromptSums(np.ones(3), np.array([1.0, 0, 2])),
        PromptSums(np.ones(3), np.array([2.0, 2, 0])),
    )
    left = paired(ours, theirs)
    assert [list(s.counts) for s in left] == [[1], [2]]
    assert contrast(*left).value == pytest.approx(ratio(left[0]).value - ratio(left[1]).value)
    assert paired(ours, PromptSums(np.ones(3), np.array([0.0, 2, 0]))) is None


def test_thresholds_are_told_of_phases_that_have_one(facts):
    told_of = {what.split(":")[0] for what in facts[facts.question == "tau"].what}
    assert told_of == {"exploration", "structure"}


def fact(**changes):
    fields = {"question": "sweep/steps", "backbone": "b", "benchmark": "m", "ours": "A", "theirs": "B",
             "what": "Overall, points", "value": 1.25, "low": -0.5, "high": 2.0, "neutral": 0.0, "n": 8,
             "ours_passes": 4.0, "theirs_passes": 5.0}  # fmt: skip
    return Fact(**(fields | changes))


def test_what_a_table_has_in_common_stands_above_it():
    lines = list(section([fact(), fact(ours="C")]))
    assert lines[0] == "**b, m, steps; Overall, points; against B (5.0 passes); 8 prompts**"
    assert lines[2] == "| of | value | interval says |"
    assert lines[4] == "| A (4.0 passes) | 1.2 [-0.5, 2.0] | open |"
    (alone, *_, row) = section([fact()])
    assert alone == "**b, m, steps**"
    assert "Overall, points" in row


def test_small_amounts_keep_their_digits():
    line = list(section([fact(what="nats", value=0.0123, low=0.004, high=0.02)]))[-1]
    assert "0.012 [0.004, 0.020]" in line


def test_points_with_a_wide_interval_are_not_printed():
    own = [fact(what="Overall, points", value=50.0, low=low, high=66.0) for low in (35.9, 36.0)]
    text = "\n".join(section(own))
    assert "too few prompts" in text
    assert "50.0 [36.0, 66.0]" in text
    assert "35.9" not in text


def test_every_fact_is_in_a_table(out, facts):
    lines = (out / "field/findings-field.md").read_text(encoding="utf-8").splitlines()
    rules = sum(line.startswith("| :--") for line in lines)
    tables = [line for line in lines if line.startswith("| ")]
    assert len(tables) - 2 * rules == len(facts)
    assert "no error rate" in "\n".join(lines)


def test_a_mean_of_columns_is_of_those_that_the_benchmark_names():
    class Judged:
        """Two prompts of mini-pictures, right in every column but Intact."""

        def record(self, cell):
            return {"spec": {"benchmark": {"name": "mini-pictures"}}}

        def judged(self, cell, kind):
            columns = {"Concept": 1.0, "Style": 1.0, "Background": 1.0, "Intact": 0.0, "Style (unseen)": 0.0}
            return {name: PromptSums(np.full(2, value), np.ones(2)) for name, value in columns.items()}

    mean = samples(Judged(), "a cell", "Overall")
    assert len(mean) == 3
    assert estimate(mean).value == 1.0
