"""The one column that stands for a benchmark, wherever a single figure is wanted."""

from collections.abc import Iterable

from ladr.benchmarks import benchmark
from ladr.benchmarks.summary import OVERALL


def main_column(name: str, valued: Iterable[str]) -> str | None:
    """Of the columns that have values: Overall, a substitute's Overall, else the benchmark's first; None if
    there are none."""
    columns = list(dict.fromkeys(valued))
    overall = [c for c in columns if c == OVERALL or c.startswith(f"{OVERALL} [")]
    own = [c for c in benchmark(name).columns if c in columns]
    return next(iter([*sorted(overall), *own, *columns]), None)
