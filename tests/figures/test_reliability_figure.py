"""The reliability diagram: values, intervals and the words of its caption."""

import pandas as pd
import pytest

from ladr.base.errors import LadrError
from ladr.figures import reliability
from ladr.figures.frame.results import NotAskedError, Results

PROVENANCE = {"began": "2031-01-02T03:04:05", "ended": "2031-01-02T04:04:05", "cpu": "a", "threads": 1,
              "torch": "9", "quick": False}  # fmt: skip


def row(branch, probability, share, phase="structure"):
    return {
        "backbone": "shapes", "guidance": 1.0, "images": 6, "steps": 64, "phase": phase, "branch": branch,
        "low": 0.4, "high": 0.6, "cells": 9, "probability": probability, "share": share, "share_se": 0.1,
    }  # fmt: skip


def test_every_branch_of_a_phase_is_drawn_with_its_interval():
    rows = [row("conditional", 0.5, 0.55), row("guided", 0.9, 0.6), row("guided", 0.2, 0.1, "refinement")]
    figure = reliability.draw_rows(pd.DataFrame(rows))
    structure, refinement = figure.axes
    assert [p.get_title() for p in figure.axes] == ["structure", "refinement"]
    points = [tuple(map(tuple, c.lines[0].get_xydata())) for c in structure.containers]
    assert points == [((0.5, 0.55),), ((0.9, 0.6),)]
    bars = [bar for c in structure.containers for bar in c.lines[2][0].get_segments()]
    assert [sorted(y for _, y in bar) for bar in bars] == [
        pytest.approx([y - 0.196, y + 0.196], abs=1e-3) for y in (0.55, 0.6)
    ]
    assert not len(refinement.containers[0].lines[0].get_xydata())


def test_it_is_drawn_from_the_theory_record_and_says_where_it_is_from(tmp_path, monkeypatch):
    place = Results.__new__(Results)
    place.root = tmp_path
    with pytest.raises(NotAskedError, match="ladr theory --json"):
        next(reliability.draw(place))
    (tmp_path / "theory.json").write_text("{}", encoding="utf-8")
    record = {"reliability": {"title": "", "verdict": "So.", "rows": [row("guided", 0.9, 0.6)]}}
    monkeypatch.setattr(Results, "theory", lambda self: {"provenance": PROVENANCE})
    with pytest.raises(LadrError, match="no reliability"):
        next(reliability.draw(place))
    monkeypatch.setattr(Results, "theory", lambda self: {**record, "provenance": PROVENANCE})
    (plot,) = reliability.draw(place)
    for words in ("shapes, guidance 1: 6 images", "So.", "64 passes", "Results of 2031-01-02"):
        assert words in plot.caption
