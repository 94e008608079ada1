"""The mistakes of a row of `curves`: in the sampler, in the field that varies, in its values."""

from collections.abc import Iterator, Mapping
from typing import Any

from ladr.experiment.params.policy import NO_FIELD, Issue
from ladr.experiment.params.row import row_issues
from ladr.experiment.params.sweeps import grid_issues, varied


def curve_issues(path: tuple[str, ...], row: Mapping[str, Any], known: list[str]) -> Iterator[Issue]:
    """Every mistake of the values of the row at `path`; the row may refer to the `known` samplers."""
    field, values = row.get("vary"), row.get("values")
    if not isinstance(field, str):
        return
    base = {key: value for key, value in row.items() if key not in ("vary", "values")}
    at = (field.split(".")[0],)
    for issue in row_issues((), varied(base, {field: None}), known):
        if issue.path == at and issue.message.startswith(NO_FIELD):
            yield Issue((*path, "vary"), issue.message)
            return
    for place, listed in values.items() if isinstance(values, Mapping) else [(None, values)]:
        where = (*path, "values") if place is None else (*path, "values", place)
        for issue in grid_issues(where, base, {field: listed}, known):
            yield Issue((*where, *issue.path[len(where) + 1 :]), issue.message)
