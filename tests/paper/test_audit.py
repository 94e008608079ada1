"""The audit finds what is wrong with the paper's numbers, and nothing where they are right."""

import csv

import pytest
from scipy.stats import binomtest
from typer.testing import CliRunner

from ladr.benchmarks.official import dpg, geneval
from ladr.cli.main import build
from ladr.paper import Printed, load
from ladr.paper.audit import audit as auditing
from ladr.paper.audit import claims, lattice, omissions
from ladr.paper.audit import printed as paper
from ladr.paper.audit import significance as sure
from ladr.paper.audit.audit import audit, page, write
from ladr.paper.audit.printed import FAILS, HOLDS, NOTED, OPEN, Finding, printed, trials


@pytest.fixture(scope="module")
def findings():
    return audit()


def one(findings, check, *words):
    hits = [f for f in findings if f.check == check and all(w in f.subject for w in words)]
    assert len(hits) == 1, hits
    return hits[0]


def test_every_overall_of_geneval_is_the_mean_but_for_one(findings):
    rows = [f for f in findings if f.check == "Overall" and "Table 1" in f.subject]
    assert [f.subject.split()[2] for f in rows if f.verdict == FAILS] == ["ML-Cache"]
    assert sum(f.verdict == HOLDS for f in rows) == 3


def test_the_one_repair_of_the_broken_row_is_found(findings):
    reason = one(findings, "Overall", "ML-Cache", "Table 1").reason
    assert reason.endswith("one changed cell mends it: Two Obj. 91.41 = 362/396")


def test_impossible_proportions(findings):
    cells = {f.subject: f.verdict for f in findings if f.check == "Granularity" and f.verdict != HOLDS}
    assert cells == {
        "Table 1 ML-Cache Two Obj. 93.75": FAILS,
        "Figure 6 (text) Standard Confidence (Top-1) Counting 83.00": FAILS,
        "Table 2 Lumina-DiMOO Style 91.52": OPEN,
        "Table 2 Lumina-DiMOO Attribute 79.29": OPEN,
        "Table 5 LADR (delayed rescue) Text 26.10": OPEN,
    }


def test_images_per_prompt_and_questions_are_inferred(findings):
    rows = {f.subject: f for f in findings if f.check == "Images per prompt"}
    assert set(rows) == {"GenEval: 4", "UniGenBench: 4"}
    assert "of 41 cells" in rows["UniGenBench: 4"].reason  # Table 5 repeats two of Table 2
    rows = {f.subject: f for f in findings if f.check == "Denominator"}
    assert rows["Table 4 Global"].reason.startswith(f"fits with {dpg.PAPER_QUESTIONS['Global']},")
    assert rows["Table 4 Other"].reason.startswith(f"fits with {dpg.PAPER_QUESTIONS['Other']},")
    assert {s for s, f in rows.items() if f.verdict == NOTED} == {"Table 4 Global", "Table 4 Other"}
    assert {f.verdict for s, f in rows.items()} == {NOTED, OPEN}


def test_denominators_are_those_of_the_published_prompts():
    tags = {"Single Obj.": "single_object", "Two Obj.": "two_object", "Counting": "counting",
            "Colors": "colors", "Position": "position", "Attribute": "color_attr"}  # fmt: skip
    for metric, tag in tags.items():
        total, images = trials()["GenEval", metric]
        assert total == geneval.COUNTS[tag] * images


def test_sentences_against_tables(findings):
    assert one(findings, "Claim", "counting", "surpasses").verdict == FAILS
    position = one(findings, "Claim", "positioning")
    assert (position.verdict, "lost once clustered" in position.reason) == (OPEN, True)
    drops = one(findings, "Claim", "what drops")
    assert drops.reason.count("Table 2 Grammar -3.48") == 1
    assert (drops.verdict, drops.reason.endswith("for sure in none of these")) == (OPEN, True)
    wins = [f for f in findings if "outperforms" in f.subject]
    assert [f.verdict for f in wins] == [FAILS, FAILS]
    assert all(f.reason.endswith("for sure in Table 2 Text") for f in wins)
    assert one(findings, "Claim", "4 times faster").verdict == HOLDS
    assert "2.54" in one(findings, "Claim", "2.5 times").reason


def test_kept_is_judged_by_how_sure_a_loss_is(findings, monkeypatch):
    rows = [f for f in findings if f.check == "Claim" and "kept" in f.subject]
    assert [f.verdict for f in rows] == [OPEN, OPEN]
    assert "cannot be told apart" in rows[0].reason
    assert "nothing says how sure" in rows[1].reason
    for score, verdict in ((60.0, FAILS), (90.0, HOLDS)):
        monkeypatch.setattr(paper, "load", lambda score=score: changed(load(), "Table 2", "Layout", score))
        matching = [f for f in claims.claims() if "kept" in f.subject]
        assert [f.verdict for f in matching] == [verdict, OPEN]


def test_more_is_claimed_only_with_a_sure_lead(monkeypatch):
    for score, verdict in ((70.0, FAILS), (79.5, OPEN), (99.0, HOLDS)):
        numbers = changed(load(), "Table 1", "Position", score)
        monkeypatch.setattr(paper, "load", lambda numbers=numbers: numbers)
        matching = [f for f in claims.claims() if "positioning" in f.subject]
        assert [f.verdict for f in matching] == [verdict]


