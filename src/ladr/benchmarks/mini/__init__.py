"""The four mini benchmarks by name."""

from ladr.benchmarks.mini import dpg, geneval, t2i, unigen

SUITES = {suite.name: suite for suite in (geneval.SUITE, unigen.SUITE, dpg.SUITE, t2i.SUITE)}
