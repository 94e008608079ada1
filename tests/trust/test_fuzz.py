"""Drawn input at every door: an answer or one line, in time, and nothing half-written.

A part of it, the same in every run; `make fuzz` draws thousands and prints how many held.
"""

import pytest

from trust.doors import DOORS
from trust.fuzzed import Door, drawn, fault_of, fault_of_call


@pytest.mark.parametrize("name", DOORS)
def test_drawn_input_is_answered_or_refused(name):
    def examine(example, fault):
        assert fault == "", example

    drawn(DOORS[name], DOORS[name].part, None, examine)


def test_the_trial_sees_frames_lines_and_files(tmp_path, monkeypatch):
    """The trial itself is tried with answers that are wrong."""
    monkeypatch.chdir(tmp_path)

    def asked(says):
        monkeypatch.setattr("trust.fuzzed.answer", says)
        return fault_of_call(["x"])

    def writes(words):
        (tmp_path / "half").touch()
        return 2

    assert asked(lambda words: 3) == "exit code 3"
    assert asked(lambda words: 2).startswith("not one line")
    assert asked(lambda words: 1 / 0).startswith("a traceback: ZeroDivisionError")
    assert asked(writes) == "exit code 2, and files are not as they were"
    assert asked(lambda words: print("\x1b[2J") or 0).startswith("control characters")
    assert fault_of(lambda: 1 / 0).startswith("a traceback")


def test_as_many_examples_are_drawn_as_are_asked_for():
    from hypothesis import strategies as st

    seen = []
    door = Door(20, 20, st.integers(), lambda example: "")
    drawn(door, 20, 3, lambda example, fault: seen.append(example))
    assert len(seen) == 20
