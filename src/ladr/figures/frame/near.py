"""A second panel for rows far below the others, so that the others can be distinguished in the first."""

from collections.abc import Collection
from typing import Any

import pandas as pd

from ladr.figures.frame import style

NEAR = 6.0  # points: rows that differ by less are always in one panel
HEIGHTS = (1, 0.45)  # relative heights of the panels: rows near each other, and all rows
LOWER = 1.4  # inches that the second panel adds


def parts(scores: pd.DataFrame, drawn: Collection[str] = ()) -> list[pd.DataFrame]:
    """The rows near each other, and all rows; only all rows where none lies far below.

    The cells `drawn`, which both panels draw as a line, are always among the rows near each other.
    """
    middle = scores.value.median()
    far = scores.value < middle - max(3 * (scores.value.max() - middle), NEAR)
    if drawn:
        far &= ~scores.cell.isin(drawn)
    return [scores[~far], scores] if far.any() else [scores]


def canvas(shown: list[pd.DataFrame], height: float, label: str) -> tuple[Any, list[Any]]:
    """A figure with a panel for each part, one below the other; `label` is the axis of the first."""
    ratios = {"height_ratios": HEIGHTS[: len(shown)]}
    height += LOWER * (len(shown) - 1)
    figure, panels = style.canvas(style.NARROW, height, len(shown), gridspec_kw=ratios)
    for (panel,), text in zip(panels, (label, "all samplers"), strict=False):
        panel.set_ylabel(text)
    return figure, [panel for (panel,) in panels]


def caption(shown: list[pd.DataFrame]) -> str:
    """The sentence of the caption that says which rows the first panel leaves out."""
    if len(shown) == 1:
        return ""
    near = set(shown[0].label)
    far = [label for label in shown[1].label if label not in near]
    return f" Above without {', '.join(far)}; below all."
