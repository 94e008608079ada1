"""The clock was set back: what was made later than now counts as made just now."""

import os
from pathlib import Path

from ladr.experiment.plan.clock import brought_back
from ladr.experiment.plan.plan import Plan
from tiny import tiny

DAY = 86400 * 10**9


def set_times(folder, times):
    for name, time in times.items():
        (folder / name).write_text(name)
        os.utime(folder / name, ns=(time, time))


def test_files_from_the_future_get_the_present_and_keep_their_order(tmp_path):
    now = 10 * DAY
    set_times(tmp_path, {"a": 13 * DAY, "b": 12 * DAY, "c": 13 * DAY, "old": 2 * DAY})
    assert brought_back(tmp_path.iterdir(), now) == 3
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert times["old"] == 2 * DAY
    assert times["old"] < times["b"] < times["a"] == times["c"] <= now
    assert brought_back(tmp_path.iterdir(), now) == 0


def test_a_run_after_the_clock_was_set_back_says_so(tmp_path, monkeypatch, capfd):
    params, grid = tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    plan = Plan(params, grid, Path("results"))
    (tmp_path / "results").mkdir()
    plan.note()
    file = tmp_path / "results/grid.json"
    later = file.stat().st_mtime_ns + 3 * DAY
    os.utime(file, ns=(later, later))
    plan.claim()
    assert "1 files are from the future" in capfd.readouterr().err
    assert file.stat().st_mtime_ns < later - 2 * DAY
