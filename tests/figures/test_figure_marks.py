"""What is drawn stands where the results say, and captions say what was drawn."""

import json
import shutil
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

from figure_params import PARAMS
from ladr.experiment.cell import id_of
from ladr.experiment.cells.record import write as write_record
from ladr.figures import ablations, divergence, phases, quality, sweeps
from ladr.figures.frame import caption, labels, looks, matrix, roles, style, words
from ladr.figures.frame.compare import Place, wide
from ladr.figures.frame.results import Results, main, rows_of
from ladr.figures.frame.save import Plot
from tiny import measured, rescored, resealed

PLACE = ("field", "field-exact")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Results of the tiny experiment, its ablations with more images than its table."""
    folder, params = tmp_path_factory.mktemp("experiment"), deepcopy(PARAMS)
    params["ablations"]["figure5"]["images"] = 3
    return measured(folder, params)


@pytest.fixture
def results(folder):
    return Results(folder)


def lines(panel, marker=None):
    """The drawn lines that have data, as (label, x, y)."""
    for line in panel.get_lines():
        if marker is None or line.get_marker() == marker:
            yield line.get_label(), list(line.get_xdata()), list(line.get_ydata())


def test_points_stand_at_their_values(results):
    scores = main(results.at(*PLACE))
    near = scores.assign(passes=[4.0, 4.0, 4.001, 5.0])  # as good as the same place
    panel = quality.plot(results, *PLACE, near).figure.axes[0]
    drawn = {line.get_label(): line for line in panel.get_lines()}
    for row in near.itertuples():
        line = drawn[row.label]
        assert (list(line.get_xdata()), list(line.get_ydata())) == ([row.passes], [row.value])
        assert line.get_transform() == panel.transData


def test_rows_look_the_same_where_those_with_a_cache_are_missing(folder, tmp_path):
    place = Path(shutil.copytree(folder, tmp_path / "results"))
    before = main(Results(place).at(*PLACE)).iloc[1].cell
    spec = json.loads((place / "cells" / before / "cell.json").read_text(encoding="utf-8"))["spec"]
    spec["sampler"]["cache"] = {"name": "ml"}
    now = id_of(spec)
    (place / "cells" / before).rename(place / "cells" / now)
    resealed(place / "cells" / now / "cell.json", spec=spec, id=now)
    lines = json.loads((place / "grid.json").read_text(encoding="utf-8").replace(before, now))["lines"]
    resealed(place / "grid.json", lines=lines)
    rescored(place, pd.read_parquet(place / "scores.parquet").replace({"cell": {before: now}}))
    scores = main(Results(place).at(*PLACE))
    cached = scores.iloc[1]

    def looks(shown):
        panel = quality.plot(Results(place), *PLACE, shown).figure.axes[0]
        drawn = (line for line in panel.get_lines() if line.get_label() in set(shown.label))
        return {line.get_label(): (line.get_color(), line.get_marker()) for line in drawn}

    every, few = looks(scores), looks(scores[scores.cell != cached.cell])
    assert len(few) > 1
    assert every == few | {cached.label: every[cached.label]}
    assert len(set(every.values())) == len(every)


def test_a_sampler_looks_the_same_in_every_figure(results):
    table = looks.looks(results, rows_of(results.at(*PLACE)))
    rows = rows_of(results.at(*PLACE, "ablations/figure5")).set_index("name")
    own = looks.looks(results, rows.reset_index())
    assert own[rows.loc["neighbour"].label] == table["LADR"]
    assert own[rows.loc["elsewhere"].label]["color"] not in {look["color"] for look in table.values()}
    shown = ablations.plot(results, "figure5", *PLACE, results.at(*PLACE, "ablations/figure5"))
    names = [text.get_text() for text in shown.figure.legends[0].get_texts()]
    assert names[0].startswith(f"{rows.loc['neighbour'].label}: LADR (")
    assert ":" not in names[1]


def test_a_marker_under_others_is_larger_than_they(results):
    scores = main(results.at(*PLACE)).assign(passes=4.0, value=50.0)
    panel = quality.plot(results, *PLACE, scores).figure.axes[0]
    sizes = [line.get_markersize() for line in panel.get_lines() if line.get_label() in set(scores.label)]
    assert len(sizes) > 2
    assert sizes == sorted(set(sizes), reverse=True)
    assert style.sizes([4.0, 4.0, 8.0], [50.0, 60.0, 50.0]) == [style.SIZE] * 3


def test_a_curve_needs_three_points(results):
    scores = main(results.at(*PLACE))
    shown = quality.plot(results, *PLACE, scores)
    assert "Line and band" in shown.caption
    assert any(len(x) > 2 for _, x, _ in lines(shown.figure.axes[0]))
    results._grid = results.grid[~results.grid.group.str.startswith(("sweeps/", "curves/"))]
    shown = quality.plot(results, *PLACE, scores)
    steps = sorted({int(s) for s in scores.steps[scores.name.isin(["cosine", "cosine_matched"])]})
    assert f"was run with {steps[0]} and {steps[1]} steps, too few for a curve" in shown.caption
    panel = shown.figure.axes[0]
    assert [x for label, x, _ in lines(panel) if len(x) > 1 and label in set(scores.label)] == []
    assert not any("other steps" in label for label, _, _ in lines(panel))


@given(st.floats(0.3, 500), st.floats(1, 300), st.integers(5, 9))
def test_counts_have_labelled_ticks_all_along(low, factor, most):
    ticks = style.ladder(low, low * factor, most)
    assert ticks[0] <= low
    assert ticks[-1] >= low * factor
    assert len(ticks) >= 2
    assert ticks == sorted(set(ticks))
    assert all(b <= 2 * a for a, b in pairwise(ticks))


def test_a_cluster_far_from_the_rest_lies_between_labels():
    _, ((panel,),) = style.canvas()
    style.counts(panel, [10.0, 10.4, 11.3, 14.0, 64.0])
    ticks = [float(text.get_text()) for text in panel.get_xticklabels()]
    left, right = panel.get_xlim()
    assert left < 8 == ticks[0]
    assert 12 in ticks
    assert ticks[-1] == 64 < right


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_names_keep_apart_and_in_order(places):
    out = labels.spread(places, 0.08, 0.04, 0.96)
    ordered = sorted(out)
    assert all(b - a > 0.0799 for a, b in pairwise(ordered))
    assert 0.039 < ordered[0] <= ordered[-1] < 0.961
    assert [i for _, i in sorted(zip(places, range(len(places)), strict=True))] == sorted(
        range(len(out)), key=lambda i: out[i]
    )


def test_names_that_fit_stay_with_their_points():
    assert labels.spread([0.5, 0.2, 0.9], 0.1, 0, 1) == pytest.approx([0.5, 0.2, 0.9])


def test_names_go_where_there_is_room():
    points = [labels.Point(x, 1, x - 1, x + 1, "", "") for x in (10, 2, 3)]
    assert labels.gap(points, 0, 12) == (4, 9)
    assert labels.gap(points, 0, 30) == (11, 30)


def row(kl, se):
    return {"coupling": 0.5, "rule": "halton", "kind": "exact", "nfe": 4.0, "kl": kl, "se": se, "samples": 8,
            "grid": [3, 3], "codes": 2}  # fmt: skip


def theory(folder, tmp_path, rows):
    place = tmp_path / "results"
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("cells"))
    provenance = {
        "began": "2031-01-02T03:04:05",
        "ended": "2031-01-02T04:04:05",
        "cpu": "a",
        "threads": 1,
        "torch": "9",
    }
    record = {"divergence": {"title": "KL", "verdict": "So.", "rows": rows}, "provenance": provenance}
    write_record(place / "theory.json", record)
    (shown,) = divergence.draw(Results(place))
    return shown


def test_intervals_of_divergences_are_the_measured_ones(folder, tmp_path):
    shown = theory(folder, tmp_path, [row(0.5, 0.1)])
    panel = shown.figure.axes[0]
    (bar,) = (path.vertices[:, 1] for c in panel.collections for path in c.get_paths())
    assert sorted(bar) == pytest.approx([0.5 - 1.96 * 0.1, 0.5 + 1.96 * 0.1], abs=1e-3)
    assert "Arrow" not in shown.caption
    assert not list(lines(panel, "v"))


@pytest.mark.parametrize(("kl", "drawn"), [(0.05, [0.05]), (-0.05, [])])
def test_intervals_that_reach_zero_are_open(folder, tmp_path, kl, drawn):
    shown = theory(folder, tmp_path, [row(0.5, 0.01), {**row(kl, 0.1), "rule": "random"}])
    panel = shown.figure.axes[0]
    floor = panel.get_ylim()[0]
    (bar,) = (path.vertices[:, 1] for c in panel.collections[1:] for path in c.get_paths())
    assert sorted(bar) == pytest.approx([floor, kl + 1.96 * 0.1], abs=1e-3)
    assert [(x, y) for _, x, y in lines(panel, "v")] == [([4.0], [pytest.approx(floor)])]
    assert [y for y in {label: y for label, _, y in lines(panel)}["random"] if y == y] == drawn
    assert "1 of these 1 include zero" in shown.caption


def test_replayed_budgets_name_their_source(results):
    group = "ablations/figure5"
    scores = results.at(*PLACE, group)
    sources = {results.record(c)["spec"]["sampler"]["policy"]["budget"].split(":")[1] for c in scores.cell}
    assert not sources & set(results.grid[results.grid.group == "samplers"].cell)
    caption = ablations.plot(results, "figure5", *PLACE, scores).caption
    assert "as many cells of each image as LADR did; " in caption
    assert "'neighbour' follows LADR's own rule" in caption
    assert "'elsewhere' follows" not in caption
    assert not sources & set(caption.replace(",", " ").split())


def test_differences_are_paired_and_to_the_first_row(results):
    scores = results.at(*PLACE, "ablations/parts")
    above, below = ablations.plot(results, "parts", *PLACE, scores).figure.axes
    rows = rows_of(scores)
    column = below.get_xticklabels()[0].get_text().replace("\n", " ")
    values = scores[scores.column == column].set_index("name").value
    drawn = {round(x[0], 6): y[0] for _, x, y in lines(below) if len(x) == 1}
    bars = {round(p.get_x() + p.get_width() / 2, 6): p.get_height() for p in above.patches}
    first = values[rows.iloc[0]["name"]]
    mine = {x: y for x, y in drawn.items() if abs(x) < 0.5}
    assert len(mine) == len(rows) - 1
    for x, difference in mine.items():
        assert difference == pytest.approx(bars[x] - first, abs=1e-6)


def test_many_rows_stand_in_a_matrix_of_differences_to_the_first(results, monkeypatch):
    monkeypatch.setattr(matrix, "MANY", 1)
    scores = results.at(*PLACE, "ablations/parts")
    shown = ablations.plot(results, "parts", *PLACE, scores)
    (panel,) = shown.figure.axes
    rows, columns = rows_of(scores), [tick.get_text() for tick in panel.get_xticklabels()]
    assert [tick.get_text().split(" (")[0] for tick in panel.get_yticklabels()] == [
        ablations.full_name(results, row) for row in rows.itertuples()
    ]
    written = {(t.get_position()[1], t.get_position()[0]): t for t in panel.texts}
    place = Place(results, "parts", *PLACE)
    first, *others = rows.itertuples()
    own = scores[scores.name == first.name].set_index("column")
    for across, column in enumerate(columns):
        if not wide(own.low[column], own.high[column]):
            assert written[0, across].get_text() == f"{own.value[column]:.1f}"
        for down, row in enumerate(others, start=1):
            fact = place.scores(row, first, column)
            if fact is None or wide(fact.low, fact.high):
                assert (down, across) not in written
                assert panel.images[0].get_array()[down, across] == 0
                continue
            text = written[down, across]
            assert text.get_text().replace("\N{MINUS SIGN}", "-") == f"{fact.value:+.1f}"
            assert (text.get_weight() == "bold") == (fact.verdict != "open")
    assert "The first line has its own scores" in shown.caption


def test_a_swept_number_stands_on_an_axis_of_numbers(results):
    (shown,) = sweeps.plots(results, "steps", *PLACE, steps(results, (2, 3, 9)))
    (panel,) = shown.figure.axes
    assert panel.get_xscale() == "log"
    assert max((x for _, x, _ in lines(panel)), key=len) == [2, 3, 9]
    assert "as many as steps" in shown.caption
    (slower,) = sweeps.plots(
        results, "steps", *PLACE, steps(results, (2, 3, 9)).assign(passes=[2.0, 3.0, 8.5])
    )
    assert len(slower.figure.axes) == 2


def steps(results, values):
    """Points of a sweep over the steps, made of one that was run."""
    one = main(results.at(*PLACE, "sweeps/steps")).iloc[0]
    points = [json.dumps({"steps": v}) for v in values]
    return pd.DataFrame([one] * len(values)).assign(point=points, passes=[float(v) for v in values])


def test_maps_are_told_in_words_and_mark_the_tables_own_setting(results):
    (shown,) = sweeps.plots(results, "alpha_tau", *PLACE, main(results.at(*PLACE, "sweeps/alpha_tau")))
    texts = [shown.title, shown.caption, *(p.get_xlabel() + p.get_ylabel() for p in shown.figure.axes)]
    assert not any("phases." in text or "_" in text for text in texts)
    assert shown.caption.startswith("LADR: alpha and tau of the structure phase. ")
    assert "Framed: the setting of LADR in the table." in shown.caption


def test_an_opponent_stands_below_its_row_and_looks_like_it(results):
    rows = rows_of(results.at(*PLACE))
    assert roles.opponents(results, rows) == {"cosine_matched": "ladr"}
    assert list(roles.beside(results, rows).name) == ["cosine", "ladr", "cosine_matched", "late"]
    own = looks.looks(results, rows)
    assert own["Cosine, LADR's passes"] == style.ring(own["LADR"]["color"])
    assert roles.short(results, rows)["Cosine, LADR's passes"] == "Cosine, same passes"
    known = [looks.look_named(name) for name in looks.KNOWN]
    late = dict(zip(rows.name, rows.label, strict=True))["late"]
    assert own[late]["color"] not in {look["color"] for look in known}
    assert len({(look["color"], look["marker"]) for look in known}) == len(known)


def test_several_opponents_share_one_entry_of_the_legend():
    figure, ((panel,),) = style.canvas()
    for label in ("LADR", "its opponent", "Doubt", "another opponent"):
        panel.plot([1], [1], label=label)
    style.below(figure, panel, 2, ["its opponent", "another opponent"], "Cosine, same passes (ring)")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["LADR", "Doubt", "Cosine, same passes (ring)"]
    assert [line.get_markerfacecolor() for line in legend.get_lines()][2] == "white"


def test_words_of_fields():
    assert words.field("phases.structure.alpha") == "structure phase: alpha"
    assert words.field("cache.ratio") == "cache: ratio"
    assert words.fields(["phases.a.until", "phases.b.until", "steps"]) == (
        "end of the a phase, end of the b phase and steps"
    )
    assert words.group("figure5") == "Figure 5"


def test_a_phase_without_cells_is_left_out_and_said(results):
    rows = rows_of(results.at(*PLACE))
    shown = phases.plot(results, *PLACE, rows, {"all": 1.0, "nothing": 1.0})
    everyone = words.listed(roles.beside(results, rows).label)
    assert f"less than 1 % of the cells committed in the phase ({everyone} in nothing)" in shown.caption
    surprise = shown.figure.axes[2 * 2 : 2 * 3]
    dashes = [sum(phases.DASH in text.get_text() for text in panel.texts) for panel in surprise]
    assert dashes == [0, len(rows)]
    assert "error" in shown.caption


def test_a_sampler_that_never_rescued_an_unlikely_code_does_not_set_the_scale_of_those_that_did():
    shares = pd.DataFrame({"what": phases.UNLIKE, "label": ["LADR", "Doubt budget"], "mean": [0.01, 0.0]})
    labels = ["Cosine", "LADR", "Doubt budget"]
    assert phases._rescuers(shares, labels) == ["LADR"]
    assert phases._rescuers(shares.assign(mean=0.0), labels) == ["LADR", "Doubt budget"]
    assert phases._rescuers(shares[:0], labels) == labels


def test_who_commits_few_cells_in_a_phase_is_left_out_there(results, monkeypatch):
    rows, spans = rows_of(results.at(*PLACE)), {"early": 0.3, "late": 1.0}
    measured = pd.concat(
        [phases.by_phase(results, r.cell, spans).assign(label=r.label) for r in rows.itertuples()]
    )
    shares = measured[(measured.what == "cells") & (measured.phase == "early")].set_index("label")["mean"]
    limit = shares.mean()
    monkeypatch.setattr(phases, "FEW", limit)
    few = {label for label, share in shares.items() if share < limit}
    assert 0 < len(few) < len(rows)
    panel = phases.plot(results, *PLACE, rows, spans).figure.axes[2 * 2]
    drawn = {
        label.get_text(): bar.get_width() > 0
        for label, bar in zip(panel.get_yticklabels(), panel.patches, strict=True)
    }
    names = roles.short(results, rows)
    assert {label for label, there in drawn.items() if not there} == {names[label] for label in few}


@pytest.mark.parametrize("label", ["short", "a label as long as half of the figure is wide {}"])
def test_a_legend_stays_within_its_figure(label):
    figure, [[panel]] = style.canvas(style.WIDE, 3.0)
    for i in range(6):
        panel.plot([0, 1], [i, i], label=label.format(i) + f" {i}")
    style.below(figure, panel, 2)
    figure.canvas.draw()
    [legend] = figure.legends
    inside = legend.get_window_extent()
    assert inside.x0 >= 0
    assert inside.x1 <= figure.bbox.width
    assert panel.get_window_extent().height > 0.4 * 3.0 * figure.dpi


def test_another_doubt_budget_is_another_sampler(tmp_path):
    doubt = {"policy": "doubt", "steps": 6}
    rows = {"whole": doubt, "none": doubt | {"budget": 0.0, "label": "none ride"}}
    params = {key: PARAMS[key] for key in ("use", "steps", "backbones")} | {
        "samplers": {"cosine": {"policy": "cosine"}, "doubt": doubt | {"label": "Doubt budget"}},
        "ablations": {"parts": {"benchmarks": ["field-exact"], "rows": rows}},
    }
    found = Results(measured(tmp_path, params))
    whole, none = rows_of(found.scores[found.scores.group == "ablations/parts"]).itertuples()
    assert looks.same_as(found, whole) == "Doubt budget"
    assert looks.same_as(found, none) is None
    assert ablations.full_name(found, none) == "none ride"
    own = looks.looks(found, rows_of(found.scores[found.scores.group == "ablations/parts"]))
    assert own[whole.label] != own[none.label]


def test_a_label_of_two_lines_is_drawn_without_a_word(tmp_path, caplog):
    figure, ((panel,),) = style.canvas()
    panel.set_xlabel("47.1\n±4.7")
    panel.set_title("a price of 3 $\nand 4 $")
    Plot("two", "Two lines", figure, "").save(tmp_path)
    assert caplog.messages == []


def test_a_caption_says_which_half_of_the_prompts_was_asked(results, monkeypatch):
    (cell, *_) = results.at(*PLACE).cell
    own = results.record(cell)
    spec = {**own["spec"], "benchmark": {**own["spec"]["benchmark"], "size": "4:odd"}}
    assert "half" not in caption.about(results, [cell])
    monkeypatch.setattr(type(results), "record", lambda self, name: {**own, "spec": spec})
    assert " prompts (the odd half), " in caption.about(results, [cell])
