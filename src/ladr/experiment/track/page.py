"""What MLflow's page of an experiment shows first: its address, its columns, its description."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.experiment.cells import record
from ladr.experiment.cells.store import DATABASE

SHARED = "mlflow.sharedViewState."
VIEW = "ladr"  # MLflow keeps a view of the list of runs under such a key, and an address may name it
COLUMNS = ("metrics.`score`", "metrics.`passes`", "metrics.`seconds_per_image`", "params.`label`")
STATE = {
    "searchFilter": "", "orderByKey": "attributes.start_time", "orderByAsc": True, "startTime": "ALL",
    "lifecycleFilter": "Active", "datasetsFilter": [], "modelVersionFilter": "All Runs",
    "selectedColumns": COLUMNS, "runsExpanded": {}, "runsPinned": [], "runsHidden": [],
    "runsVisibilityMap": {}, "runsHiddenMode": "FIRST_10_RUNS", "viewMaximized": False,
    "runListHidden": False, "isAccordionReordered": False, "groupBy": None, "groupsExpanded": {},
    "autoRefreshEnabled": False, "useGroupedValuesInCharts": True, "hideEmptyCharts": True,
}  # fmt: skip
FIGURES = "Tables and figures of the whole experiment, as artifacts of one run: one folder per backbone."
OTHERS = {
    "figures": FIGURES,
    "models": "The models that come with this package, each with its card. Runs that they decoded link here.",
}
CELLS = (
    "Samplers on the benchmark `{benchmark}` with the backbone `{backbone}`. One run is one cell: one "
    "sampler, all prompts. `score` is the benchmark's main column in percent, `passes` the mean forward "
    "passes per image, `score/*` every column, `score_bounds/*` the ends of 95 % intervals. Tick runs and "
    "press Compare; `tags.group LIKE '%sweeps/%'` finds the points of sweeps."
)


def described(name: str) -> dict[str, str]:
    """The tags of the experiment of that name: its kind, its description, and the view of its runs."""
    backbone, _, benchmark = name.partition("/")
    note = CELLS.format(backbone=backbone, benchmark=benchmark) if benchmark else OTHERS[name]
    return {
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.note.content": note,
        f"{SHARED}{VIEW}": json.dumps(STATE),
    }


def address(results: Path, host: str, port: int) -> str:
    """The page that lists the runs of the first backbone and benchmark of params.yaml."""
    first = next(iter(record.read(results / "grid.json")["lines"]), None)
    name = f"{first['backbone']}/{first['benchmark']}" if first else ""
    query = "SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'active' ORDER BY name != ?, name"
    try:
        with closing(sqlite3.connect(results / DATABASE)) as store:
            place = store.execute(query, (name,)).fetchone()
    except sqlite3.DatabaseError as error:
        raise LadrError(
            f"{results / DATABASE}: cannot be read ({error}); `ladr track` makes it again"
        ) from None
    page = f"experiments/{place[0]}/runs?viewStateShareKey={VIEW}" if place else "experiments"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/#/{page}"
