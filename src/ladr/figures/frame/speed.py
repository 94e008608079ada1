"""Seconds per image, and how many times faster than the baseline, and than the baseline at equal passes."""

from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from ladr.figures.frame import roles
from ladr.figures.frame.caption import machine
from ladr.figures.frame.results import Results


@dataclass(frozen=True)
class Speed:
    """One measurement of latency, or none (`record` is None).

    `base` and `fair` are names of rows: the baseline, and the baseline at equal passes.
    """

    record: dict[str, Any] | None
    labels: dict[str, str]
    base: str | None
    fair: str | None

    def cells(self, name: str) -> dict[str, Any]:
        """The columns of one row in a table."""
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
        """The sentence of a caption about these seconds."""
        if self.record is None:
            return "Seconds: not measured on this benchmark."
        n = self.record["images"]
        return (
            f"Seconds: median of {n} images one at a time, all samplers by turns; ratios: median over pairs; "
            f"{machine(self.record['provenance'])}."
        )


def _ratio(theirs: float, own: float) -> float:
    return theirs / own


def speeds(results: Results, rows: pd.DataFrame) -> Speed:
    """The measurement of these rows."""
    labels = dict(zip(rows.name, rows.label, strict=True))
    base = roles.baseline(rows)
    fair = roles.fair(results, rows)
    return Speed(results.latency(rows), labels, base and base.name, fair and fair.name)
