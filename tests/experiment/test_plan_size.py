"""The work of a plan grows with the number of its jobs, and not faster."""

import sys

import pytest

from ladr.experiment.plan.jobs import jobs
from ladr.experiment.plan.plan import Plan
from tiny import TEXT, tiny

SIZES = (20, 40, 80)


def cells(count):
    """An experiment of about `count` small cells."""
    taus = [i / 1000 for i in range(count // 2)]
    return TEXT.replace("{phases.structure.alpha: [0.3, 0.6]}", str({
        "phases.structure.alpha": [0.3, 0.6], "phases.structure.tau": taus,
    }))  # fmt: skip


def shards(count):
    """An experiment whose cells are cut into `count` shards each."""
    text = TEXT.replace("{field-exact: 3}", "{field-exact: 64}").replace("part: 4", f"part: {192 // count}")
    return text.replace("batch_size: 4\n", "batch_size: 4\n    job_minutes: 0.00001\n")


def work(folder, monkeypatch, text):
    """Calls of functions to plan that experiment and to list its jobs, and how many jobs there are."""
    folder.mkdir()
    tiny(folder, text)
    monkeypatch.chdir(folder)
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        plan = Plan.read({}, ["-n"])
        listed = len(list(jobs(plan))) + sum(bool(plan.needs(shard)) or 1 for shard in plan.shards)
    finally:
        sys.setprofile(None)
    return calls, listed


@pytest.mark.parametrize("kind", [cells, shards])
def test_twice_the_jobs_are_twice_the_work(tmp_path, monkeypatch, kind):
    work(tmp_path / "warm", monkeypatch, kind(SIZES[0]))  # imports, and what is remembered between plans
    counts, listed = zip(
        *(work(tmp_path / str(size), monkeypatch, kind(size)) for size in SIZES), strict=True
    )
    assert kind is cells or listed[-1] > 2.5 * listed[0]
    first, second = counts[1] - counts[0], counts[2] - counts[1]
    assert second < 2.5 * first, f"{counts}: a line has twice, a parabola four times"
