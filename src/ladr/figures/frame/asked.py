"""The names of everything that was read of the results, and what stands behind each name now."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from ladr.experiment.cells import record
from ladr.figures.frame.sealed import record_in


class Asked:
    """Results note in `asked` what was read: `cell ID`, `scores BACKBONE BENCHMARK GROUP`, and so on."""

    root: Path
    store: Path
    _grid: pd.DataFrame
    _asked: Any
    _scores: Any
    _timed: Any
    _placed: Any

    def __init__(self) -> None:
        self.asked: dict[str, None] = {}

    @property
    def grid(self) -> pd.DataFrame:
        """One row per row of params.yaml, backbone and benchmark."""
        return self.lines("")

    def lines(self, prefix: str) -> pd.DataFrame:
        """The rows of the grid in groups whose names begin so."""
        self.asked[f"lines {prefix}"] = None
        return self._grid[self._grid.group.str.startswith(prefix)]

    def groups(self, prefix: str = "") -> list[str]:
        """The names of the groups that begin so, in the order of the experiment."""
        self.asked[f"groups {prefix}"] = None
        return [group for group in dict.fromkeys(self._grid.group) if group.startswith(prefix)]

    @property
    def opponents(self) -> dict[str, str]:
        """Row of `samplers` that is the baseline with as many passes as another row -> that other row."""
        self.asked["opponents "] = None
        return self._content_of_opponents("")

    def digest(self, asked: str) -> str:
        """A digest of what stands behind a name of `asked`."""
        kind, _, what = asked.partition(" ")
        content = getattr(self, f"_content_of_{kind}")(what)
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

    def _content_of_lines(self, prefix: str) -> Any:
        return self._grid[self._grid.group.str.startswith(prefix)].to_dict("records")

    def _content_of_groups(self, prefix: str) -> Any:
        return [group for group in dict.fromkeys(self._grid.group) if group.startswith(prefix)]

    def _content_of_opponents(self, name: str) -> Any:
        return self._asked.get("opponents", {})

    def _content_of_scores(self, place: str) -> Any:
        shown = self._scores if not place else self._placed(*place.split(" "))
        return shown.drop(columns="seconds").to_csv(index=False)

    def _content_of_cell(self, cell: str) -> Any:
        return record_in(self.store / "cells" / cell / record.CELL)[record.DIGEST]

    def _content_of_judged(self, cell: str) -> Any:
        return record_in(self.store / "cells" / cell / record.SCORE)[record.DIGEST]

    def _content_of_file(self, name: str) -> Any:
        return record_in(self.store / name)

    def _content_of_theory(self, name: str) -> Any:
        return record_in(self.root / "theory.json")

    def _content_of_timed(self, name: str) -> Any:
        return self._timed
