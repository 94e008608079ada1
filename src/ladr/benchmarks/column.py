"""The one column that stands for a benchmark where a single number is shown."""

from collections.abc import Iterable

from ladr.benchmarks import benchmark
from ladr.benchmarks.summary import OVERALL


def main_column(name: str, valued: Iterable[str]) -> str | None:
    """The column that stands for the benchmark: Overall if it has values, else the Overall of a substitute,
    else the first of the benchmark's columns with values. None if no column has any."""
    columns = list(dict.fromkeys(valued))
    overall = [c for c in columns if c == OVERALL or c.startswith(f"{OVERALL} [")]
    own = [c for c in benchmark(name).columns if c in columns]
    return next(iter([*sorted(overall), *own, *columns]), None)
