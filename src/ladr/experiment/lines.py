"""How the lines of a grid, and the samplers in the specs of their cells, relate to each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ladr.benchmarks import benchmark
from ladr.decoding.policies.replay import REPLAY, SOURCES

SAMPLERS = "samplers"
CURVES = "curves/"  # how the names of these groups begin
Sampler = Mapping[str, Any]  # the part of a cell's spec with policy, steps, temperature and cache


def illustrated(lines: Iterable[Any]) -> dict[str, list[Any]]:
    """Backbone -> the lines that illustrations show: its samplers on its first benchmark with true images."""
    out: dict[str, list[Any]] = {}
    for line in lines:
        if line.group != SAMPLERS or not benchmark(line.benchmark).has_truth:
            continue
        shown = out.setdefault(line.backbone, [])
        if not shown or shown[0].benchmark == line.benchmark:
            shown.append(line)
    return out


def budget(cell: str, sampler: Sampler) -> str:
    """The cell whose counts of commits per image and pass this cell repeats, or the cell itself."""
    return next(_sources(sampler, (REPLAY,)), cell)


def source(sampler: Sampler) -> str | None:
    """The cell whose counts of commits this sampler repeats, or whose tokens it knows, if there is one."""
    return next(_sources(sampler, SOURCES), None)


def _sources(value: Any, words: tuple[str, ...]) -> Iterator[str]:
    """The cells whose names stand after one of these words."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _sources(one, words)
    elif isinstance(value, str) and value.startswith(words):
        yield value.partition(":")[2]


def adds_up(samplers: Sequence[Sampler]) -> bool:
    """Is the last of these the first with every change that those between make? One at least is between."""
    first, *parts, last = [_flat(sampler) for sampler in samplers] if len(samplers) > 2 else ({}, {})
    changed = [
        (key, part.get(key)) for part in parts for key in {*first, *part} if part.get(key) != first.get(key)
    ]
    return bool(changed) and all(last.get(key) == value for key, value in changed)


def _flat(sampler: Sampler) -> dict[Any, Any]:
    """The keys of a sampler and, in pairs with `policy`, the fields of its policy."""
    fields = {("policy", key): value for key, value in sampler["policy"].items()}
    return {**sampler, **fields, "policy": None}


def delays(other: Sampler, full: Sampler) -> bool:
    """Is `other` the sampler `full`, but without rescue in the first phase?"""
    both = [list((s["policy"].get("phases") or {}).items()) for s in (other, full)]
    if not all(both):
        return False
    (late, *rest), (first, *same) = both
    alike = _without_phases(other) == _without_phases(full) and rest == same and _end(late) == _end(first)
    return alike and late[1]["alpha"] == 0 != first[1]["alpha"]


def _without_phases(sampler: Sampler) -> dict[str, Any]:
    return {**sampler, "policy": {**sampler["policy"], "phases": None}}


def _end(phase: tuple[str, Mapping[str, Any]]) -> tuple[str, float]:
    name, settings = phase
    return name, settings["until"]
