"""MLflow's embedded store below results/: what was written into it, so that a change is seen.

MLflow writes into its database when somebody adds a note or a tag in the browser. So the record of the store
does not hold a checksum of the file, but of what this project writes: runs, parameters, metrics and tags.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.experiment.cells import record
from ladr.experiment.cells.record import RESULTS, described

DATABASE, ARTIFACTS, RECORD = "mlflow.db", "mlflow", "store.json"
QUERIES = (
    "SELECT version_num FROM alembic_version",
    "SELECT sql FROM sqlite_master ORDER BY 1",
    "SELECT run_uuid, lifecycle_stage IN ('active', 'deleted') FROM runs ORDER BY 1",
    "SELECT experiment_id, name, artifact_location FROM experiments ORDER BY 1",
    "SELECT run_uuid, experiment_id, artifact_uri, status, start_time FROM runs ORDER BY 1",
    "SELECT run_uuid, key, value FROM params ORDER BY 1, 2",
    "SELECT run_uuid, key, value, step FROM metrics ORDER BY 1, 2, 4",
    "SELECT run_uuid, key, value, step FROM latest_metrics ORDER BY 1, 2",
    "SELECT name, digest, dataset_schema, dataset_profile FROM datasets ORDER BY 1, 2",
    "SELECT source_id, destination_id FROM inputs ORDER BY 1, 2",
)
TAGS = "SELECT run_uuid, key, value FROM tags ORDER BY 1, 2"
OWN = {"sampler", "backbone", "benchmark", "group", "commit", "cpu", "mlflow.source.name", "mlflow.user"}


def write(results: Path = RESULTS) -> None:
    """Record what the store holds now, when all is logged."""
    folder = results / ARTIFACTS
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if _is_artifact(path)]
    record.write(folder / RECORD, {"database": digest(results / DATABASE), "files": described(folder, names)})


def _is_artifact(path: Path) -> bool:
    return path.is_file() and path.name != RECORD and not path.name.startswith(".")


def digest(database: Path) -> str:
    """sha256 of what this project has written into the database; LadrError if it is damaged."""
    address = f"{database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as tables:
            (state,) = tables.execute("PRAGMA integrity_check").fetchone()
            if state != "ok":
                raise LadrError(f"{database}: the database is damaged ({state.splitlines()[0][:100]})")
            rows = [tables.execute(query).fetchall() for query in QUERIES]
            rows.append([row for row in tables.execute(TAGS) if row[1] in OWN or row[1].startswith("ladr.")])
    except (sqlite3.Error, UnicodeError, OSError) as error:
        raise LadrError(f"{database}: the database is damaged ({str(error)[:100]})") from None
    return hashlib.sha256(json.dumps(rows, default=repr).encode()).hexdigest()


def faults(results: Path = RESULTS) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """What is wrong with the store, and what to remove so that `ladr track` makes it anew.

    A store without a record is one whose `ladr track` was ended: the next call completes it.
    """
    database, folder, tracked = results / DATABASE, results / ARTIFACTS, results / "tracked.json"
    gone = (tracked, database, folder)
    if os.path.lexists(database) and not database.is_file():
        yield f"{database}: is {record.kind_of(database)}, where a file is meant", gone
        return
    place = folder / RECORD
    if not os.path.lexists(place):
        if database.exists() and tracked.exists():
            yield f"{place}: is missing, so nothing vouches for {database}", gone
        return
    messages = record.damage(place)
    if not messages:
        try:
            if record.read(place).get("database") != digest(database):
                messages = [f"{database}: its content has changed since it was written"]
        except LadrError as error:
            messages = [str(error)]
    for message in messages:
        yield message, gone
