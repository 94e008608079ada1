"""The benchmarks: prompts, and ways to score what was decoded for them.

`benchmark(name)` gives one by its name, or by `package.module:NAME` one from outside this package;
`BENCHMARKS` are all that come with it. Each is a `Benchmark`, and nothing outside this room asks of which
kind. Beside these, other rooms call `rows`, `summary` and `compare` (judgements and their tables), `column`,
`intervals` and `prompt`. The folder `mini` holds the four benchmarks of the shape world, and in `pictures`
that of pictures; `official` holds the four published ones, `exact` is that of the exact field. This room
imports shapes and base.
"""

from dataclasses import replace
from functools import cache

from ladr.base import outside
from ladr.base.errors import LadrError, nearest
from ladr.benchmarks import exact
from ladr.benchmarks.benchmark import Benchmark
from ladr.benchmarks.mini import SUITES
from ladr.benchmarks.mini.pictures import suite as pictures
from ladr.benchmarks.official.registry import OFFICIAL

BENCHMARKS: dict[str, Benchmark] = {
    **SUITES,
    pictures.SUITE.name: pictures.SUITE,
    exact.SUITE.name: exact.SUITE,
    **OFFICIAL,
}


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name: one of `BENCHMARKS`, or the one at `package.module:NAME`."""
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    if outside.is_address(name):
        return _from_outside(name)
    raise LadrError(f"benchmark {name!r} is not known{nearest(name, BENCHMARKS)}, or package.module:NAME")


@cache
def _from_outside(name: str) -> Benchmark:
    """The `Benchmark` at that address. Its address becomes its name, so that results lead back to it."""
    held = outside.imported(name, "benchmark")
    if not isinstance(held, Benchmark):
        what = held.__name__ if isinstance(held, type) else f"a {type(held).__name__}"
        raise LadrError(f"benchmark {name!r}: {what} is not allowed; an instance of Benchmark is")
    return replace(held, name=name)
