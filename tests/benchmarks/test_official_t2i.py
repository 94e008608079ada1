"""T2I-CompBench: prompts as file names, result files, the three-in-one score."""

import json

import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.official import t2i

TEXTS = {
    "color": ["a red cup and a blue owl", "a green fox"],
    "complex": ["The fox sat on a box.", "An owl ran."],
}


@pytest.fixture
def suite():
    return t2i.suite(TEXTS, 3)


def test_files_are_named_by_prompt_and_running_number(suite):
    assert suite.place(1, 2) == "color/samples/a green fox_000005.png"
    assert suite.place(3, 0) == "complex/samples/An owl ran._000003.png"
    assert suite.columns == ("Color", "Complex")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a\nb_c\n", "row 2"), ("a\n\nb", "row 2"), ("a\nb\na", "row 3.*twice"), ("a/b", "row 1")],
)
def test_a_prompt_that_is_no_file_name_is_named(text, message):
    with pytest.raises(LadrError, match=message):
        t2i.parse(text)


def test_training_prompts_are_refused(tmp_path):
    (tmp_path / "color_val.txt").write_text("\n".join(f"prompt {k}" for k in range(700)))
    with pytest.raises(LadrError, match=r"300 are published .the training prompts"):
        t2i.load(tmp_path)


def write(root, category, result, answers):
    path = root / category / result / "vqa_result.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([{"question_id": k, "answer": a} for k, a in enumerate(answers)]))
    return path


ATTRIBUTE = [0.2, 0.4, 0.6, 0.8, 1.0, 0.0]
SPATIAL = [0.0, 0.5, 0.9, 0.0, 0.7, 0.6]
ACTION = [0.3] * 6
KINDS = ["spatial", "both"]


@pytest.fixture
def results(tmp_path, suite):
    write(tmp_path, "color", t2i.ATTRIBUTE, [f"{a:.4f}" for a in ATTRIBUTE])
    for result, answers in ((t2i.ATTRIBUTE, ATTRIBUTE), (t2i.DETECTION, SPATIAL), (t2i.CLIP, ACTION)):
        write(tmp_path, "complex", result, answers)
    write(tmp_path, "complex", t2i.THREE, t2i.three_in_one(suite, ATTRIBUTE, SPATIAL, ACTION, KINDS))
    return tmp_path


def test_columns_are_means_and_complex_is_weighed_by_kind(results, suite):
    scores = t2i.import_results(suite, results, KINDS)
    assert scores.columns["Color"] == pytest.approx(0.5)
    both = [(a + s + c) / 3 for a, s, c in zip(ATTRIBUTE[3:], SPATIAL[3:], ACTION[3:], strict=True)]
    spatial = [(a + s) / 2 for a, s in zip(ATTRIBUTE[:3], SPATIAL[:3], strict=True)]
    assert scores.columns["Complex"] == pytest.approx(sum(both + spatial) / 6)
    assert scores.scorer == "official"
    assert [(r.prompt, r.image) for r in scores.rows[:4]] == [
        ("color/000", 0),
        ("color/000", 1),
        ("color/000", 2),
        ("color/001", 0),
    ]
    assert t2i.three_in_one(suite, [1], [0], [0.5], ["action"]) == [0.75]


def test_a_substitute_carries_its_name_and_the_same_weights_do_not(results, suite):
    path = results / "color" / t2i.ATTRIBUTE / "vqa_result.json"
    t2i.write_result(path, ATTRIBUTE, "blip-vqa:other", exact=False)
    assert "Color (blip-vqa:other)" in t2i.import_results(suite, results).columns
    t2i.write_result(path, ATTRIBUTE, "blip-vqa:same", exact=True)
    scores = t2i.import_results(suite, results)
    assert "Color" in scores.columns
    assert scores.scorer == "blip-vqa:same + official"


def entries(path):
    return json.loads(path.read_text())


SPOILT = [
    (lambda e: e.pop(2), "6 images are due; question_ids missing: 2"),
    (lambda e: e.append({"question_id": 6, "answer": 0}), "surplus: 6"),
    (lambda e: e.append(e[2]), "row 7: question_id 2 stands twice"),
    (lambda e: e[2].update(answer=1.5), "row 3: answer 1.5"),
    (lambda e: e[2].update(answer="nan"), "row 3: answer nan"),
    (lambda e: e[2].update(answer="high"), "not a list of question_id and answer"),
    (lambda e: e[2].pop("answer"), "not a list of question_id and answer"),
]


@pytest.mark.parametrize(("change", "message"), SPOILT)
def test_a_spoilt_result_is_refused(results, suite, change, message):
    path = results / "color" / t2i.ATTRIBUTE / "vqa_result.json"
    rows = entries(path)
    change(rows)
    path.write_text(json.dumps(rows))
    with pytest.raises(LadrError, match=message):
        t2i.import_results(suite, results)


def test_a_missing_result_and_a_foreign_mean_are_refused(results, suite):
    beside = results / "color" / t2i.ATTRIBUTE / "blip_vqa_score.txt"
    beside.write_text("BLIP-VQA score:0.5")
    t2i.import_results(suite, results)
    beside.write_text("BLIP-VQA score:0.6")
    with pytest.raises(LadrError, match=r"says 0.6, vqa_result.json averages 0.5"):
        t2i.import_results(suite, results)
    (results / "color" / t2i.ATTRIBUTE / "vqa_result.json").unlink()
    with pytest.raises(LadrError, match="is missing: run the official scorer of 'color' first"):
        t2i.import_results(suite, results)


@pytest.mark.parametrize("text", ["{", "[]", '{"scorer": "x"}', '{"scorer": 1, "exact": true}'])
def test_a_scorer_that_is_not_said_in_form_is_refused(results, suite, text):
    (results / "color" / t2i.ATTRIBUTE / "scorer.json").write_text(text)
    with pytest.raises(LadrError, match=r"scorer.json: not (valid JSON|a scorer and whether it is exact)"):
        t2i.import_results(suite, results)


def test_a_complex_result_that_is_not_that_of_its_parts_is_refused(results, suite):
    path = results / "complex" / t2i.THREE / "vqa_result.json"
    rows = entries(path)
    rows[4]["answer"] += 0.01
    path.write_text(json.dumps(rows))
    with pytest.raises(LadrError, match="question_id 4 is"):
        t2i.import_results(suite, results, KINDS)
