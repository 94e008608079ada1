"""Seconds, and how many times faster: than the baseline, and than the baseline with as few passes."""

from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from ladr.figures.frame.results import Results


@dataclass(frozen=True)
class Speed:
    """One measurement, or none. `base` and `fair` are rows: the baseline, and the same with other steps."""

    record: dict[str, Any] | None
    labels: dict[str, str]
    base: str | None
    fair: str | None

    def cells(self, name: str) -> dict[str, Any]:
        """The columns of one row."""
        if self.record is None:
            return {"s/image": np.nan}
        own = self.record["seconds"][name]
        out = {"s/image": f"{median(own):.2f}"}
        for other in (self.base, self.fair):
            if other is not None:
                theirs = self.record["seconds"][other]
                out[f"faster than {self.labels[other]}"] = f"{median(map(_ratio, theirs, own)):.2f}x"
        return out

    @property
    def explained(self) -> str:
        n = self.record["images"]
        return (
            f"Seconds: median of {n} images one at a time, all samplers by turns; ratios: median over pairs."
        )


def _ratio(theirs: float, own: float) -> float:
    return theirs / own


def speeds(results: Results, rows: pd.DataFrame) -> Speed:
    """The measurement of these rows."""
    labels = dict(zip(rows.name, rows.label, strict=True))
    bases = [r.name for r in rows.itertuples() if r.cell == r.baseline]
    base = bases[0] if bases else None
    return Speed(results.latency(rows), labels, base, _fair(results, rows, base))


def _fair(results: Results, rows: pd.DataFrame, base: str | None) -> str | None:
    """The row that is the baseline but for its steps, taken from another row's passes."""
    if base is None:
        return None
    cells = dict(zip(rows.name, rows.cell, strict=True))
    wanted = results.record(cells[base])["spec"]["sampler"]
    for name, cell in cells.items():
        spec = results.record(cell)["spec"]["sampler"]
        if not isinstance(spec["steps"], int) and {**spec, "steps": 0} == {**wanted, "steps": 0}:
            return name
    return None
