"""A finished run as a Workflow Run RO-Crate: its files, and `ro-crate-metadata.json`, which explains them."""

import json
import mimetypes
import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.base.files import read_json, sha256, write_text
from ladr.base.removal import remove
from ladr.base.version import VERSION
from ladr.experiment.cell import Grid
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import folder_of
from ladr.experiment.cells.findings import examine
from ladr.experiment.cells.overview import state
from ladr.experiment.cells.record import CELL, RESULTS, SCORE

METADATA, UNFINISHED = "ro-crate-metadata.json", "unfinished"
NAME = "A run of the ladr experiment"
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
CRATE = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
LICENSE = "https://spdx.org/licenses/Apache-2.0"
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
MAIN = "Snakefile"
TABLES = ("grid.json", "scores.csv", "table.json", "metrics.json", "quality.csv")
TYPES = {".jsonl": "application/jsonl", ".safetensors": "application/octet-stream", ".smk": "text/plain"}
TYPES |= {".parquet": "application/vnd.apache.parquet", ".yaml": "application/yaml", ".md": "text/markdown"}
Entity = dict[str, Any]


@dataclass(frozen=True)
class FinishedRun:
    """What the crate holds, as paths from the folder of the run: the workflow's own files, the file of the
    experiment, and the results; the times of the first and the last decode."""

    workflow: list[Path]
    params: Path
    results: list[Path]
    began: str
    ended: str

    def paths(self) -> list[Path]:
        return [*self.workflow, self.params, *self.results]


def write(out: Path, params: Path, grid: Grid, results: Path = RESULTS, changes: str = "") -> int:
    """Copy the files of the finished run of `grid` into the folder `out`, and describe them; how many there
    are.

    changes: what `--set` said. The description comes last. Until then it says that the crate is unfinished,
    so that the next call completes one that was killed. Files that an older crate had there, and that this
    run has not, go.
    """
    run = _run(params, grid, results)
    before = _packed(out)
    _describe(out, {"@graph": [], UNFINISHED: before})
    for path in run.paths():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / path)
    gone = before.keys() - {path.as_posix() for path in run.paths()}
    remove([out / name for name in gone if _is(out / name, before[name])], out)
    _describe(out, {"@graph": graph(run, out, changes)})
    return len(run.paths())


def _describe(out: Path, content: Mapping[str, Any]) -> None:
    write_text(out / METADATA, json.dumps({"@context": CONTEXT, **content}, indent=2) + "\n")


def _packed(out: Path) -> dict[str, str]:
    """File -> sha256 of the crate that lies in `out`, perhaps unfinished. LadrError at other content."""
    if not (out / METADATA).is_file():
        if out.exists() and any(out.iterdir()):
            raise LadrError(f"out: {out} is no crate and not empty; choose another folder")
        return {}
    content = read_json(out / METADATA)
    if UNFINISHED in content:
        return dict(content[UNFINISHED])
    entities = [each for each in content.get("@graph", ()) if isinstance(each, dict)]
    if not any(each.get("@id") == "./" and each.get("name") == NAME for each in entities):
        raise LadrError(f"out: {out} is somebody else's crate; choose another folder")
    return {each["@id"]: each["sha256"] for each in entities if "sha256" in each}


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def _run(params: Path, grid: Grid, results: Path) -> FinishedRun:
    """The run, or a LadrError where a cell is missing or a path leaves the folder."""
    unfinished = [i for i, cell in grid.cells.items() if state(folder_of(i, results), cell) != "done"]
    if unfinished:
        raise LadrError(
            f"results: {len(unfinished)} of {len(grid.cells)} cells are not done, such as {unfinished[0]}; "
            "`snakemake --cores all` goes on with them"
        )
    if damage := next(iter(examine(results)), None):
        raise LadrError(f"{damage.message}; a crate holds what is whole: mend it first, `ladr doctor --mend`")
    if params.is_absolute() or ".." in params.parts or not Path(MAIN).is_file():
        raise LadrError(f"params: a crate is made in the folder that has {MAIN} and {params.name}")
    records = [record.read(folder_of(i, results) / CELL) for i in grid.cells]
    times = [each["provenance"] for each in records]
    tables = [results / name for name in TABLES if (results / name).is_file()]
    return FinishedRun(
        workflow=[Path(MAIN), *sorted(Path("workflow").rglob("*.smk"))],
        params=params,
        results=[*tables, *_files_of(grid, records, results)],
        began=min(each["began"] for each in times),
        ended=max(each["ended"] for each in times),
    )


