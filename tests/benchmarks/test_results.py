"""Results: intervals that hold, differences paired by prompt, tables that refuse to shrink."""

import numpy as np
import pandas as pd
import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.compare import compare, read_cells, require_complete, summary, tidy, write_table
from ladr.benchmarks.intervals import PromptSums, difference, estimate, mcnemar
from ladr.benchmarks.mini import SUITES, geneval
from ladr.benchmarks.mini.prompts import truth
from ladr.benchmarks.mini.scoring import distance, score
from ladr.benchmarks.rows import Row, header, write_rows


def binary(passed, of):
    sums = np.zeros(of)
    sums[:passed] = 1
    return PromptSums(sums, np.ones(of, int))


def test_wilson_for_one_verdict_per_prompt():
    found = estimate([binary(90, 100)])
    assert (found.value, found.n) == (0.9, 100)
    assert (round(found.low, 4), round(found.high, 4)) == (0.8256, 0.9448)  # Wilson's closed form
    assert estimate([binary(24, 24)]).low == pytest.approx(0.862, abs=1e-3)


def test_bootstrap_takes_prompts_not_judgements():
    """Eight judgements that always agree are worth one: the interval is that of the prompts."""
    rng = np.random.default_rng(0)
    passed = rng.random(100) < 0.7
    one = estimate([PromptSums(passed.astype(float), np.ones(100, int))])
    eight = estimate([PromptSums(8.0 * passed, np.full(100, 8))])
    assert eight.value == one.value
    assert (eight.high - eight.low) == pytest.approx(one.high - one.low, rel=0.15)


def test_bootstrap_covers_the_truth():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(60):
        values = rng.beta(4, 2, 80)
        found = estimate([PromptSums(values, np.ones(80, int))])
        hits += found.low <= 4 / 6 <= found.high
    assert hits >= 52


def test_mean_of_columns_is_unweighted():
    found = estimate([binary(10, 10), binary(0, 90)])
    assert found.value == 0.5
    half = estimate([binary(5, 10), binary(45, 90)])
    assert half.low < 0.5 < half.high


def test_differences_are_paired():
    """Two runs that fail on the same prompts differ by nothing, however wide their own intervals are."""
    rng = np.random.default_rng(2)
    a = PromptSums((rng.random(200) < 0.5).astype(float), np.ones(200, int))
    same = difference([a], [a])
    assert same.value == 0
    assert same.high == -same.low == pytest.approx(0.0188, abs=1e-4)  # none of 200 prompts differs
    better = PromptSums(np.maximum(a.sums, np.arange(200) % 5 == 0), a.counts)
    gain = difference([better], [a])
    assert 0 < gain.low < gain.value < gain.high < 0.2
    assert difference([a], [better]).value == -gain.value


def test_mcnemar_is_the_binomial_test_of_the_changed():
    a, b = binary(10, 20), binary(4, 20)
    assert mcnemar(a, b) == pytest.approx(2 * 0.5**6)
    assert mcnemar(a, a) == 1
    assert mcnemar(PromptSums(np.full(3, 0.5), np.ones(3, int)), binary(1, 3)) is None


def test_estimates_repeat():
    rng = np.random.default_rng(3)
    column = PromptSums(rng.random(50), np.ones(50, int))
    assert estimate([column]) == estimate([column])


def test_prompts_drawn_together_or_one_by_one_give_the_same_interval(monkeypatch):
    rng = np.random.default_rng(5)
    a, b = (PromptSums(rng.integers(0, 4, 300).astype(float), np.full(300, 3)) for _ in range(2))
    together = difference([a], [b])
    monkeypatch.setattr("ladr.benchmarks.intervals.FEW", 0)
    alone = difference([a], [b])
    assert together.value == alone.value
    width = together.high - together.low
    assert [together.low, together.high] == pytest.approx([alone.low, alone.high], abs=0.06 * width)


@pytest.mark.parametrize("few", [0, 64])
def test_the_order_of_columns_does_not_matter(monkeypatch, few):
    monkeypatch.setattr("ladr.benchmarks.intervals.FEW", few)
    rng = np.random.default_rng(6)
    columns = [binary(30, 90), binary(5, 20), PromptSums(rng.random(70), np.ones(70, int))]
    assert estimate(columns) == estimate(columns[::-1])


