"""Mistakes in params.yaml that types do not show: wrong names, fields of policies, references."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ladr import backbones, benchmarks
from ladr.base.errors import LadrError, nearest
from ladr.base.outside import is_address
from ladr.benchmarks.sizes import HALVES, SIZES, halved, parted
from ladr.experiment.params.curves import curve_issues
from ladr.experiment.params.labels import label_issues, shared_labels
from ladr.experiment.params.policy import Issue
from ladr.experiment.params.row import row_issues
from ladr.experiment.params.sweeps import grid_issues
from ladr.experiment.params.values import value_issues

MOST_PROMPTS = 10_000


def issues(data: Mapping[str, Any]) -> Iterator[Issue]:
    """Every mistake that the types do not show. `data` may be wrong in any way."""
    yield from _alike(data)
    yield from _backbones(data)
    for path, row in rows(data):
        yield from _row(path, row, data)
    yield from _labels(data)
    yield from _ablations(data)
    yield from _sweeps(data)
    yield from _curves(data)
    yield from _others(data)
    yield from value_issues(data)


def rows(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every sampler of the file with its path."""
    for name, row in _items(data, "samplers"):
        yield ("samplers", name), row
    for group, body in _items(data, "ablations"):
        for name, row in _items(body, "rows"):
            yield ("ablations", group, "rows", name), row
    for group, body in _items(data, "curves"):
        for name, row in _items(body, "rows"):
            yield ("curves", group, "rows", name), row


def _items(data: Any, key: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(k, v) for k, v in _mapping(data, key).items() if isinstance(v, Mapping)]


def _mapping(data: Any, key: str) -> Mapping[str, Any]:
    """The mapping at that key, an empty one if there is none."""
    rows = data.get(key) if isinstance(data, Mapping) else None
    return rows if isinstance(rows, Mapping) else {}


def _names(path: tuple, names: Any, known: Iterable[str], what: str) -> Iterator[Issue]:
    """Each of these names, or keys of a mapping, must be one of the known, and a list has it once."""
    known = list(known)
    if isinstance(names, (list, tuple)):
        yield from _twice(path, names)
        names = dict(enumerate(names))
    elif isinstance(names, Mapping):
        names = {key: key for key in names}
    else:
        names = {}
    for place, name in names.items():
        if name not in known:
            yield Issue((*path, place), f"{what} {name!r} is not known{nearest(name, known)}")


def _twice(path: tuple, names: Any) -> Iterator[Issue]:
    """The names that stand in a list a second time."""
    names = names if isinstance(names, (list, tuple)) else []
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Issue((*path, place), f"{name!r} stands here twice; leave one out")


def _alike(data: Mapping[str, Any]) -> Iterator[Issue]:
    """Names that would share one file or one rule of the workflow: they differ in - and _ alone."""
    for section in ("backbones", "ablations", "sweeps", "curves"):
        first: dict[str, str] = {}
        for name in _mapping(data, section):
            other = first.setdefault(str(name).replace("-", "_"), name)
            if other != name:
                yield Issue((section, name), f"differs from {other!r} in - and _ alone; rename one of them")


def _size(path: tuple, size: Any) -> Iterator[Issue]:
    whole, half = parted(size) if isinstance(size, str) else (size, None)
    if isinstance(whole, str) and whole not in SIZES:
        halves = [halved(one, side) for one in SIZES for side in HALVES]
        known = halves if ":" in str(size) else list(SIZES)
        yield Issue(path, f"size {size!r} is not known{nearest(size, known)}, or a number of prompts")
    elif half and whole == 0:
        yield Issue(path, f"size {size!r} is not allowed; at least one prompt per column")
    elif isinstance(whole, int) and whole > MOST_PROMPTS:
        yield Issue(path, f"is not allowed; at most {MOST_PROMPTS} prompts per column")


def _benchmark(path: tuple, name: Any) -> Iterator[Issue]:
    try:
        benchmarks.benchmark(str(name))
    except LadrError as error:
        yield Issue(path, str(error))


def _backbones(data: Mapping[str, Any]) -> Iterator[Issue]:
    known = [name for name, _ in _items(data, "backbones")]
    yield from _names(("use",), data.get("use"), known, "backbone")
    for name, row in _items(data, "backbones"):
        path = ("backbones", name)
        yield from _kind(path, row)
        sizes = _mapping(row, "benchmarks")
        for benchmark, size in sizes.items():
            yield from _benchmark((*path, "benchmarks", benchmark), benchmark)
            yield from _size((*path, "benchmarks", benchmark), size)
        for benchmark in _mapping(row, "images") if sizes else ():
            if benchmark not in sizes:
                what = f"benchmark {benchmark!r} is not one of this backbone's{nearest(benchmark, sizes)}"
                yield Issue((*path, "images", benchmark), what)


