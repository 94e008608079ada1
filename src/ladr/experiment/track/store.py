"""Where MLflow keeps runs: the embedded sqlite file, experiments, and the runs that are ours."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ladr.base.aside import free_name
from ladr.base.files import appearing, put_aside, require_place
from ladr.base.removal import remove
from ladr.experiment.cells.store import ARTIFACTS, DATABASE
from ladr.experiment.track.entries import PLAIN
from ladr.experiment.track.page import SHARED, VIEW, described

OF = "ladr.cell"


def embedded(results: Path) -> Path:
    """Where the embedded store keeps artifacts. It is made in one piece, and anew where the folder has moved:
    MLflow writes absolute paths, and all of ours that is in it comes from results/. One that also holds
    experiments of others is put aside then."""
    from mlflow import MlflowClient

    database, root = results / DATABASE, (results / ARTIFACTS).resolve()
    require_place(database)
    if database.is_file():
        if all(place.startswith(root.as_uri()) for place in _places(database)):
            return root
        if _places(database, "NOT IN"):
            put_aside(database, free_name(database))
        remove([root, database], results)
    with appearing(database) as half:
        MlflowClient(f"sqlite:///{half.resolve()}").search_experiments()
    return root


def _places(database: Path, ours: str = "IN") -> list[str]:
    """Where our experiments in the store keep their artifacts, or those that are not (`NOT IN`) ours. MLflow
    is not asked: it never lets go of a file."""
    query = (
        "SELECT artifact_location FROM experiments WHERE experiment_id != 0 AND experiment_id "
        f"{ours} (SELECT experiment_id FROM experiment_tags WHERE key = ?)"
    )
    try:
        with closing(sqlite3.connect(database)) as store:
            return [place for (place,) in store.execute(query, (SHARED + VIEW,))]
    except sqlite3.DatabaseError:
        return ["nowhere: the file is damaged"] if ours == "IN" else []


def drop_default(client: Any) -> None:
    """Delete MLflow's own experiment `Default`, which is empty, so that it is not what one sees first."""
    default = client.get_experiment_by_name("Default")
    if default is not None and default.lifecycle_stage == "active" and not runs_in(client, default):
        client.delete_experiment(default.experiment_id)


def runs_in(client: Any, experiment: Any) -> bool:
    return bool(client.search_runs([experiment.experiment_id], max_results=1))


def experiment(client: Any, name: str, root: Path | None) -> str:
    """The id of the experiment of that name, made where it does not exist, with its description."""
    known, tags = client.get_experiment_by_name(name), described(name)
    if known is not None and known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    if known is not None:
        for key in (key for key, value in tags.items() if known.tags.get(key) != value):
            client.set_experiment_tag(known.experiment_id, key, tags[key])
        return known.experiment_id
    where = None if root is None else (root / PLAIN.sub("", name).replace("/", "-")).as_uri()
    return client.create_experiment(name, artifact_location=where, tags=tags)


def runs(client: Any, experiment: str) -> dict[str, Any]:
    """Our runs there by cell; of two of one cell, which a kill may leave, the older goes."""
    known: dict[str, Any] = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        for run in page:
            cell = run.data.tags.get(OF)
            if cell in known:
                client.delete_run(run.info.run_id)
            elif cell:
                known[cell] = run
        token = page.token
        if not token:
            return known
