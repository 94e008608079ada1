"""The figure of masks: values, intervals, and what its table and its captions say."""

import pandas as pd
import pytest

from ladr.base.errors import LadrError
from ladr.figures import masks
from ladr.figures.frame.results import NotAskedError, Results

PROVENANCE = {"began": "2031-01-02T03:04:05", "ended": "2031-01-02T04:04:05", "cpu": "a", "threads": 1,
              "torch": "9", "quick": False}  # fmt: skip


def outline(backbone, rule="doubt", known=0.4, value=0.6):
    return {"backbone": backbone, "rule": rule, "steps": 16, "known": known, "outline": value,
            "outline_low": value - 0.1, "outline_high": value + 0.2}  # fmt: skip


def row(backbone, mask, value, exact=False):
    amounts = dict.fromkeys(masks.AMOUNTS, value) | ({"above_exact": 0.0} if exact else {})
    ends = {f"{name}_low": own - 1 for name, own in amounts.items()}
    ends |= {f"{name}_high": own + 2 for name, own in amounts.items()}
    return {
        "backbone": backbone, "column": "Counting", "passes": int(" " not in mask), "mask": mask,
        "images": 6, "masked": 99.6, **amounts, **ends,
    }  # fmt: skip


OUTLINES = [outline("mixture"), outline("shapes"), outline("shapes", "cosine", 0.2, 0.9)]
MASKS = [
    row("mixture", "riders", -5.0, exact=True),
    row("shapes", "riders", 4.0),
    row("shapes", "random", -7.0),
    row("shapes", "random, 4 known", 5.0),
]


def points(panel):
    return {
        container.get_label(): [tuple(point) for point in container.lines[0].get_xydata()]
        for container in panel.containers
    }


def test_every_value_is_drawn_with_its_interval():
    figure = masks.draw_rows(pd.DataFrame(OUTLINES), pd.DataFrame(MASKS))
    left, middle, right = figure.axes[3:]
    assert points(left) == {"doubt budget": [(0.4, 0.6)], "plain decoding": [(0.2, 0.9)]}
    heights = {label: [y for _, y in own] for label, own in points(middle).items()}
    assert heights == {"Counting, riders": [4.0], "Counting, random": [-7.0]}
    bars = [bar for c in middle.containers for bar in c.lines[2][0].get_segments()]
    assert [sorted(y for _, y in bar) for bar in bars] == [[3.0, 6.0], [-8.0, -5.0]]
    excess = {label: [y for _, y in own] for label, own in points(right).items()}
    assert excess == {"Counting, riders": [4.0], "Counting, random": [-7.0, 5.0]}
    assert right.get_title() == "above the exact"
    assert figure.axes[2].get_title() == "less what it expects"
    assert [y for _, y in points(figure.axes[2])["Counting, riders"]] == [-5.0]


def test_it_is_drawn_from_the_theory_record_and_says_where_it_is_from(tmp_path, monkeypatch):
    place = Results.__new__(Results)
    place.root = tmp_path
    with pytest.raises(NotAskedError, match="ladr theory --json"):
        next(masks.draw(place))
    (tmp_path / "theory.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(Results, "theory", lambda self: {"provenance": PROVENANCE})
    with pytest.raises(LadrError, match="no rider_masks"):
        next(masks.draw(place))
    record = {
        "outlines": {"title": "", "verdict": "Far.", "rows": OUTLINES},
        "rider_masks": {"title": "", "verdict": "So.", "rows": MASKS},
        "provenance": PROVENANCE,
    }
    monkeypatch.setattr(Results, "theory", lambda self: record)
    plot, table = masks.draw(place)
    for words in ("Far. So.", "Results of 2031-01-02", "mini-geneval"):
        assert words in plot.caption
    assert "So." in table.caption
    assert len(table.data) == len(MASKS) * len(masks.AMOUNTS)
    assert table.data.iloc[0][["value", "low", "high"]].tolist() == [-5.0, -6.0, -3.0]
    line = table.shown.iloc[1]
    assert (line["Model"], line["Masked cells"], line["Surprise"]) == ("shapes", "100", "4.0 [3.0, 6.0]")
