"""Mistakes in params.yaml that types do not show: wrong names, fields of policies, references."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from ladr import backbones, benchmarks
from ladr.base.errors import LadrError, nearest
from ladr.decoding.caches import CACHES, cache
from ladr.decoding.policies.replay import REPLAY
from ladr.experiment.params.policy import OWN, Issue, policy_issues

SIZES = ("smoke", "default", "full")


def issues(data: Mapping[str, Any]) -> Iterator[Issue]:
    """Every mistake that the types do not show. `data` may be wrong in any way."""
    yield from _backbones(data)
    for path, row in rows(data):
        yield from _row(path, row, data)
    yield from _ablations(data)
    yield from _sweeps(data)
    yield from _others(data)


def rows(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every sampler of the file with its path."""
    for name, row in _items(data, "samplers"):
        yield ("samplers", name), row
    for group, body in _items(data, "ablations"):
        for name, row in _items(body, "rows"):
            yield ("ablations", group, "rows", name), row


def _items(data: Any, key: str) -> list[tuple[str, Mapping[str, Any]]]:
    rows = data.get(key) if isinstance(data, Mapping) else None
    return [(k, v) for k, v in rows.items() if isinstance(v, Mapping)] if isinstance(rows, Mapping) else []


def _names(path: tuple, names: Any, known: Iterable[str], what: str) -> Iterator[Issue]:
    """Each of these names, or keys of a mapping, must be one of the known."""
    known = list(known)
    if isinstance(names, (list, tuple)):
        names = dict(enumerate(names))
    elif isinstance(names, Mapping):
        names = {key: key for key in names}
    else:
        names = {}
    for place, name in names.items():
        if name not in known:
            yield Issue((*path, place), f"{what} {name!r} is not known{nearest(name, known)}")


def _size(path: tuple, size: Any) -> Iterator[Issue]:
    if isinstance(size, str) and size not in SIZES:
        yield Issue(path, f"size {size!r} is not known{nearest(size, SIZES)}, or a number of prompts")


def _benchmark(path: tuple, name: Any) -> Iterator[Issue]:
    try:
        benchmarks.benchmark(name)
    except LadrError as error:
        yield Issue(path, str(error))


def _backbones(data: Mapping[str, Any]) -> Iterator[Issue]:
    known = [name for name, _ in _items(data, "backbones")]
    yield from _names(("use",), data.get("use"), known, "backbone")
    for name, row in _items(data, "backbones"):
        path = ("backbones", name)
        try:
            backbones.kind(row.get("kind") or name)
        except LadrError as error:
            at = (*path, "kind") if "kind" in row else path
            yield Issue(at, str(error).replace("backbone: ", "backbone ", 1))
        sizes = row.get("benchmarks")
        for benchmark, size in sizes.items() if isinstance(sizes, Mapping) else ():
            yield from _benchmark((*path, "benchmarks", benchmark), benchmark)
            yield from _size((*path, "benchmarks", benchmark), size)
        for benchmark in row.get("images") or () if isinstance(sizes, Mapping) else ():
            if benchmark not in sizes:
                what = f"benchmark {benchmark!r} is not one of this backbone's{nearest(benchmark, sizes)}"
                yield Issue((*path, "images", benchmark), what)


def _row(path: tuple[str, ...], row: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Issue]:
    yield from policy_issues(path, {k: v for k, v in row.items() if k not in OWN or k == "policy"})
    yield from _cache(path, row.get("cache"))
    yield from _names((*path, "backbones"), row.get("backbones"), data.get("backbones") or (), "backbone")
    known = [*dict.fromkeys([*siblings(path, data), *(data.get("samplers") or ())])]
    targets = [(("match",), row["match"])] if isinstance(row.get("match"), str) else []
    targets += [(key, text.removeprefix(REPLAY)) for key, text in _replays(row)]
    for key, target in targets:
        if target == path[-1]:
            yield Issue((*path, *key), f"{target!r} refers to itself")
        elif target not in known:
            yield Issue((*path, *key), f"sampler {target!r} is not known{nearest(target, known)}")
    if "match" in row and "steps" in row:
        yield Issue((*path, "match"), "both `match` and `steps` say how many steps to take; leave one out")


def siblings(path: tuple[str, ...], data: Mapping[str, Any]) -> Iterable[str]:
    """The names of the rows beside the one at `path`."""
    return data["ablations"][path[1]]["rows"] if path[0] == "ablations" else data["samplers"]


