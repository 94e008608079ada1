"""The points of sweeps, and the mistakes that only a point shows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from ladr.experiment.params.policy import Issue
from ladr.experiment.params.row import row_issues
from ladr.experiment.params.typed import typed_row

MOST_POINTS = 10_000
UNVARIED = ("label", "backbones")  # keys of a row that its tokens do not depend on


def grid_issues(
    path: tuple[str, ...], base: Mapping[str, Any], grid: Mapping[str, Any], known: list[str]
) -> Iterator[Issue]:
    """Check each value by itself, then each combination as a whole row, so that a bad value is named once.

    known: the samplers that a row may refer to.
    """
    values = {key: value if isinstance(value, list) else [] for key, value in grid.items()}
    for key, listed in grid.items():
        if listed == []:
            yield Issue((*path, key), "is empty; a list with at least one value is wanted")
        if key in UNVARIED or not all(key.split(".")):
            yield Issue((*path, key), "is no field to vary; a field such as phases.structure.alpha")
    count = prod(map(len, values.values()))
    if count > MOST_POINTS:
        yield Issue(path, f"{count} points; at most {MOST_POINTS} are allowed")
    elif count and not any(key in UNVARIED or not all(key.split(".")) for key in values):
        yield from _points(path, base, values, known)


def _points(
    path: tuple[str, ...], base: Mapping[str, Any], grid: Mapping[str, list], known: list[str]
) -> Any:
    mistakes = list(row_mistakes(base, known))
    standing = {issue.message for issue in mistakes}
    for key, values in grid.items():
        for i, value in enumerate(values):
            if value in values[:i]:
                yield Issue((*path, key, i), "stands here twice; leave one out")
            for issue in row_mistakes(varied(base, {key: value}), known):
                mistakes.append(issue)
                if issue.message not in standing:
                    yield Issue((*path, key, i), issue.message)
    if mistakes:
        return
    for point in points(grid):
        for issue in row_mistakes(varied(base, point), known):
            yield Issue(path, f"{', '.join(f'{k} = {v}' for k, v in point.items())}: {issue.message}")


def row_mistakes(row: Mapping[str, Any], known: Sequence[str]) -> Iterator[Issue]:
    """The mistakes of a row, those that its types show included."""
    yield from typed_row(row)
    yield from row_issues((), row, known)


def points(grid: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values, the last key varying fastest."""
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def varied(row: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the dotted fields of `point` set; what it did not have is added, and a policy that stands
    there by its name alone becomes a mapping."""
    out = {k: v for k, v in row.items() if not (k == "match" and "steps" in point)}
    for key, value in point.items():
        *above, last = key.split(".")
        node = out
        for name in above:
            inner = node.get(name)
            named = {"policy": inner} if isinstance(inner, str) else {}
            node[name] = dict(inner) if isinstance(inner, Mapping) else named
            node = node[name]
        node[last] = value
    return out
