"""The benchmarks: prompts, and ways to score what was decoded for them.

`benchmark(name)` gives one by its name, `BENCHMARKS` are all that come with the package. Each is a
`benchmark.Benchmark`; nothing outside this room asks of which kind it is. The folders: `mini` (the four mini
benchmarks of the shape world) and `official` (the four published ones); `exact` is the benchmark of the exact
field. From outside are called, beside these: `rows`, `summary` and `compare` (judgements and their tables),
`column`, `intervals`, `prompt`. This room imports shapes and base.
"""

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks import exact
from ladr.benchmarks.benchmark import Benchmark
from ladr.benchmarks.mini import SUITES
from ladr.benchmarks.official.registry import OFFICIAL

BENCHMARKS: dict[str, Benchmark] = {**SUITES, exact.SUITE.name: exact.SUITE, **OFFICIAL}


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name."""
    if name not in BENCHMARKS:
        raise LadrError(f"benchmark: {name!r} is not known{nearest(name, BENCHMARKS)}")
    return BENCHMARKS[name]
