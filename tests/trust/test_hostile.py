"""Hostile files, judges and texts: refused in one line, nothing run, nothing outside touched.

A part of them; `make hostile` tries all and prints how many were refused.
"""

import pytest

from trust import hostile
from trust.box import Tally, tried

PART = {
    "images": 12,
    "official": 40,
    "checkpoints": 60,
    "weights": 8,
    "written": 4,
    "answers": 6,
}  # every so manieth


def part():
    for family, step in PART.items():
        yield from list(hostile.FAMILIES[family]())[::step]


@pytest.mark.parametrize("attempt", [pytest.param(attempt, id=attempt.name) for attempt in part()])
def test_what_is_hostile_is_refused(attempt, tmp_path):
    tally = Tally()
    assert tried(attempt, tmp_path, tally) == ""
    assert str(tally) == "refused 1 of 1; 0 executed, 0 files touched outside"


def test_the_box_sees_what_runs_and_what_is_touched(tmp_path):
    """The trial itself is tried with attempts that do harm."""
    from trust.box import Attempt

    def run(box):
        box.marker.write_text("ran")
        raise ValueError("two\nlines")

    def touch(box):
        (box.outside / "victim.txt").write_text("x")
        return "harmless"

    tally = Tally()
    assert tried(Attempt("run", run), tmp_path / "a", tally) == "it ran code"
    assert "touched 1 files" in tried(Attempt("touch", touch), tmp_path / "b", tally)
    assert tried(Attempt("nothing", lambda box: None), tmp_path / "c", tally) == "it was let in"
    assert str(tally) == "refused 1 of 3; 1 executed, 1 files touched outside"
