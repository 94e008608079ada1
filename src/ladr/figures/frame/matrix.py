"""Many rows side by side: a matrix of their differences to the first one, for which colours would not do."""

from typing import Any

import numpy as np
import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.compare import OPEN, WIDE, Fact, Place, wide

MANY = 6  # rows; more have no colours that can be told apart
SLANT, SMALL = 40, 8  # of the columns' names in degrees; of the numbers in points
UNDER_THE_FIRST = 0.5  # lines
ROW, AROUND = 0.27, 1.5  # inches: a row of the matrix, and the names of the columns above it
EXPLAINED = (
    "{title}: {rows}. The first line has its own scores in percent, the others the points by which they "
    "score more or less than it, paired by prompt; bold: the 95 % interval (bootstrap over prompts) lies off "
    f"zero; empty: that interval is wider than {WIDE:.0f} points. "
    "Forward passes per image in brackets, with the table's sampler after a colon where a row is one. "
    "{budget}"
)


def size(rows: int) -> tuple[float, float]:
    """Width and height of the figure in inches."""
    return style.WIDE, AROUND + ROW * rows


def draw(panel: Any, place: Place, scores: pd.DataFrame, columns: list[str], names: list[str]) -> None:
    """One line for each of `scores`' rows, named `names`, with a number for each of `columns`.

    The first line has no colour; the others have one that grows with the difference, red below zero and blue
    above it.
    """
    rows = list(scores.drop_duplicates("name").itertuples())
    first = scores[scores.name == rows[0].name].set_index("column")
    facts = [[_known(place.scores(row, rows[0], column)) for column in columns] for row in rows[1:]]
    apart = np.array([[fact.value if fact else 0.0 for fact in line] for line in facts])
    most = max(np.abs(apart).max(initial=0.0), 1.0)
    shade = np.vstack([np.zeros(len(columns)), apart])
    panel.imshow(shade, cmap=style.APART, vmin=-most, vmax=most, aspect="auto")
    for across, column in enumerate(columns):
        own = first.loc[column]
        _write(panel, across, 0, "" if wide(own.low, own.high) else f"{own.value:.1f}", False, False)
        for down, line in enumerate(facts, start=1):
            fact = line[across]
            if fact is not None:
                dark = abs(fact.value) > most / 2
                _write(panel, across, down, f"{fact.value:+.1f}", fact.verdict != OPEN, dark)
    panel.set_yticks(range(len(names)), names)
    panel.set_xticks(range(len(columns)), columns, rotation=SLANT, ha="left", rotation_mode="anchor")
    panel.xaxis.tick_top()
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    panel.axhline(UNDER_THE_FIRST, color="black", lw=0.8)
    panel.grid(False)


def _known(fact: Fact | None) -> Fact | None:
    """The fact, unless its interval is too wide to print it."""
    return None if fact is None or wide(fact.low, fact.high) else fact


def _write(panel: Any, across: int, down: int, text: str, sure: bool, on_dark: bool) -> None:
    panel.text(
        across,
        down,
        text.replace("-", "\N{MINUS SIGN}"),
        ha="center",
        va="center",
        fontsize=SMALL,
        weight="bold" if sure else "normal",
        color="white" if on_dark else "black",
    )