def test_claims_and_differences_agree(findings):
    """What cannot be told apart there is not held against or for a sentence here."""
    verdicts = {f.subject: f.verdict for f in findings if f.check == "Differs"}
    for f in (f for f in findings if f.check == "Claim" and f.reason.startswith("Table ")):
        where = f"{f.reason.split(':')[0]}: LADR from Lumina-DiMOO"
        if where in verdicts and f.verdict == HOLDS:
            assert verdicts[where] == HOLDS


def test_speed(findings):
    assert "4.31 times Lumina-DiMOO" in one(findings, "Speed", "Table 1 LADR").reason
    assert "Table 4 1.08 times as long" in one(findings, "Slower", "Prophet than ML-Cache").reason
    assert len([f for f in findings if f.check == "Speed" and "LADR 13.94 s" in f.subject]) == 1


def test_what_nobody_claims_is_not_counted_as_holding(findings):
    quiet = {"Speed", "Slower", "Images per prompt", "Precision", "Not given"}
    assert {f.verdict for f in findings if f.check in quiet} == {NOTED}
    assert quiet <= {f.check for f in findings}
    text = page((Finding("Speed", "x", NOTED, "y"), Finding("Claim", "z", HOLDS, "w")))
    assert "holds: 1, does not hold: 0, open: 0, noted: 1." in text
    assert text.index("## Noted") < text.index("| Speed | x | y |") < text.index("## Holds")


def test_each_number_once():
    once = printed()
    keys = [(p.benchmark, p.method, p.metric) for p in once]
    assert len(set(keys)) == len(keys)
    assert len(load()) - len(once) == 8  # four of Table 5, and LADR's Overall twice, Position, Attribute
    assert {p.method for p in once if p.table == "Table 5"} == {"LADR (delayed rescue)"}
    assert paper.value("Table 5", "LADR", "Text") == 16.38


def test_a_repeat_that_differs_is_a_number_of_its_own(monkeypatch):
    monkeypatch.setattr(paper, "load", lambda: changed(load(), "Table 5", "Text", 17.0))
    assert [p.value for p in printed() if p.table == "Table 5" and p.method == "LADR"] == [17.0]


def test_the_repair_makes_a_tie(findings):
    tie = one(findings, "Second best", "Two Obj.")
    assert tie.verdict == OPEN
    assert "91.41 for ML-Cache, which is what LADR has: a tie for place 2, behind Lumina-DiMOO" in tie.reason
    assert "both above 87.30" in one(findings, "Rank", "ML-Cache against LADR").reason


def test_precision_of_columns(findings):
    rows = {f.subject: f.reason for f in findings if f.check == "Precision"}
    assert "LADR 85.50 +-3.5 with 400" in rows["Table 1 Position"]
    assert "LADR 81.88 +-4.2 with 320" in rows["Table 1 Counting"]
    assert "+-1.2" in rows["Table 1 Single Obj."]  # all of ML-Cache's images were right
    assert "with 250 independent" in rows["Table 4 Other"]


def test_all_right_is_no_certainty():
    wilson = binomtest(320, 320).proportion_ci(method="wilson")
    half = sure.LEVEL * sure.variance(100.0, 320) ** 0.5
    assert half == pytest.approx(100 * (wilson.high - wilson.low))
    assert sure.variance(0.0, 320) == sure.variance(100.0, 320) > 0


def test_method_and_theorem(findings):
    assert "tau is 0.05 and 0.05" in one(findings, "Method", "thresholds").reason
    assert "rounded down, both rescue as many" in one(findings, "Method", "Eq. 10").reason
    reason = one(findings, "Theorem 1", "classes").reason
    assert "2 classes 0.475, 3 classes 0.633, 8192 classes 0.950" in reason
    assert omissions.worst(0.1, 2) == pytest.approx((1 - 0.1) / 2)


def changed(numbers, table, metric, score):
    """The numbers with another one for LADR there."""
    return tuple(
        Printed(p.table, p.benchmark, p.method, p.metric, score, p.digits)
        if (p.table, p.method, p.metric) == (table, "LADR", metric)
        else p
        for p in numbers
    )


def test_significance(findings):
    rows = {f.subject.removesuffix(": LADR from Lumina-DiMOO"): f for f in findings if f.check == "Differs"}
    assert rows["Table 2 Text"].verdict == rows["Table 2 Style"].verdict == HOLDS
    assert "lost once clustered" in rows["Table 2 Action"].reason
    assert "cannot be told apart" in rows["Table 1 Counting"].reason
    assert "+-1.3" in one(findings, "Precision", "Table 1 LADR Overall").reason


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


def test_a_changed_number_changes_the_verdict(monkeypatch, findings):
    wrong = tuple(
        Printed(p.table, p.benchmark, p.method, p.metric, 80.0, p.digits)
        if (p.table, p.method, p.metric) == ("Table 1", "LADR", "Overall")
        else p
        for p in load()
    )
    monkeypatch.setattr(paper, "load", lambda: wrong)
    assert one(findings, "Overall", "Table 1 LADR").verdict == HOLDS
    assert [f.verdict for f in auditing.overall() if "Table 1 LADR" in f.subject] == [FAILS]


def test_written_twice_it_is_the_same(tmp_path, findings):
    write(tmp_path)
    first = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    write(tmp_path)
    assert first == {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with open(tmp_path / "audit.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(findings)
    for finding in findings:
        assert finding.reason in first["audit.md"].decode()


def test_command(tmp_path):
    done = CliRunner().invoke(build("audit"), ["audit", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "Two Obj. 91.41" in done.output
    assert (tmp_path / "audit.md").is_file()
