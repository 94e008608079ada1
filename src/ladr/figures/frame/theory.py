"""The record of `ladr theory --json`, as figures read it."""

from typing import Any

from ladr.base.errors import LadrError
from ladr.figures.frame.caption import dates, machine
from ladr.figures.frame.results import NotAskedError, Results


def recorded(results: Results) -> dict[str, Any]:
    """The record: section -> its title, verdict and rows. NotAskedError where there is none."""
    where = results.root / "theory.json"
    if not where.is_file():
        raise NotAskedError(f"{where} is not there; `ladr theory --json` prints it")
    return results.theory()


def sections(results: Results, *names: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """These sections, and what a caption says of their origin: the machine and the dates. LadrError where
    one is lacking."""
    record = recorded(results)
    lacking = [name for name in names if name not in record]
    if lacking or record.get("provenance") is None:
        where = results.root / "theory.json"
        what = lacking[0] if lacking else "provenance"
        raise LadrError(f"{where} has no {what} in it; run `ladr theory --json > {where}` again")
    return [record[name] for name in names], origin(record["provenance"])


def origin(provenance: dict[str, Any]) -> dict[str, str]:
    """The machine and the dates of a provenance, in words."""
    return {
        "machine": machine(provenance),
        "dates": dates([provenance["began"], provenance["ended"]]),
    }
