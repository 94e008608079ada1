"""Mistakes in one row of samplers: its policy, its cache, and the rows that it refers to."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.decoding.caches import CACHES, cache
from ladr.decoding.policies.replay import SOURCES
from ladr.experiment.params.policy import OWN, Issue, policy_issues


def row_issues(path: tuple[str, ...], row: Mapping[str, Any], known: Iterable[str]) -> Iterator[Issue]:
    """Every mistake of the row at `path` that types do not show; it may refer to the `known` rows."""
    yield from policy_issues(path, {k: v for k, v in row.items() if k not in OWN or k == "policy"})
    yield from _cache(path, row.get("cache"))
    targets = [(("match",), row["match"])] if isinstance(row.get("match"), str) else []
    targets += [(key, text.partition(":")[2]) for key, text in _sources(row)]
    known = list(known)
    for key, target in targets:
        if path and target == path[-1]:
            yield Issue((*path, *key), f"{target!r} refers to itself")
        elif target not in known:
            yield Issue((*path, *key), f"sampler {target!r} is not known{nearest(target, known)}")
    if row.get("match") is not None and row.get("steps") is not None:
        yield Issue((*path, "match"), "both `match` and `steps` say how many steps to take; leave one out")


def _sources(row: Any, key: tuple = ()) -> Iterator[tuple[tuple, str]]:
    if isinstance(row, Mapping):
        for name, value in row.items():
            yield from _sources(value, (*key, name))
    elif isinstance(row, str) and row.startswith(SOURCES):
        yield key, row


def _cache(path: tuple[str, ...], settings: Any) -> Iterator[Issue]:
    if not isinstance(settings, Mapping):
        return
    name = settings.get("name")
    if not isinstance(name, str) or name not in CACHES:
        key = ("name",) if "name" in settings else ()
        yield Issue((*path, "cache", *key), f"cache {name!r} is not known{nearest(str(name), CACHES)}")
        return
    wrong = False
    for key in settings:
        if key != "name":
            for issue in _built((*path, "cache", key), {"name": name, key: settings[key]}):
                wrong = True
                yield issue
    if not wrong:
        yield from _built((*path, "cache"), settings)


def _built(path: tuple[str, ...], settings: Mapping[str, Any]) -> Iterator[Issue]:
    try:
        cache(**settings)
    except (LadrError, TypeError) as error:
        yield Issue(path, str(error).removeprefix(f"cache.{path[-1]}: "))