@pytest.fixture(scope="module")
def runs():
    """Prompts, a run of ground truth, and one in which every second image of Counting is blank."""
    prompts = geneval.SUITE.prompts(6)
    images = {(p.id, n): truth(p) for p in prompts for n in range(2)}
    worse = dict(images)
    for p in prompts:
        if p.meta["column"] == "Counting" and int(p.id[-1]) % 2:
            worse[p.id, 0] = worse[p.id, 1] = np.full((64, 64, 3), 248, np.uint8)
    return prompts, score(geneval.SUITE, prompts, images), score(geneval.SUITE, prompts, worse)


def test_summary_has_every_column_with_floor_and_ceiling(runs):
    _, good, bad = runs
    table = summary(geneval.SUITE, bad, ceiling=good).set_index("column")
    assert table.loc["Counting", "value"] == 50
    assert table.loc["Overall", "value"] == pytest.approx(100 * 5.5 / 6)
    assert (table.loc[list(geneval.COLUMNS), "ceiling"] == 100).all()
    assert table.loc[list(geneval.COLUMNS), "floor"].notna().all()
    assert table.loc["Junk area", "value"] == 0
    assert table.loc["Diversity", "value"] == 0  # the two images of a prompt are the same
    assert table.loc["Diversity", "high"] > 0  # as far as that many prompts can tell
    assert list(table.index[:7]) == [*geneval.COLUMNS, "Overall"]


def test_summary_prints_missing_columns_as_missing():
    suite = SUITES["mini-t2i"]
    prompts = suite.prompts(2)
    table = summary(suite, score(suite, prompts, {(p.id, 0): truth(p) for p in prompts})).set_index("column")
    assert np.isnan(table.loc["Non-spatial", "value"])
    assert np.isnan(table.loc["Diversity", "value"])  # one image per prompt has none


def test_comparison_is_by_column(runs):
    _, good, bad = runs
    table = compare(geneval.SUITE, bad, good).set_index("column")
    assert table.loc["Counting", "difference"] == -50
    assert table.loc["Counting", "high"] < 0
    assert table.loc["Overall", "difference"] == pytest.approx(-50 / 6)
    assert (table.loc[["Colors", "Position"], "difference"] == 0).all()


def test_runs_of_other_prompts_are_not_compared(runs):
    _, good, _ = runs
    fewer = tuple(row for row in good if row.prompt != "counting-001")
    with pytest.raises(LadrError, match="column Counting"):
        compare(geneval.SUITE, fewer, good)


def test_the_tidy_table_does_not_depend_on_order(runs):
    _, good, bad = runs
    table = tidy({"a": good, "b": bad})
    pd.testing.assert_frame_equal(table, tidy({"b": bad[::-1], "a": good[::-1]}))
    assert len(table) == len(good) + len(bad)
    assert list(table.columns) == ["cell", "prompt", "image", "column", "question", "kind", "value"]


def test_a_missing_image_is_named(runs):
    prompts, good, _ = runs
    require_complete("c", good, prompts, 2)
    short = [r for r in good if (r.prompt, r.image) != ("colors-002", 1)]
    with pytest.raises(LadrError, match="cell c: image 1 of prompt colors-002 missing"):
        require_complete("c", short, prompts, 2)
    with pytest.raises(LadrError, match="too many"):
        require_complete("c", good, prompts, 1)


def test_tables_are_written_whole(tmp_path, runs):
    _, good, _ = runs
    table = tidy({"a": good})
    for name in ("t.parquet", "t.csv"):
        write_table(table, tmp_path / "deep" / name)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "deep" / "t.parquet"), table)
    with pytest.raises(LadrError, match=r"'\.xlsx'"):
        write_table(table, tmp_path / "t.xlsx")
    assert sorted(p.name for p in tmp_path.rglob("*.*")) == ["t.csv", "t.parquet"]


def test_cells_of_other_prompts_do_not_share_a_table(tmp_path, runs):
    prompts, good, _ = runs
    write_rows(tmp_path / "a.jsonl", header(geneval.SUITE, prompts, 2), good)
    write_rows(tmp_path / "b.jsonl", header(geneval.SUITE, prompts[:-1], 2), good)
    head, cells = read_cells({"a": tmp_path / "a.jsonl"})
    assert head["benchmark"] == "mini-geneval"
    assert cells["a"] == good
    with pytest.raises(LadrError, match=r"b\.jsonl: prompts_sha256"):
        read_cells({"a": tmp_path / "a.jsonl", "b": tmp_path / "b.jsonl"})


def test_distance_is_zero_for_copies_and_one_for_opposites():
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    assert distance([black, black]) == 0
    assert distance([black, white]) == 1
    assert distance([black, white, white]) == pytest.approx(2 / 3)


def test_a_row_says_what_it_is():
    assert Row("p", 0, "c", "q", 1.0).kind == "score"
