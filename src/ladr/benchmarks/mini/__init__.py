"""The four mini benchmarks by name."""

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.mini import dpg, geneval, t2i, unigen
from ladr.benchmarks.mini.suite import MiniSuite

SUITES = {suite.name: suite for suite in (geneval.SUITE, unigen.SUITE, dpg.SUITE, t2i.SUITE)}


def suite_named(name: str) -> MiniSuite:
    """The mini benchmark of that name."""
    if name not in SUITES:
        raise LadrError(f"benchmark: {name!r} is unknown{nearest(name, SUITES)}")
    return SUITES[name]