def _kind(path: tuple[str, str], row: Mapping[str, Any]) -> Iterator[Issue]:
    """Is the backbone known, are its settings what they may be, can it answer its benchmarks?"""
    name = row.get("kind") or path[1]
    try:
        kind = backbones.kind(str(name))
    except LadrError as error:
        place = (*path, "kind") if "kind" in row else path
        yield Issue(place, str(error).replace("backbone: ", "backbone ", 1))
        return
    for key, reason in kind.mistakes(_mapping(row, "settings")):
        yield Issue((*path, "settings", key), reason.removeprefix(f"{row['settings'][key]!r} "))
    for benchmark in _mapping(row, "benchmarks"):
        if benchmark in benchmarks.BENCHMARKS or is_address(benchmark):
            yield from _readable((*path, "benchmarks", benchmark), benchmark, kind)


def _readable(path: tuple, benchmark: str, kind: Any) -> Iterator[Issue]:
    try:
        reads = benchmarks.benchmark(benchmark).reads
    except LadrError:
        return
    if kind.reads not in reads:
        yield Issue(path, f"is for backbones that read {' or '.join(reads)}; {kind.name} reads {kind.reads}")


def _row(path: tuple[str, ...], row: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Issue]:
    known = [*dict.fromkeys([*siblings(path, data), *(_mapping(data, "samplers"))])]
    yield from row_issues(path, row, known)
    yield from _names((*path, "backbones"), row.get("backbones"), _mapping(data, "backbones"), "backbone")


def siblings(path: tuple[str, ...], data: Mapping[str, Any]) -> Iterable[str]:
    """The names of the rows beside the one at `path`."""
    return data["samplers"] if path[0] == "samplers" else data[path[0]][path[1]]["rows"]


def _labels(data: Mapping[str, Any]) -> Iterator[Issue]:
    for path, row in rows(data):
        yield from label_issues(path, row)
    yield from shared_labels(("samplers",), _mapping(data, "samplers"))
    for section in ("ablations", "sweeps", "curves"):
        for name, body in _items(data, section):
            yield from label_issues((section, name), body)
            yield from shared_labels((section, name, "rows"), _mapping(body, "rows"))


def _ablations(data: Mapping[str, Any]) -> Iterator[Issue]:
    for name, body in _items(data, "ablations"):
        yield from _group(("ablations", name), body, data)


def _group(path: tuple, body: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Issue]:
    """The mistakes that ablations, sweeps and curves have in common."""
    listed = body.get("benchmarks")
    yield from _twice((*path, "benchmarks"), listed)
    for place, name in enumerate(listed if isinstance(listed, list) else ()):
        yield from _benchmark((*path, "benchmarks", place), name)
    yield from _names((*path, "backbones"), body.get("backbones"), _mapping(data, "backbones"), "backbone")
    yield from _size((*path, "size"), body.get("size"))
    images = body.get("images")
    if isinstance(images, Mapping):
        yield from _names((*path, "images"), images, _mapping(data, "backbones"), "backbone")


def _sweeps(data: Mapping[str, Any]) -> Iterator[Issue]:
    samplers = dict(_items(data, "samplers"))
    for name, body in _items(data, "sweeps"):
        path = ("sweeps", name)
        yield from _group(path, body, data)
        base = body.get("base")
        if isinstance(base, str) and base not in samplers:
            yield Issue((*path, "base"), f"sampler {base!r} is not known{nearest(base, samplers)}")
        elif isinstance(base, str) and isinstance(body.get("grid"), Mapping):
            yield from grid_issues((*path, "grid"), samplers[base], body["grid"], [*samplers])


def _curves(data: Mapping[str, Any]) -> Iterator[Issue]:
    for name, body in _items(data, "curves"):
        yield from _group(("curves", name), body, data)
        for row_name, row in _items(body, "rows"):
            path = ("curves", name, "rows", row_name)
            if isinstance(row.get("values"), Mapping):
                known = _mapping(data, "backbones")
                yield from _names((*path, "values"), row["values"], known, "backbone")
            yield from curve_issues(path, row, [*_mapping(data, "samplers"), *_mapping(body, "rows")])


def _others(data: Mapping[str, Any]) -> Iterator[Issue]:
    samplers = [name for name, _ in _items(data, "samplers")]
    baseline = data.get("baseline", "cosine")
    if isinstance(baseline, str) and samplers and baseline not in samplers:
        yield Issue(("baseline",), f"sampler {baseline!r} is not known{nearest(baseline, samplers)}")
    latency = data.get("latency")
    if isinstance(latency, Mapping):
        known = _mapping(data, "backbones")
        yield from _names(("latency", "backbones"), latency.get("backbones"), known, "backbone")
        names = latency.get("benchmark")
        yield from _twice(("latency", "benchmark"), names)
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str):
                yield from _benchmark(("latency", "benchmark"), name)
    yield from _twice(("figures",), data.get("figures"))
