"""GenEval: decision rules on synthetic detections, prompt rows, result files."""

import json
from collections import Counter

import pytest

from ladr.base.errors import LadrError
from ladr.benchmarks.official import geneval
from ladr.benchmarks.official.geneval_rules import MOST_PER_CLASS, ObjectDetection, evaluate, keep, relations

CLASSES = ("cup", "sofa", "kite", "owl")


def boxes(*scores, at=(0, 0), size=10):
    return [ObjectDetection((at[0], at[1], at[0] + size, at[1] + size), s) for s in scores]


def include(name, count=1, **more):
    return {"class": name, "count": count, **more}


def test_confidence_is_strict_and_higher_for_counting():
    found = {"cup": boxes(0.3, 0.31, 0.9, 0.91)}
    assert [d.score for d in keep(found, "colors")["cup"]] == [0.91, 0.9, 0.31]
    assert [d.score for d in keep(found, "counting")["cup"]] == [0.91]
    assert keep({"cup": boxes(0.2)}, "colors") == {}


def test_at_most_sixteen_of_a_class_best_first_and_overlaps_stay():
    kept = keep({"cup": boxes(*[0.4 + k / 100 for k in range(30)])}, "position")["cup"]
    assert len(kept) == MOST_PER_CLASS == 16
    assert kept[0].score == pytest.approx(0.69)


def test_equal_scores_come_in_reverse_order_of_detection():
    first, second = boxes(0.5, at=(0, 0))[0], boxes(0.5, at=(50, 0))[0]
    assert keep({"cup": [first, second]}, "colors")["cup"] == [second, first]


@pytest.mark.parametrize(("found", "right"), [(0, False), (1, False), (2, True), (3, True)])
def test_presence_needs_at_least_count(found, right):
    correct, reasons = evaluate({"cup": boxes(*[0.8] * found)}, {"include": [include("cup", 2)]})
    assert correct is right
    assert bool(reasons) is not right


@pytest.mark.parametrize(("found", "right"), [(1, False), (2, True), (3, False)])
def test_counting_with_exclude_is_exact(found, right):
    row = {"include": [include("cup", 2)], "exclude": [include("cup", 3)]}
    assert evaluate({"cup": boxes(*[0.95] * found)}, row)[0] is right


def test_exclude_alone_looks_at_other_classes_too():
    row = {"include": [include("cup")], "exclude": [include("owl")]}
    assert evaluate({"cup": boxes(0.9), "owl": boxes(0.9)}, row) == (False, ["1 x owl, fewer than 1 allowed"])
    assert evaluate({"cup": boxes(0.9), "sofa": boxes(0.9)}, row)[0]


def test_colour_is_asked_of_the_top_boxes_only():
    asked = []

    def colour_of(name, detections):
        asked.append((name, [d.score for d in detections]))
        return ["blue" if d.score > 0.85 else "red" for d in detections]

    objects = {"cup": boxes(0.9, 0.8)}
    assert not evaluate(objects, {"include": [include("cup", color="red")]}, colour_of)[
        0
    ]  # the second is red
    assert evaluate(objects, {"include": [include("cup", color="blue")]}, colour_of)[0]
    assert asked == [("cup", [0.9])] * 2
    correct, reasons = evaluate(objects, {"include": [include("cup", 2, color="blue")]}, colour_of)
    assert not correct
    assert reasons == ["cup is blue, red, blue x 2 needed"]


def test_colour_is_not_asked_when_too_few_are_there():
    def never(name, detections):
        raise AssertionError

    assert not evaluate({}, {"include": [include("cup", color="red")]}, never)[0]


SIDES = [((40, 0), "right of"), ((-40, 0), "left of"), ((0, -40), "above"), ((0, 40), "below")]


@pytest.mark.parametrize(("at", "side"), SIDES)
def test_position_of_clear_sides(at, side):
    objects = {"sofa": boxes(0.9), "cup": boxes(0.9, at=at)}
    for wanted in ("right of", "left of", "above", "below"):
        row = {"include": [include("sofa"), include("cup", position=[wanted, 0])]}
        assert evaluate(objects, row)[0] is (wanted == side)


def test_a_diagonal_is_two_relations_and_a_centre_is_none():
    assert relations((60, 60, 70, 70), (0, 0, 10, 10)) == {"right of", "below"}
    assert relations((1, 1, 11, 11), (0, 0, 10, 10)) == set()
    assert relations((0, 0, 10, 10), (0, 0, 10, 10)) == set()


