"""The four mini benchmarks of the shape world, by name.

`suite` has their class and their frozen prompts, `scoring` reads and judges images, `prompts` says what a
prompt states, `sheet` draws contact sheets; `geneval`, `unigen`, `dpg` and `t2i` are the benchmarks. The room
of commands calls all of these. This folder imports shapes and the files beside it.
"""

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.mini import dpg, geneval, t2i, unigen
from ladr.benchmarks.mini.suite import MiniSuite

SUITES = {suite.name: suite for suite in (geneval.SUITE, unigen.SUITE, dpg.SUITE, t2i.SUITE)}


def suite_named(name: str) -> MiniSuite:
    """The mini benchmark of that name."""
    if name not in SUITES:
        raise LadrError(f"benchmark: {name!r} is unknown{nearest(name, SUITES)}")
    return SUITES[name]
