"""Curves of score against passes: their gain over plain decoding, the hull, and the figure."""

import numpy as np
import pandas as pd
import pytest

from figure_params import PARAMS
from ladr.figures import rivals
from ladr.figures.frame import looks
from ladr.figures.frame.curve import MethodCurve, curves, gain, hull, plain, weights
from ladr.figures.frame.results import Results, main
from tiny import measured


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return Results(measured(tmp_path_factory.mktemp("experiment"), PARAMS))


@pytest.fixture(scope="module")
def lines(results):
    return main(results.at("field", "field-exact", "curves/rivals"))


def test_weights_are_the_mean_of_the_line_through_the_points():
    passes, values = np.array([2.0, 4.0, 5.0, 16.0]), np.array([10.0, 40.0, 30.0, 90.0])
    inside = np.geomspace(3, 12, 100_001)
    mean = np.interp(np.log(inside), np.log(passes), values).mean()
    assert weights(passes, 3, 12) @ values == pytest.approx(mean, abs=1e-3)
    assert weights(passes, 3, 12).sum() == pytest.approx(1)


def test_points_with_equal_passes_count_as_their_mean():
    assert weights([2, 4, 4, 8], 2, 8) == pytest.approx([0.25, 0.25, 0.25, 0.25])


def test_the_hull_is_what_no_mixture_beats():
    points = [(2, 50), (4, 60), (8, 90), (16, 88), (16, 91), (3, 40), (2, 45)]
    assert hull(points) == [0, 2, 4]
    assert hull([(4, 60), (2, 60)]) == [1]
    assert hull([(8, 70.0), (4, 65.0), (2, 50.0)]) == [2, 1, 0]


def test_plain_decoding_is_known_by_its_sampler_and_gains_nothing_over_itself(results, lines):
    own = curves(lines)
    assert [curve.name for curve in own] == ["plain", "bar"]
    base = plain(results, own)
    assert base.name == "plain"
    same = gain(results, base, base, lines.iloc[0].column)
    assert (same.estimate.low, same.estimate.value, same.estimate.high) == (0, 0, 0)
    assert same.area == 0


def test_the_gain_is_the_area_between_two_curves_over_its_width(results, lines):
    base, bar = curves(lines)
    one = gain(results, bar, base, lines.iloc[0].column)
    inside = np.geomspace(one.start, one.end, 20_001)
    at = [np.interp(np.log(inside), np.log(c.rows.passes), c.rows.value) for c in (bar, base)]
    assert one.estimate.value == pytest.approx((at[0] - at[1]).mean(), abs=1e-2)
    assert one.estimate.low <= one.estimate.value <= one.estimate.high
    assert one.area == pytest.approx(one.estimate.value * np.log2(one.end / one.start))
    assert one.estimate.n == 6


def test_a_curve_beside_all_passes_of_plain_decoding_has_no_gain(results, lines):
    base, bar = curves(lines)
    away = bar.rows.assign(passes=bar.rows.passes + 100)
    assert gain(results, type(bar)("bar", "Threshold", away), base, lines.iloc[0].column) is None


def test_every_curve_is_drawn_and_ranked(results, tmp_path):
    figure, table = rivals.draw(results)
    assert {line.get_label() for line in figure.figure.axes[0].get_lines()} >= {"Cosine", "Threshold", "hull"}
    assert sorted(table.data.method) == ["Cosine", "Threshold"]
    assert list(table.data.gain) == sorted(table.data.gain, reverse=True)
    assert table.data.hull.sum() >= 2
    written = [path for one in (figure, table) for path in one.save(tmp_path)]
    assert pd.read_csv(next(p for p in written if p.suffix == ".csv")).method.tolist() == [*table.data.method]


def test_strong_curves_have_colours_of_their_own(results, lines):
    """A sampler of params.yaml keeps its colour where the experiment's table lacks it."""
    own = [MethodCurve(name, f"a {name}", lines) for name in ("doubt", *map(str, range(12)))]
    on = {curve.name: curve.name in {"doubt", "1", "7", "11"} for curve in own}
    drawn = rivals.looks_of(results, own, on)
    assert drawn["doubt"] == looks.look_named("doubt")
    assert len({drawn[name]["color"] for name, strong in on.items() if strong}) == 4
    assert len({(look["color"], look["marker"]) for look in drawn.values()}) == len(own)
    assert rivals.looks_of(results, [MethodCurve("base", "Cosine", lines)], {"base": True}) == {
        "base": looks.look_named("cosine")
    }


def test_a_curve_with_nothing_on_the_hull_but_its_beginning_is_pale():
    rows = [pd.DataFrame({"cell": cells}) for cells in (["a", "b"], ["c", "d"], ["e"])]
    own = [MethodCurve(name, name, one) for name, one in zip(("early", "late", "none"), rows, strict=True)]
    assert rivals.strong(own, ["a", "c"]) == {"early": False, "late": True, "none": False}
    assert rivals.strong(own, ["a", "b", "c"]) == {"early": True, "late": True, "none": False}
    assert rivals.strong(own, ["a"]) == {"early": True, "late": False, "none": False}
