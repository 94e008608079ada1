"""Which parts of a sampler save passes, alone and together, and how each changes the score."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from ladr.experiment.lines import adds_up
from ladr.figures.ablations import PREFIX, full_name
from ladr.figures.frame import roles, style, words
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import Fact, Place
from ladr.figures.frame.looks import looks
from ladr.figures.frame.results import NotAskedError, Results, main, rows_of
from ladr.figures.frame.save import Plot

NEEDS = "budgets"
ROOM = 1.3  # the axis of passes ends beyond the longest bar by this factor, for the text beside it
EXPLAINED = (
    "Top: forward passes per image, and how many times fewer than '{first}' (95 % interval, bootstrap over "
    "prompts). Below: {column} score, 95 % interval over prompts. '{last}' saves {both:.1f} times; the parts "
    "alone multiply to {apart:.1f} times ({parts}), the rest is what they do together."
)


def draw(results: Results) -> Iterator[Plot]:
    empty = True
    for group in results.groups(PREFIX):
        for backbone, benchmark, scores in results.scored(group):
            rows = rows_of(scores)
            samplers = [roles.sampler_of(results, cell) for cell in rows.cell]
            if roles.own_budgets(results, rows) and adds_up(samplers):
                empty = False
                yield plot(Place(results, group.removeprefix(PREFIX), backbone, benchmark), main(scores))
    if empty and not results.unscored:
        raise NotAskedError("no ablation ends with a row that is what those before it are together")


def plot(place: Place, scores: pd.DataFrame) -> Plot:
    rows = list(scores.itertuples())
    facts = [place.saving(row, rows[0]) for row in rows]
    figure, panels = style.canvas(style.WIDE, 1.4 + 0.72 * len(rows), 2, 1)
    panels = panels[:, 0]
    at = np.arange(len(rows))
    own = looks(place.results, scores)
    for y, row, fact in zip(at, rows, facts, strict=True):
        look = own[row.label]
        panels[0].barh(y, row.passes, 0.66, color=look["color"])
        panels[0].text(row.passes, y, _passes(row, fact, fact is facts[0]), va="center", linespacing=0.95)
        panels[1].errorbar([row.value], [y], xerr=style.whisker(row), **look)
    panels[0].set(xlabel="forward passes per image", xlim=(0, ROOM * scores.passes.max()))
    panels[1].set_xlabel(f"{place.benchmark}: {scores.iloc[0].column}, %")
    for panel in panels:
        panel.set_yticks(at, [full_name(place.results, row).replace(": ", ":\n") for row in rows])
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.grid(False, axis="y")
    caption = EXPLAINED.format(**_factors(rows, facts), column=scores.iloc[0].column)
    name = f"saved-passes-{place.question}-{place.benchmark}-{place.backbone}"
    title = f"{words.group(place.question)}: what saves passes, {place.benchmark} on {place.backbone}"
    caption = f"{caption} {about(place.results, scores.cell)}"
    return Plot(name, title, figure, caption, folder=place.backbone)


def _passes(row: Any, fact: Fact, first: bool) -> str:
    """The text beside a bar: passes, and except for the first row how many times fewer."""
    if first:
        return f" {row.passes:.1f}"
    return f" {row.passes:.1f}:\n {fact.value:.2f}x [{fact.low:.2f}, {fact.high:.2f}]"


def _factors(rows: list[Any], facts: list[Fact]) -> dict[str, Any]:
    """The factors for the caption. The first row has none of the parts, the last row has all of them."""
    parts = list(zip(rows, facts, strict=True))[1:-1]
    return {
        "first": rows[0].label,
        "last": rows[-1].label,
        "both": facts[-1].value,
        "apart": prod(fact.value for _, fact in parts),
        "parts": ", ".join(f"{row.label} {fact.value:.2f}" for row, fact in parts),
    }
