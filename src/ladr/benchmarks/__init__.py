"""The benchmarks by name."""

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks import exact
from ladr.benchmarks.mini import SUITES
from ladr.benchmarks.mini.suite import MiniSuite
from ladr.benchmarks.official.grid import OFFICIAL, GridSuite

AnySuite = MiniSuite | exact.FieldSuite | GridSuite
BENCHMARKS: dict[str, AnySuite] = {**SUITES, exact.SUITE.name: exact.SUITE, **OFFICIAL}


def benchmark(name: str) -> AnySuite:
    """The benchmark of that name."""
    if name not in BENCHMARKS:
        raise LadrError(f"benchmark: {name!r} is unknown{nearest(name, BENCHMARKS)}")
    return BENCHMARKS[name]
