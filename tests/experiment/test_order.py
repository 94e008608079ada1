"""Which decode jobs come first."""

from ladr.experiment.plan.batch import CellBatch
from ladr.experiment.plan.order import PICTURES, priorities
from tiny import cell_of, tiny


def batches(grid, **cells):
    return [CellBatch(name, tuple(cell_of(grid, row) for row in rows)) for name, rows in cells.items()]


def test_a_long_chain_comes_before_a_long_job_and_a_long_job_before_a_short_one(tmp_path):
    _, grid = tiny(tmp_path)
    jobs = batches(grid, a=["ladr"], b=["matched"], c=["cosine"], d=["halton"])
    assert cell_of(grid, "ladr").id in cell_of(grid, "matched").needs
    takes = {"ladr": 10, "matched": 20, "cosine": 25, "halton": 5}
    seconds = {cell_of(grid, row).id: value for row, value in takes.items()}
    first = priorities(jobs, lambda cell: seconds[cell.id], ())
    assert sorted(first, key=first.get, reverse=True) == ["a", "c", "b", "d"]
    assert first["a"] == 31


def test_what_the_illustrations_wait_for_comes_early(tmp_path):
    _, grid = tiny(tmp_path)
    jobs = batches(grid, a=["cosine"], b=["halton"])
    first = priorities(jobs, lambda _: 7, {cell_of(grid, "halton").id})
    assert first == {"a": 8, "b": 8 + PICTURES}
