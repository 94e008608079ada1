"""UniGenBench: prompt rows, the official wording, answers, result files."""

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from judge_server import Server, answer
from ladr.base.errors import LadrError
from ladr.benchmarks.official import unigen, unigen_judge
from ladr.benchmarks.official.judge import Judge
from ladr.benchmarks.prompt import Prompt

ROWS = [
    ('A clay owl, "quoted", in ink.\nTwo lines.', ["Style", "Attribute - Material"], ["in ink", "of clay"]),
    ("Three kites say {hi}.", ["Text Generation"], ["the word hi"]),
    (
        "A fox left of a box.",
        ["Entity Layout - Two-Dimensional Space", "Grammar - Negation"],
        ["left", "no hens"],
    ),
]


def published(rows=ROWS, first=0):
    file = io.StringIO(newline="")
    out = csv.writer(file)
    out.writerow(["index", "prompt_en", "sub_dims_en"])
    for k, (prompt, points, descriptions) in enumerate(rows, start=first):
        out.writerow([k, prompt, json.dumps({"Testpoints": points, "Testpoint Description": descriptions})])
    return file.getvalue()


@pytest.fixture
def suite():
    return unigen.suite(unigen.parse(published()), 2)


def test_rows_are_read_with_quotes_lines_and_a_byte_order_mark():
    prompts = unigen.parse("\ufeff" + published())
    assert [p.text for p in prompts] == [row[0] for row in ROWS]
    assert prompts[0].meta["points"] == ROWS[0][1]