def test_the_margin_grows_with_both_sizes_and_the_norm_is_that_of_the_full_offset():
    # offset 21, sizes 100 + 100: reduced to 1, and 1/21 is no side
    assert relations((21, 0, 121, 100), (0, 0, 100, 100)) == set()
    # offset 41: reduced to 21, 21/41 > 0.5
    assert relations((41, 0, 141, 100), (0, 0, 100, 100)) == {"right of"}
    # offset 39: reduced to 19, 19/39 < 0.5
    assert relations((39, 0, 139, 100), (0, 0, 100, 100)) == set()


def test_position_needs_every_chosen_box_and_a_target_that_held():
    two = {"sofa": boxes(0.9), "cup": boxes(0.9, at=(40, 0)) + boxes(0.8, at=(-40, 0))}
    right = {"include": [include("sofa"), include("cup", 2, position=["right of", 0])]}
    assert not evaluate(two, right)[0]
    assert evaluate(two, {"include": [include("sofa"), include("cup", position=["right of", 0])]})[0]
    correct, reasons = evaluate(
        {"cup": boxes(0.9)}, right | {"include": [include("sofa"), include("cup", position=["above", 0])]}
    )
    assert not correct
    assert any("target that failed" in reason for reason in reasons)


def test_every_wrong_clause_has_its_reason():
    row = {"include": [include("cup"), include("owl", 2)], "exclude": [include("kite")]}
    assert len(evaluate({"kite": boxes(0.9)}, row)[1]) == 3


def rows_of(per_tag=1):
    """Invented rows of the official form, `per_tag` of each tag."""
    rows = []
    for k in range(per_tag):
        cup = include("cup", 1)
        rows += [
            {"tag": "single_object", "include": [cup], "prompt": f"a {k} cup"},
            {"tag": "two_object", "include": [cup, include("owl")], "prompt": f"a {k} cup and an owl"},
            {
                "tag": "counting",
                "include": [include("cup", 2)],
                "exclude": [include("cup", 3)],
                "prompt": f"two {k} cups",
            },
            {"tag": "colors", "include": [include("cup", color="red")], "prompt": f"a {k} red cup"},
            {
                "tag": "position",
                "include": [include("sofa"), include("cup", position=["above", 0])],
                "prompt": f"a {k} cup above a sofa",
            },
            {
                "tag": "color_attr",
                "include": [include("cup", color="red"), include("owl", color="blue")],
                "prompt": f"x {k}",
            },
        ]
    return rows


def parse(rows):
    return geneval.parse("\n".join(json.dumps(row) for row in rows), CLASSES)


