"""The published prompt files, where they are, and the paper's numbers on the lattices they give."""

import math
import os
from collections import Counter
from pathlib import Path

import pytest

from ladr import paper
from ladr.benchmarks.official import dpg, geneval, t2i, unigen
from ladr.benchmarks.official.fetch import folder_sha256, names_in, pin
from ladr.benchmarks.prompt import Prompt, prompts_sha256

PUBLISHED = Path(os.environ.get("LADR_OFFICIAL_PROMPTS", Path(__file__).parents[3] / "shared" / "official"))


@pytest.fixture
def published():
    if not PUBLISHED.is_dir():
        pytest.skip(
            "the published prompt files are not on this machine (LADR_OFFICIAL_PROMPTS names their folder)"
        )
    return PUBLISHED


def test_geneval_has_553_prompts_of_six_tags(published):
    suite = geneval.load(published / "geneval")
    assert (len(suite.prompts), suite.images) == (553, 2212)
    relations = Counter(c["position"][0] for p in suite.prompts for c in p.meta["include"] if "position" in c)
    assert relations == {"below": 28, "right of": 27, "above": 26, "left of": 19}
    assert len(suite.index) == 553


def test_unigen_has_600_prompts_and_1813_points(published):
    suite = unigen.load(published / "unigenbench")
    points = [point for prompt in suite.prompts for point in prompt.meta["points"]]
    assert (len(suite.prompts), suite.images, len(points), len(set(points))) == (600, 2400, 1813, 27)
    assert Counter(map(len, (p.meta["points"] for p in suite.prompts))) == {
        1: 65,
        2: 154,
        3: 159,
        4: 147,
        5: 75,
    }


def test_dpg_has_1065_prompts_in_twelve_families(published):
    suite = dpg.load(published / "dpg")
    assert (len(suite.prompts), suite.images, sum(1 for _ in suite.files())) == (1065, 4260, 1065)
    words = [len(prompt.text.split()) for prompt in suite.prompts]
    assert (min(words), max(words)) == (37, 130)
    spec = pin("dpg")["folder"]
    assert folder_sha256(published / "dpg" / "prompts", names_in(spec)) == spec["manifest_sha256"]


def test_t2i_has_six_times_300_prompts(published):
    suite = t2i.load(published / "t2i_compbench")
    assert (len(suite.prompts), suite.images) == (1800, 18000)
    kinds = t2i.complex_kinds(suite, published / "t2i_compbench")
    assert Counter(kinds) == {"action": 212, "spatial": 58, "both": 30}
    assert max(len(os.path.basename(suite.place(i, 9))) for i in range(1800)) < 255


def test_all_four_make_the_papers_26872_images(published):
    suites = [geneval.load(published / "geneval"), unigen.load(published / "unigenbench")]
    suites += [dpg.load(published / "dpg"), t2i.load(published / "t2i_compbench")]
    assert sum(suite.images for suite in suites) == 26_872
    assert all(
        len({path for path, _, _ in suite.files()}) * max(1, len(suite.prompts) and 1) for suite in suites
    )
    assert len({suite.prompts_sha256 for suite in suites}) == 4


def test_the_hash_sees_ids_texts_meta_and_order():
    one, two = Prompt("a", "x"), Prompt("b", "y", {"k": 1})
    hashes = [
        [one, two],
        [two, one],
        [one],
        [one, Prompt("b", "y", {"k": 2})],
        [one, Prompt("b", "z", {"k": 1})],
    ]
    assert len({prompts_sha256(prompts) for prompts in hashes}) == 5
    assert prompts_sha256([one, two]) == prompts_sha256([Prompt("a", "x"), Prompt("b", "y", {"k": 1})])


GENEVAL_IMAGES = {geneval.TAGS[tag]: 4 * n for tag, n in geneval.COUNTS.items()}
METHODS = ("Lumina-DiMOO", "ML-Cache", "Prophet", "LADR")


def reachable(value, denominator):
    """Whether some k / denominator prints as `value` percent with two decimals."""
    nearest = round(value * denominator / 100)
    return any(
        math.isclose(round(100 * k / denominator, 2), value, abs_tol=1e-9)
        for k in (nearest - 1, nearest, nearest + 1)
    )


def test_23_of_the_24_cells_of_table_1_are_reachable():
    cells = {(m, c): paper.cell("Table 1", m, c).value for m in METHODS for c in GENEVAL_IMAGES}
    assert len(cells) == 24
    misfits = [key for key, value in cells.items() if not reachable(value, GENEVAL_IMAGES[key[1]])]
    assert misfits == [("ML-Cache", "Two Obj.")]


@pytest.mark.parametrize("method", METHODS)
def test_overall_of_table_1_is_the_mean_of_its_columns_where_the_paper_is_right(method):
    columns = [paper.cell("Table 1", method, column).value for column in GENEVAL_IMAGES]
    agrees = abs(sum(columns) / 6 - paper.cell("Table 1", method, "Overall").value) < 0.0101
    assert agrees is (method != "ML-Cache")


def test_38_of_the_40_cells_of_table_2_are_reachable():
    wanted = {unigen.column_of(name): 4 * n for name, n in unigen.POINTS.items()}
    misfits = [
        (m, c)
        for m in METHODS
        for c, n in wanted.items()
        if not reachable(paper.cell("Table 2", m, c).value, n)
    ]
    assert misfits == [("Lumina-DiMOO", "Style"), ("Lumina-DiMOO", "Attribute")]


@pytest.mark.parametrize("column", ["Global", "Other"])
def test_the_l1_columns_of_table_4_fit_the_last_tile_only(column):
    values = [paper.cell("Table 4", m, column).value for m in METHODS]
    assert all(reachable(value, dpg.PAPER_QUESTIONS[column]) for value in values)


def test_all_printed_numbers_are_there():
    assert len(paper.load()) == 148
    with pytest.raises(KeyError):
        paper.cell("Table 1", "LADR", "Style")
