"""Score against forward passes: does an accelerated sampler beat plain decoding with fewer steps?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ladr.figures.frame import near, style
from ladr.figures.frame.caption import about
from ladr.figures.frame.results import Results, main, rows_of
from ladr.figures.frame.roles import asked_of, sampler_of
from ladr.figures.frame.save import Plot

NEEDS = "samplers"
MARGIN = 0.05  # of what is shown, above and below
EXPLAINED = (
    "{column} score (95 % interval over prompts) against mean forward passes per image, every sampler of "
    "the experiment. Line: the baseline, {base}, run with other numbers of steps; a sampler is worth its "
    "complexity where it stands above the line. Dotted: ceiling, ground truth through the tokenizer. "
    "Samplers with nearly the same passes are drawn side by side."
)


def draw(results: Results) -> Iterator[Plot]:
    for backbone, benchmark, scores in results.scored():
        yield plot(results, backbone, benchmark, main(scores))


def plot(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame) -> Plot:
    plain = _plain(results, backbone, benchmark, scores)
    base = scores[scores.cell == scores.baseline]
    name = base.iloc[0].label if len(base) else scores.iloc[0].label
    parts = near.parts(scores)
    figure, panels = near.canvas(parts, 4.9, f"{benchmark}: {scores.iloc[0].column}, %")
    for panel, part in zip(panels, parts, strict=True):
        _points(figure, panel, part, style.looks(scores.label))
        _line(panel, part, plain, f"{name}, other steps")
    panels[-1].set_xlabel("forward passes per image")
    style.below(figure, panels[-1], 2)
    caption = EXPLAINED.format(column=scores.iloc[0].column, base=name) + near.told(parts)
    cells = [*scores.cell, *plain.cell]
    title = f"Quality against passes: {benchmark} on {backbone}"
    return Plot(f"quality-{benchmark}-{backbone}", title, figure, f"{caption} {about(results, cells)}")


def _points(figure, panel, scores: pd.DataFrame, looks) -> None:
    panel.set_xscale("log")
    moved = style.aside(figure, panel, scores.passes)
    for row, where in zip(scores.itertuples(), moved, strict=True):
        look = {**looks[row.label], "ls": "none", "label": row.label, "transform": where}
        panel.errorbar([row.passes], [row.value], style.whisker(row), **look)
    if scores.ceiling.notna().any():
        panel.axhline(scores.ceiling.max(), color=style.QUIET, ls=":", lw=1.2)


def _line(panel, scores: pd.DataFrame, plain: pd.DataFrame, label: str) -> None:
    """The baseline with other steps, and limits that show all of both."""
    if len(plain) > 1:
        panel.plot(plain.passes, plain.value, color=style.QUIET, zorder=1, label=label)
        panel.fill_between(plain.passes, plain.low, plain.high, color=style.QUIET, alpha=0.18, lw=0)
    passes = [*scores.passes, *plain.passes]
    panel.set_xlim(min(passes) / 1.2, max(passes) * 1.2)
    style.counts(panel.xaxis)
    ends = pd.concat([scores, plain])[["low", "value", "high", "ceiling"]].to_numpy(float)
    low, high = np.nanmin(ends), np.nanmax(ends)  # moved points do not count in matplotlib's own limits
    panel.set_ylim(low - MARGIN * (high - low), high + MARGIN * (high - low))


def _plain(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame) -> pd.DataFrame:
    """The baseline at every number of steps that the experiment ran it with, by passes."""
    base = scores[scores.cell == scores.baseline]
    if base.empty:
        return base
    own = base.iloc[0].cell
    wanted, asked = {**sampler_of(results, own), "steps": None}, asked_of(results, own)
    found = [base]
    for group in dict.fromkeys(results.grid.group):
        rows = results.at(backbone, benchmark, group)
        for cell in rows_of(rows).cell:
            if {**sampler_of(results, cell), "steps": None} == wanted and asked_of(results, cell) == asked:
                found.append(main(rows[rows.cell == cell]))
    return pd.concat(found).drop_duplicates("cell").sort_values("passes", kind="stable")
