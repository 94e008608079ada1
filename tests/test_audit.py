"""The audit finds what is wrong with the paper's numbers, and nothing where they are right."""

import csv

import pytest
from typer.testing import CliRunner

from ladr.benchmarks.official import dpg, geneval
from ladr.cli import build
from ladr.paper import Printed, lattice, load
from ladr.paper import audit as auditing
from ladr.paper import significance as sure
from ladr.paper.audit import FAILS, HOLDS, OPEN, audit, trials, write


@pytest.fixture(scope="module")
def found():
    return audit()


def one(found, check, *words):
    hits = [f for f in found if f.check == check and all(w in f.subject for w in words)]
    assert len(hits) == 1, hits
    return hits[0]


def test_every_overall_of_geneval_is_the_mean_but_for_one(found):
    rows = [f for f in found if f.check == "Overall" and "Table 1" in f.subject]
    assert [f.subject.split()[2] for f in rows if f.verdict == FAILS] == ["ML-Cache"]
    assert sum(f.verdict == HOLDS for f in rows) == 3


def test_the_one_repair_of_the_broken_row_is_found(found):
    reason = one(found, "Overall", "ML-Cache", "Table 1").reason
    assert reason.endswith("one changed cell mends it: Two Obj. 91.41 = 362/396")


def test_impossible_proportions(found):
    cells = {f.subject: f.verdict for f in found if f.check == "Granularity" and f.verdict != HOLDS}
    assert cells == {
        "Table 1 ML-Cache Two Obj. 93.75": FAILS,
        "Figure 6 (text) Standard Confidence (Top-1) Counting 83.00": FAILS,
        "Table 2 Lumina-DiMOO Style 91.52": OPEN,
        "Table 2 Lumina-DiMOO Attribute 79.29": OPEN,
        "Table 5 LADR (delayed rescue) Text 26.10": OPEN,
    }


def test_images_per_prompt_and_questions_are_inferred(found):
    assert {f.subject for f in found if f.check == "Images per prompt"} == {"GenEval: 4", "UniGenBench: 4"}
    rows = {f.subject: f for f in found if f.check == "Denominator"}
    assert rows["Table 4 Global"].reason.startswith(f"fits with {dpg.PAPER_QUESTIONS['Global']},")
    assert rows["Table 4 Other"].reason.startswith(f"fits with {dpg.PAPER_QUESTIONS['Other']},")
    assert {s for s, f in rows.items() if f.verdict == HOLDS} == {"Table 4 Global", "Table 4 Other"}


def test_denominators_are_those_of_the_published_prompts():
    tags = {"Single Obj.": "single_object", "Two Obj.": "two_object", "Counting": "counting",
            "Colors": "colors", "Position": "position", "Attribute": "color_attr"}  # fmt: skip
    for metric, tag in tags.items():
        total, images = trials()["GenEval", metric]
        assert total == geneval.COUNTS[tag] * images


def test_sentences_against_tables(found):
    assert one(found, "Claim", "counting", "surpasses").verdict == FAILS
    assert one(found, "Claim", "positioning").verdict == HOLDS
    assert one(found, "Claim", "what drops").reason.count("Table 2 Grammar -3.48") == 1
    assert one(found, "Claim", "4 times faster").verdict == HOLDS
    assert "2.54" in one(found, "Claim", "2.5 times").reason


def test_speed(found):
    assert "4.31 times Lumina-DiMOO" in one(found, "Speed", "Table 1 LADR").reason
    assert "1.08 times as long" in one(found, "Speed", "Table 4", "Prophet").reason


def test_significance(found):
    rows = {f.subject.removesuffix(": LADR from Lumina-DiMOO"): f for f in found if f.check == "Differs"}
    assert rows["Table 2 Text"].verdict == rows["Table 2 Style"].verdict == HOLDS
    assert "lost once clustered" in rows["Table 2 Action"].reason
    assert "cannot be told apart" in rows["Table 1 Counting"].reason
    assert "+-1.3" in one(found, "Precision", "Table 1 LADR").reason


def test_variance_of_a_mean_of_columns():
    same = {"a": (50.0, 100), "b": (50.0, 100)}
    assert sure.mean_variance(same) == pytest.approx(sure.variance(50, 200))
    assert sure.inflation(4) == pytest.approx(2.2)
    assert sure.z(10, 12.5, 12.5, 4) == pytest.approx(1.0)


@pytest.mark.parametrize(("value", "trials_", "k"), [(93.69, 396, 371), (93.75, 396, None), (0.0, 7, 0)])
def test_lattice(value, trials_, k):
    assert lattice.successes(Printed("", "", "", "", value, 2), trials_) == k


def test_more_digits_leave_less_room():
    rough, fine = (Printed("", "", "", "", 33.3, d) for d in (1, 3))
    assert lattice.successes(rough, 3) == 1
    assert lattice.successes(fine, 3) is None
    assert lattice.by_chance(fine, 100) < lattice.by_chance(rough, 100)


def test_a_changed_number_changes_the_verdict(monkeypatch, found):
    wrong = tuple(
        Printed(p.table, p.benchmark, p.method, p.metric, 80.0, p.digits)
        if (p.table, p.method, p.metric) == ("Table 1", "LADR", "Overall")
        else p
        for p in load()
    )
    monkeypatch.setattr(auditing, "load", lambda: wrong)
    assert one(found, "Overall", "Table 1 LADR").verdict == HOLDS
    assert [f.verdict for f in auditing.overall() if "Table 1 LADR" in f.subject] == [FAILS]


def test_written_twice_it_is_the_same(tmp_path, found):
    write(tmp_path)
    first = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    write(tmp_path)
    assert first == {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with open(tmp_path / "audit.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(found)
    for finding in found:
        assert finding.reason in first["audit.md"].decode()


def test_command(tmp_path):
    done = CliRunner().invoke(build("audit"), ["audit", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "Two Obj. 91.41" in done.output
    assert (tmp_path / "audit.md").is_file()
