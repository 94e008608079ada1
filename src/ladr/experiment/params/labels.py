"""Labels that a table could not show: empty ones, ones of several lines, and one that two rows share."""

from collections.abc import Iterator, Mapping
from typing import Any

from ladr.experiment.params.policy import Issue


def label_issues(path: tuple[str, ...], body: Mapping[str, Any]) -> Iterator[Issue]:
    """The mistakes of the label of the row or group at `path`."""
    label = body.get("label")
    if not isinstance(label, str):
        return
    if not label.strip():
        yield Issue((*path, "label"), "is empty; leave `label` out, or write what tables are to show")
    elif label.splitlines() != [label]:
        yield Issue((*path, "label"), "has more than one line; write it in one")


def shared_labels(path: tuple[str, ...], rows: Mapping[str, Any]) -> Iterator[Issue]:
    """The rows below `path` that a table could not tell from a row before them: those with the same label
    that run on the same backbone."""
    before: dict[str, list[tuple[str, set[str] | None]]] = {}
    for name, row in rows.items():
        if not isinstance(row, Mapping):
            continue
        label, own = row.get("label"), _backbones(row)
        shown = " ".join(label.split()) if isinstance(label, str) else str(name)
        alike = before.setdefault(shown, [])
        for other, theirs in alike:
            if own is None or theirs is None or own & theirs:
                place = (*path, name, "label") if isinstance(label, str) else (*path, name)
                yield Issue(
                    place, f"tables show rows {other!r} and {name!r} as {shown!r}; rename one of them"
                )
                break
        alike.append((name, own))


def _backbones(row: Mapping[str, Any]) -> set[str] | None:
    """The backbones that a row is for; None for all."""
    listed, values = row.get("backbones"), row.get("values")
    own = {str(name) for name in listed} if isinstance(listed, list) else None
    valued = {str(name) for name in values} if isinstance(values, Mapping) else None
    if own is None or valued is None:
        return valued if own is None else own
    return own & valued
