"""The one run that holds the tables and figures of the whole experiment."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.base import files
from ladr.experiment.cell import Grid
from ladr.experiment.cells.record import BESIDE, RESULTS
from ladr.experiment.plan.records import figure_files

EXPERIMENT, KEY = "figures", "summary"
SHOWN = (".png", ".csv", ".json", ".html")  # a figure's vector file and its caption are beside it on the disk


@dataclass(frozen=True)
class Summary:
    """What MLflow is told about an experiment as a whole: files, and what they are about."""

    tags: Mapping[str, str]
    params: Mapping[str, str]
    asked: tuple[Mapping[str, Any], ...]
    artifacts: tuple[Path, ...]
    experiment: str = EXPERIMENT
    name: str = "Tables and figures"
    key: str = KEY
    began: None = None
    model: None = None
    seconds: float = 0.0

    def folder(self, path: Path) -> str | None:
        """The folder of a figure among the artifacts: its backbone, or what else it is about."""
        shared = os.path.commonpath([one.parent for one in self.artifacts if one.suffix == ".png"] or [path])
        place = os.path.relpath(path.parent, shared)
        return None if place == os.curdir or place.startswith(os.pardir) else place

    @property
    def metrics(self) -> Mapping[str, float]:
        return {}

    @property
    def curve(self) -> tuple[float, ...]:
        return ()

    @property
    def digest(self) -> str:
        """Changes when a byte of any file does."""
        content = [dict(self.tags), dict(self.params), [(p.name, files.sha256(p)) for p in self.artifacts]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def summaries(grid: Grid, results: Path = RESULTS) -> Iterator[Summary]:
    """The summary, if figures have been drawn."""
    figures = figure_files(results)
    if not figures:
        return
    tables = [results / name for name in BESIDE if not name.endswith(".parquet")]
    asked = {cell.spec["benchmark"]["prompts"]: cell.spec["benchmark"] for cell in grid.cells.values()}
    tags = {
        "backbone": ", ".join(dict.fromkeys(line.backbone for line in grid.lines)),
        "benchmark": ", ".join(dict.fromkeys(line.benchmark for line in grid.lines)),
        "group": ", ".join(dict.fromkeys(line.group for line in grid.lines)),
        "ladr.current": "yes",
        "mlflow.source.name": "ladr track",
        "mlflow.user": "ladr",
    }
    params = {"rows": str(len(grid.lines)), "cells": str(len(grid.cells))}
    present = [p for p in (*figures, *tables) if os.path.isfile(p) and p.suffix in SHOWN]
    yield Summary(tags, params, tuple(asked.values()), tuple(present))