BROKEN = [
    (published([("x", ["Stile"], ["y"])]), "row 0: .*did you mean 'Style'"),
    (published([ROWS[0], ("x", ["Style"], [])]), "row 1: 1 test points and 0 descriptions"),
    (published([("x", [], [])]), "row 0: 0 test points"),
    (published([(" ", ["Style"], ["y"])]), "row 0: prompt_en must not be empty"),
    (published(first=1), "row 1: index is 1, 0 comes next"),
    ("index,prompt_en\n0,x\n", "column sub_dims_en is missing"),
    ("index,prompt_en,sub_dims_en\n0,x,{\n", "row 0"),
    (published([ROWS[0], ("x", [5], ["y"])]), "row 1: 5 is no text"),
    (published([ROWS[0], ("x", ["Style"], [None])]), "row 1: None is no text"),
    ("index,prompt_en,sub_dims_en\n0,x,{}\n", "row 0: Testpoints is missing"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_row_is_named(text, message):
    with pytest.raises(LadrError, match=message):
        unigen.parse(text)


def whole_file(extra=()):
    """600 invented rows whose points have the published counts, with `extra` points on row 428."""
    points = [name for name, n in unigen.POINTS.items() for _ in range(n)]
    rows = [[f"prompt {k}", [], []] for k in range(600)]
    for k, point in enumerate(points):
        rows[k % 600][1].append(point)
    rows[428][1].extend(extra)
    return published([(text, own, ["d"] * len(own)) for text, own, _ in rows])


def test_a_whole_file_is_taken_and_the_older_copy_is_named(tmp_path):
    (tmp_path / "test_prompts_en.csv").write_text(whole_file(), encoding="utf-8")
    assert len(unigen.load(tmp_path).prompts) == 600
    (tmp_path / "test_prompts_en.csv").write_text(whole_file(["Logical Reasoning"]), encoding="utf-8")
    with pytest.raises(LadrError, match="row 428 is that of an older copy"):
        unigen.load(tmp_path)
    (tmp_path / "test_prompts_en.csv").write_text(whole_file(["Style"]), encoding="utf-8")
    with pytest.raises(LadrError, match="Style 251 for 250"):
        unigen.load(tmp_path)


def results(suite, scores=lambda i, j, n: [1] * n):
    """Rows of an official result file."""
    rows = []
    for i, prompt in enumerate(suite.prompts):
        for j in range(suite.images_per_prompt):
            points = prompt.meta["points"]
            given = scores(i, j, len(points))
            body = None if given is None else {"prompt": prompt.text, "testpoint": points, "score": given}
            rows.append(
                {
                    "index": prompt.id,
                    "prompt": prompt.text,
                    "testpoint": str(points),
                    "output": "...",
                    "result_json": json.dumps(body, indent=4),
                    "img_path": f"eval_data/en/m/{suite.place(i, j)}",
                }
            )
    return rows


def write(path: Path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows(rows)
    return path


def test_dropped_judgements_stay_in_the_denominator(tmp_path, suite):
    rows = results(suite, lambda i, j, n: None if (i, j) == (0, 1) else [1] * (n - 1) + [j])
    scores = unigen.import_results(suite, write(tmp_path / "r.csv", rows))
    assert scores.counts["Style"] == (1, 2)
    assert scores.columns["Style"] == 0.5
    assert scores.official["Style"] == 1.0  # what the official script prints: the dropped image is skipped
    assert scores.columns["Text"] == scores.official["Text"] == 0.5
    assert "1 images without a judgement (0_1.png)" in scores.notes[0]
    assert "Style 1 of 2" in scores.notes[0]
    reasons = {row.reason for row in scores.rows if row.reason}
    assert reasons == {
        "no judgement",
        "Attribute - Material: of clay",
        "Text Generation: the word hi",
        "Grammar - Negation: no hens",
    }


SPOILT = [
    (lambda r: r.pop(3), r"1 missing \(1_1.png\)"),
    (lambda r: r.append({**r[0], "index": "7", "img_path": "m/7_0.png"}), "1 surplus"),
    (lambda r: r.append(r[0]), "row 7: .* stands twice"),
    (lambda r: r[2].update(prompt="A kite."), "row 3: prompt 'A kite.' is not this version's"),
    (lambda r: r[2].update(testpoint="['Style']"), "row 3: test points"),
    (lambda r: r[2].update(testpoint="[oops"), "row 3: test points"),
    (lambda r: r[2].update(testpoint="[oops\n]"), r"row 3: test points '\[oops\\n\]' are not"),
    (lambda r: r[2].update(img_path="m/3_0.png"), "row 3: img_path"),
    (
        lambda r: r[2].update(result_json='{"score": [1, 1]}'),
        r"row 3: score is \[1, 1\], 1 of 0 or 1 are due",
    ),
    (lambda r: r[2].update(result_json='{"score": [2]}'), "row 3: score"),
    (lambda r: r[2].update(result_json="oops"), "row 3: result_json"),
    (lambda r: [row.pop("testpoint") for row in r], "column testpoint is missing"),
]


@pytest.mark.parametrize(("change", "message"), SPOILT)
def test_a_spoilt_result_is_refused_with_its_row(tmp_path, suite, change, message):
    rows = results(suite)
    change(rows)
    with pytest.raises(LadrError, match=message):
        unigen.import_results(suite, write(tmp_path / "r.csv", rows))


def test_a_summary_shows_its_dropped_judgements_and_another_version(tmp_path):
    primary = {f"{name} ": {"correct": 2 * n, "total": 4 * n} for name, n in unigen.POINTS.items()}
    primary["Style "]["total"] -= 9
    path = tmp_path / "m_en.json"
    path.write_text(json.dumps({"primary_dimensions": primary}))
    scores = unigen.import_summary(path)
    assert scores.columns["Style"] == 0.5
    assert scores.official["Style"] == pytest.approx(500 / 991)
    assert scores.notes == ("judgements dropped: Style 991 of 1000",)
    path.write_text(json.dumps({"sub_dimensions": primary}))
    with pytest.raises(LadrError, match="not a UniGenBench summary: 'primary_dimensions' is missing"):
        unigen.import_summary(path)
    primary["Logical Reasoning "]["total"] = 440
    path.write_text(json.dumps({"primary_dimensions": primary}))
    with pytest.raises(LadrError, match="Logical Reasoning has 218 of 440, at most 436"):
        unigen.import_summary(path)


WORDING = '''
import os
raise SystemExit("this file is read, never run")
EXPLANATION_DICT_EN = {"Style": "how it looks", "Attribute - Material": "what of"}
SYSTEM_PROMPT_EN_TEMPLATE = """Judge {prompt} by {testpoint}. {explanation} {test_explanation} {prompt}"""
'''


def test_the_wording_is_read_as_literals_and_filled():
    wording = unigen_judge.parse_wording(WORDING)
    text = wording.question("a {brace}", ["Style"], ["in ink"])
    assert text.startswith("Judge a {brace} by ['Style']. ")
    assert "「\nStyle: how it looks\n」" in text
    assert "「\nStyle: in ink\n」" in text
    with pytest.raises(LadrError, match="'Grammar - Negation' has no definition"):
        wording.question("x", ["Grammar - Negation"], ["y"])
    with pytest.raises(LadrError, match="EXPLANATION_DICT_EN, SYSTEM_PROMPT_EN_TEMPLATE is not there"):
        unigen_judge.parse_wording("x = 1")
    with pytest.raises(LadrError, match=r"no \{explanation\}"):
        unigen_judge.parse_wording(WORDING.replace("{explanation}", ""))


def test_an_answer_is_taken_only_in_full_form():
    assert unigen_judge.parse_scores(answer("['a', 'b']", "[1, 0]"), 2) == [1, 0]
    for text in ("", "<score>[1, 0]</score>", answer("['a']", "[1, 0]"), answer("['a', 'b']", "[1]")):
        with pytest.raises(ValueError, match=r"analysis|score"):
            unigen_judge.parse_scores(text, 2)
    for score in ("[1, 2]", "[1, 'x']", "[1, ", "1", "[0.5, 1]", "__import__('os')"):
        with pytest.raises(ValueError, match="score"):
            unigen_judge.parse_scores(answer("['a', 'b']", score), 2)


@pytest.fixture
def server():
    server = Server()
    server.reply = lambda text: answer([""] * text.count("d:"), [1] * text.count("d:"))
    yield server
    server.shutdown()
    server.server_close()


def test_a_whole_folder_is_judged_with_fixed_denominators(tmp_path, server):
    pytest.importorskip("tenacity", reason="the judge extra is not installed")
    points = ["Style", "World Knowledge"]
    wording = unigen_judge.Wording(
        "d: " * 2 + "{prompt} {testpoint} {explanation} {test_explanation}", dict.fromkeys(points, "x")
    )
    prompts = [
        Prompt(str(k), f"prompt {k}", {"points": points, "descriptions": ["a", "b"]}) for k in range(3)
    ]
    suite = unigen.suite(prompts, 2)
    for i in range(3):
        for j in range(2):
            Image.new("RGB", (8, 8), (i * 9, j * 9, 0)).save(tmp_path / suite.place(i, j))
    asks = unigen_judge.questions(suite, tmp_path, wording)
    server.faults = {asks[2].text: ["scores"] * 4 + ["500"] * 4}  # prompt 1: both of its images fail
    judge = Judge(server.url, "m", tmp_path / "book", pause=0.001, longest=0.002, attempts=4, concurrency=2)
    scores = unigen_judge.score(suite, tmp_path, judge, wording)
    assert scores.scorer == "unigen-judge:m"
    assert scores.counts["Style"] == (4, 6)
    assert scores.columns["Style"] == 4 / 6
    assert scores.official["Style"] == 1.0
    assert "2 images without a judgement (1_0.png, 1_1.png)" in scores.notes[0]
    again = unigen_judge.score(suite, tmp_path, judge, wording)
    assert again.columns["Style"] == 1.0
    (tmp_path / "2_1.png").unlink()
    with pytest.raises(LadrError, match=r"1 images are missing \(2_1\.png\)"):
        unigen_judge.questions(suite, tmp_path, wording)