def _replays(row: Any, key: tuple = ()) -> Iterator[tuple[tuple, str]]:
    if isinstance(row, Mapping):
        for name, value in row.items():
            yield from _replays(value, (*key, name))
    elif isinstance(row, str) and row.startswith(REPLAY):
        yield key, row


def _cache(path: tuple[str, ...], settings: Any) -> Iterator[Issue]:
    if not isinstance(settings, Mapping):
        return
    if (name := settings.get("name")) not in CACHES:
        key = ("name",) if "name" in settings else ()
        yield Issue((*path, "cache", *key), f"cache {name!r} is not known{nearest(str(name), CACHES)}")
        return
    for key in settings:
        if key != "name":
            try:
                cache(name, **{key: settings[key]})
            except (LadrError, TypeError) as error:
                yield Issue((*path, "cache", key), str(error).removeprefix(f"cache.{key}: "))


def _ablations(data: Mapping[str, Any]) -> Iterator[Issue]:
    for name, body in _items(data, "ablations"):
        yield from _group(("ablations", name), body, data)


def _group(path: tuple, body: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Issue]:
    """The mistakes that ablations and sweeps have in common."""
    listed = body.get("benchmarks")
    for place, name in enumerate(listed if isinstance(listed, list) else ()):
        yield from _benchmark((*path, "benchmarks", place), name)
    yield from _size((*path, "size"), body.get("size"))
    images = body.get("images")
    if isinstance(images, Mapping):
        yield from _names((*path, "images"), images, data.get("backbones") or (), "backbone")


def _sweeps(data: Mapping[str, Any]) -> Iterator[Issue]:
    samplers = dict(_items(data, "samplers"))
    for name, body in _items(data, "sweeps"):
        path = ("sweeps", name)
        yield from _group(path, body, data)
        yield from _names(
            (*path, "backbones"), body.get("backbones"), data.get("backbones") or (), "backbone"
        )
        base = body.get("base")
        if isinstance(base, str) and base not in samplers:
            yield Issue((*path, "base"), f"sampler {base!r} is not known{nearest(base, samplers)}")
        elif base in samplers and isinstance(body.get("grid"), Mapping):
            yield from _points((*path, "grid"), samplers[base], body["grid"])


def _points(path: tuple[str, ...], base: Mapping[str, Any], grid: Mapping[str, Any]) -> Iterator[Issue]:
    """Check each value by itself, then each combination, so that a bad value is named once."""
    mistakes = [*_row_of(base)]
    known = {issue.message for issue in mistakes}
    for key, values in grid.items():
        for i, value in enumerate(values if isinstance(values, list) else ()):
            for issue in _row_of(varied(base, {key: value})):
                mistakes.append(issue)
                if issue.message not in known:
                    yield Issue((*path, key, i), issue.message)
    if not mistakes and all(isinstance(v, list) for v in grid.values()):
        for point in points(grid):
            for issue in _row_of(varied(base, point)):
                yield Issue(path, f"{', '.join(f'{k} = {v}' for k, v in point.items())}: {issue.message}")


def _row_of(row: Mapping[str, Any]) -> Iterator[Issue]:
    yield from policy_issues((), {k: v for k, v in row.items() if k not in OWN or k == "policy"})
    yield from _cache((), row.get("cache"))


def points(grid: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values, the last key varying fastest."""
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def varied(row: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the dotted fields of `point` set; what it did not have is added."""
    out = {k: v for k, v in row.items() if not (k == "match" and "steps" in point)}
    for key, value in point.items():
        *above, last = key.split(".")
        node = out
        for name in above:
            inner = node.get(name)
            node[name] = dict(inner) if isinstance(inner, Mapping) else {}
            node = node[name]
        node[last] = value
    return out


def _others(data: Mapping[str, Any]) -> Iterator[Issue]:
    samplers = [name for name, _ in _items(data, "samplers")]
    baseline = data.get("baseline", "cosine")
    if isinstance(baseline, str) and samplers and baseline not in samplers:
        yield Issue(("baseline",), f"sampler {baseline!r} is not known{nearest(baseline, samplers)}")
    latency = data.get("latency")
    if isinstance(latency, Mapping):
        known = data.get("backbones") or ()
        yield from _names(("latency", "backbones"), latency.get("backbones"), known, "backbone")
        names = latency.get("benchmark")
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str):
                yield from _benchmark(("latency", "benchmark"), name)