BROKEN = [
    ({"tag": "colours"}, "did you mean 'colors'"),
    ({"prompt": ""}, "must not be empty"),
    ({"include": []}, "must not be empty"),
    ({"include": [include("cups")]}, "did you mean 'cup'"),
    ({"include": [include("cup", 0)]}, "above 0"),
    ({"include": [include("cup", color="crimson")]}, "crimson"),
    ({"include": [include("cup", position=["above", 0])]}, "earlier clause"),
    ({"include": [include("sofa"), include("cup", position=["beside", 0])]}, "beside"),
    ({"include": [{"class": "cup"}]}, "count is missing"),
    ({"include": [include("cup", position=[])]}, "not enough values"),
    ({"include": [5]}, "not subscriptable"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_a_broken_row_is_named(change, message):
    rows = rows_of()
    rows[2] = {**rows[2], **change}
    with pytest.raises(LadrError, match=f"row 3: .*{message}"):
        parse(rows)


def test_a_prompt_that_stands_twice_or_no_json_is_refused():
    with pytest.raises(LadrError, match="2 times"):
        parse(rows_of() + rows_of()[:1])
    with pytest.raises(LadrError, match="row 2"):
        geneval.parse(json.dumps(rows_of()[0]) + "\n{", CLASSES)


def results_of(suite, wrong=()):
    """A result file that fits `suite`, where the images in `wrong` lack their objects."""
    rows = []
    for i, prompt in enumerate(suite.prompts):
        for j in range(suite.images_per_prompt):
            bad = (i, j) in wrong
            details = (
                {}
                if bad
                else {"cup": [[0, 0, 10, 10, 0.95]] * (2 if prompt.meta["tag"] == "counting" else 1)}
            )
            details |= {} if bad else {"owl": [[0, 0, 10, 10, 0.95]], "sofa": [[0, 80, 10, 90, 0.95]]}
            rows.append(
                {
                    "filename": f"out/{suite.place(i, j)}",
                    "tag": prompt.meta["tag"],
                    "prompt": prompt.text,
                    "correct": not bad,
                    "reason": "expected cup>=1, found 0" if bad else "",
                    "metadata": json.dumps(prompt.meta),
                    "details": json.dumps(details),
                }
            )
    return rows


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def suite():
    return geneval.suite(parse(rows_of(3)), 4)


def test_overall_is_the_mean_of_the_six_columns_not_of_the_images(tmp_path):
    rows = [*rows_of(3), {**rows_of()[0], "prompt": "one more cup"}]  # the tags differ in size
    suite, wrong = geneval.suite(parse(rows), 4), {(0, 0), (0, 1), (0, 2), (2, 0)}
    scores = geneval.import_results(suite, write(tmp_path / "r.jsonl", results_of(suite, wrong)))
    assert scores.columns["Single Obj."] == pytest.approx(13 / 16)
    assert scores.columns["Counting"] == pytest.approx(11 / 12)
    assert scores.columns["Overall"] == pytest.approx((13 / 16 + 11 / 12 + 4) / 6)
    assert scores.counts["Single Obj."] == (13, 16)
    assert scores.scorer == "official"
    assert Counter(row.column for row in scores.rows if row.reason) == {"Single Obj.": 3, "Counting": 1}


SPOILT = [
    (lambda r: r.pop(5), "1 missing .00001/samples/0001.png"),
    (lambda r: r.append({**r[0], "filename": "x/00000/samples/0009.png"}), "1 surplus"),
    (lambda r: r.append({**r[0], "filename": "x/00077/samples/0000.png"}), "1 surplus"),
    (lambda r: r.append(r[3]), "row 73: .* stands twice"),
    (lambda r: r[7].update(prompt="a dog"), "row 8: is about 'a dog'"),
    (lambda r: r[7].update(metadata=r[0]["metadata"]), "row 8: is about"),
    (lambda r: r[7].update(filename="00001/7.png"), "row 8: filename"),
    (lambda r: r[7].update(correct="yes"), "row 8: correct is 'yes'"),
    (lambda r: r[7].update(correct=False), "row 8: says correct=False, its boxes say otherwise"),
    (lambda r: r[12].update(details="{}"), "row 13: says correct=True"),
    (lambda r: r[7].pop("details"), "row 8: not a GenEval result"),
    (lambda r: r[7].update(scorer="mine"), "several scorers"),
    (lambda r: r[7].update(details='{"cup": [[0, 0, 1]]}'), "row 8: not a GenEval result"),
    (lambda r: r[7].update(details="[1]"), "row 8: not a GenEval result"),
    (lambda r: r[7].update(filename=None), "row 8: not a GenEval result: filename is None"),
    (lambda r: r[7].update(reason=1), "row 8: not a GenEval result: reason is 1"),
]


@pytest.mark.parametrize(("change", "message"), SPOILT)
def test_a_spoilt_result_is_refused_with_its_row(tmp_path, suite, change, message):
    rows = results_of(suite)
    change(rows)
    with pytest.raises(LadrError, match=message):
        geneval.import_results(suite, write(tmp_path / "r.jsonl", rows))


def test_a_colour_verdict_may_be_false_where_boxes_allow_it(tmp_path, suite):
    rows = results_of(suite)
    red = next(row for row in rows if row["tag"] == "colors")
    red.update(correct=False, reason="expected red")
    assert geneval.import_results(suite, write(tmp_path / "r.jsonl", rows)).counts["Colors"] == (11, 12)


def test_a_detector_that_saw_nothing_is_not_a_bad_model(tmp_path, suite):
    every = {(i, j) for i in range(18) for j in range(4)}
    path = write(tmp_path / "r.jsonl", results_of(suite, {k for k in every if k[1] != 0 or k[0] > 8}))
    with pytest.raises(LadrError, match=r"nothing detected in 63 of 72 images \(out/00000/samples/0001.png"):
        geneval.import_results(suite, path)
    assert geneval.import_results(suite, path, allow_few_detections=True).columns["Overall"] < 0.2
