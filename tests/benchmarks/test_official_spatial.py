"""The Spatial rule on boxes: every branch, at its thresholds."""

import pytest

from ladr.benchmarks.official.geneval_rules import ObjectDetection
from ladr.benchmarks.official.spatial import SpatialClause, iou, parse, position, score


def box(x, y, side=20):
    return (x, y, x + side, y + side)


def test_prompts_are_read():
    assert parse("a cup on the left of a red owl.") == SpatialClause("cup", "left", "red owl")
    assert parse("The woman next to an owl") == SpatialClause("person", "near", "owl")
    assert parse("a fox on the top of the box") == SpatialClause("fox", "top", "box")
    assert parse("an owl on side of a boy") == SpatialClause("owl", "near", "person")
    assert parse("a cup and an owl") is None
    assert parse("near an owl") is None


@pytest.mark.parametrize(
    ("relation", "a", "wanted"),
    [
        ("left", box(0, 100), 1), ("left", box(200, 100), 0), ("right", box(200, 100), 1),
        ("right", box(0, 100), 0), ("top", box(100, 0), 1), ("top", box(100, 200), 0),
        ("bottom", box(100, 200), 1), ("bottom", box(100, 0), 0),
        ("left", box(40, 0), 0),  # more above than left
        ("left", box(0, 0), 0),  # as much above as left
        ("right", box(160, 60), 1),
    ],
)  # fmt: skip
def test_sides_need_the_sign_and_the_dominant_axis(relation, a, wanted):
    assert position(relation, a, box(100, 100)) == wanted


def test_overlap_costs():
    assert iou(box(0, 0), box(10, 0)) == pytest.approx(1 / 3)
    assert position("left", box(0, 0), box(10, 0)) == pytest.approx(0.3)
    assert position("left", box(0, 0), box(17, 0)) == 1  # IoU 3/37 < 0.1
    assert iou(box(0, 0), box(50, 50)) == 0


def test_near_is_one_axis_below_150_official_pixels():
    assert position("near", box(0, 0), box(149, 400)) == 1
    assert position("near", box(0, 0), box(300, 150)) == pytest.approx(150 / 300)
    assert position("near", box(0, 0), box(300, 200), scale=0.5) == 1


def found(**scores):
    at = {"cup": box(0, 100), "owl": box(100, 100)}
    return {name: [ObjectDetection(at[name], s) for s in given] for name, given in scores.items()}


def test_a_quarter_for_each_thing_half_for_the_place_and_less_than_half_is_nothing():
    asked = SpatialClause("cup", "left", "owl")
    assert score(asked, found(cup=[0.8], owl=[0.6]), 480) == pytest.approx(0.25 * 1.4 + 0.5)
    assert score(asked, found(cup=[0.99]), 480) == 0
    assert score(SpatialClause("cup", "right", "owl"), found(cup=[0.99], owl=[0.99]), 480) == 0  # 0.495
    assert score(SpatialClause("cup", "right", "owl"), found(cup=[1.0], owl=[1.0]), 480) == 0.5
    assert score(asked, found(cup=[0.8], owl=[0.5]), 480) == 0  # must be above 0.5


def test_the_surest_detection_of_a_class_counts():
    boxes = {
        "cup": [ObjectDetection(box(300, 100), 0.7), ObjectDetection(box(0, 100), 0.9)],
        "owl": [ObjectDetection(box(100, 100), 0.8)],
    }
    assert score(SpatialClause("cup", "left", "owl"), boxes, 480) == pytest.approx(0.25 * 1.7 + 0.5)


def test_distances_are_those_of_an_image_of_480():
    far = {"cup": [ObjectDetection(box(0, 0), 0.9)], "owl": [ObjectDetection(box(400, 400), 0.9)]}
    asked = SpatialClause("cup", "near", "owl")
    assert score(asked, far, 480) == pytest.approx(0.45 + 0.5 * 150 / 400)
    assert score(asked, far, 1920) == pytest.approx(0.95)