def _files_of(grid: Grid, records: Iterable[Mapping[str, Any]], results: Path) -> list[Path]:
    """The records of every cell, and the files that they name."""
    paths = []
    for cell, each in zip(grid.cells, records, strict=True):
        folder = folder_of(cell, results)
        names = [CELL, *each["files"], SCORE, *record.read(folder / SCORE).get("files", {})]
        paths += [folder / name for name in names]
    return paths


def graph(run: FinishedRun, out: Path, changes: str = "") -> list[Entity]:
    """Every entity of the crate: the descriptor, the crate, the workflow and its run, and each file."""
    files = [_file(path, out) for path in run.paths() if path.name != MAIN]
    for file in files:
        if file["@id"] == run.params.as_posix():
            file["exampleOfWork"] = {"@id": "#params"}
        elif file["name"] == "scores.csv":
            file["exampleOfWork"] = {"@id": "#results"}
    profiles = [
        {"@id": url, "@type": "CreativeWork", "name": name, "version": version}
        for url, (name, version) in PROFILES.items()
    ]
    return [
        _descriptor(),
        _root(run),
        _main(run, out),
        *_tools(),
        *_ports(),
        _action(run, changes),
        *profiles,
        *files,
    ]


def _ids(paths: Iterable[Path]) -> list[Entity]:
    return [{"@id": path.as_posix()} for path in paths]


def _descriptor() -> Entity:
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": CRATE}, {"@id": WORKFLOW_CRATE}],
    }


def _root(run: FinishedRun) -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": NAME,
        "description": "Tokens, traces and scores of every cell, and the workflow that made them.",
        "datePublished": run.ended,
        "license": {"@id": LICENSE},
        "conformsTo": [{"@id": url} for url in PROFILES],
        "mainEntity": {"@id": MAIN},
        "hasPart": _ids(run.paths()),
        "mentions": [{"@id": "#run"}],
    }


def _main(run: FinishedRun, out: Path) -> Entity:
    return {
        **_file(Path(MAIN), out),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "ladr",
        "version": VERSION,
        "license": {"@id": LICENSE},
        "programmingLanguage": {"@id": SNAKEMAKE},
        "hasPart": _ids(path for path in run.workflow if path.name != MAIN),
        "input": [{"@id": "#params"}],
        "output": [{"@id": "#results"}],
    }


def _tools() -> list[Entity]:
    language = {
        "@id": SNAKEMAKE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": {"@id": "https://snakemake.readthedocs.io"},
        "url": {"@id": "https://snakemake.github.io"},
    }
    return [language, {"@id": LICENSE, "@type": "CreativeWork", "name": "Apache License 2.0"}]


def _ports() -> list[Entity]:
    """What goes into the workflow and what comes out."""
    profile = {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"}
    return [
        {"@id": f"#{name}", "@type": "FormalParameter", "additionalType": "File", "name": name}
        | {"description": text, "conformsTo": profile}
        for name, text in (
            ("params", "backbones, samplers, ablations, sweeps and benchmarks of the experiment"),
            ("results", "tokens, traces, scores and tables"),
        )
    ]


def _action(run: FinishedRun, changes: str) -> Entity:
    config = [] if run.params.name == "params.yaml" else [f"params={run.params.as_posix()}"]
    config += [f"set={changes}"] if changes else []
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": shlex.join(["snakemake", "--cores", "all", *(["--config", *config] if config else [])]),
        "instrument": {"@id": MAIN},
        "startTime": run.began,
        "endTime": run.ended,
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        "object": _ids([run.params]),
        "result": _ids(run.results),
    }


def _file(path: Path, out: Path) -> Entity:
    """A file of the crate, with its size, its type and its sha256."""
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return {
        "@id": path.as_posix(),
        "@type": "File",
        "name": path.name,
        "encodingFormat": kind,
        "contentSize": str((out / path).stat().st_size),
        "sha256": sha256(out / path),
    }
