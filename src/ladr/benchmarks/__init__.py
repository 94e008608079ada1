"""The benchmarks by name."""

from ladr.benchmarks import exact
from ladr.benchmarks.mini import SUITES
from ladr.benchmarks.mini.suite import MiniSuite
from ladr.errors import LadrError, nearest

BENCHMARKS: dict[str, MiniSuite | exact.FieldSuite] = {**SUITES, exact.SUITE.name: exact.SUITE}


def benchmark(name: str) -> MiniSuite | exact.FieldSuite:
    """The benchmark of that name."""
    if name not in BENCHMARKS:
        raise LadrError(f"benchmark: {name!r} is unknown{nearest(name, BENCHMARKS)}")
    return BENCHMARKS[name]
