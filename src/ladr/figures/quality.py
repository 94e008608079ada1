"""Score against forward passes: does an accelerated sampler beat plain decoding with fewer steps?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ladr.benchmarks.summary import OVERALL
from ladr.figures.frame import near, roles, style
from ladr.figures.frame.caption import about
from ladr.figures.frame.looks import looks
from ladr.figures.frame.results import Results, main, rows_of
from ladr.figures.frame.roles import benchmark_of, sampler_of
from ladr.figures.frame.save import Plot
from ladr.figures.frame.words import listed

NEEDS = "samplers"
MARGIN = 0.05  # share of the axis that is free above and below the values
CURVE = 3  # points that a line needs: two points say nothing about the values between them
BAND = 0.18  # opacity of the band
EXPLAINED = (
    "{column} score (95 % interval over prompts{first}) against mean forward passes per image, every sampler "
    "of the experiment; bars and markers that cover each other are the smaller, the later they stand in the "
    "legend. "
    "{plain}"
)
CEILING = " Dotted: ceiling, ground truth through the tokenizer."
FIRST = "; {benchmark} has no overall score, this is its first column"
LINE = (
    "Line and band: plain decoding, {base}, run with {steps} steps; a sampler is worth its complexity where "
    "it stands above the line."
)
POINTS = (
    "Plain decoding, {base}, was run with {steps} steps, too few for a curve: nothing is known between these."
)


def draw(results: Results) -> Iterator[Plot]:
    for backbone, benchmark, scores in results.scored():
        yield plot(results, backbone, benchmark, main(scores))


def plot(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame) -> Plot:
    scores = roles.beside(results, scores)
    plain = _plain(results, backbone, benchmark, scores)
    column = scores.iloc[0].column
    name = plain[plain.cell == plain.baseline].iloc[0].label if len(plain) else None
    parts = near.parts(scores, set(plain.cell))
    figure, panels = near.canvas(parts, 4.9, f"{benchmark}: {column}, %")
    own = looks(results, scores)
    for panel, part in zip(panels, parts, strict=True):
        _points(panel, part, own)
        _line(panel, plain, scores.cell, f"{name}, other steps")
        _limits(panel, part, plain)
    panels[-1].set_xlabel("forward passes per image")
    opponents = roles.opponents(results, scores)
    rings = list(scores.label[scores.name.isin(opponents)])
    style.below(figure, panels[-1], 2, rings, f"{name}, {roles.SAME} (ring)")
    first = "" if column.startswith(OVERALL) else FIRST.format(benchmark=benchmark)
    caption = EXPLAINED.format(column=column, first=first, plain=_plain_caption(plain, name))
    caption += (CEILING if scores.ceiling.notna().any() else "") + near.caption(parts)
    cells = [*scores.cell, *plain.cell]
    title = f"Quality against passes: {benchmark} on {backbone}"
    caption = f"{caption} {about(results, cells)}"
    return Plot(f"quality-{benchmark}-{backbone}", title, figure, caption, folder=backbone)


def _points(panel, scores: pd.DataFrame, own) -> None:
    bars = style.nested(scores.passes)
    sizes = style.sizes(scores.passes, scores.value)
    for row, bar, size in zip(scores.itertuples(), bars, sizes, strict=True):
        style.point(panel, row, row.passes, own[row.label] | {"label": row.label, "ms": size}, **bar)
    if scores.ceiling.notna().any():
        panel.axhline(scores.ceiling.max(), color=style.QUIET, ls=":", lw=1.2)


def _line(panel, plain: pd.DataFrame, shown: pd.Series, label: str) -> None:
    """The baseline with other steps: a curve if there are enough points, else the points not shown yet."""
    look = {"color": style.QUIET, "marker": ".", "zorder": 1, "label": label}
    more = plain[~plain.cell.isin(shown)]
    if len(plain) >= CURVE:
        panel.plot(plain.passes, plain.value, **look)
        panel.fill_between(plain.passes, plain.low, plain.high, color=style.QUIET, alpha=BAND, lw=0)
    elif len(more):
        panel.plot(more.passes, more.value, **look, ls="none")


def _limits(panel, scores: pd.DataFrame, plain: pd.DataFrame) -> None:
    """Set limits that show all scores and all points of plain decoding."""
    style.counts(panel, [*scores.passes, *plain.passes])
    ends = pd.concat([scores, plain])[["low", "value", "high", "ceiling"]].to_numpy(float)
    low, high = np.nanmin(ends), np.nanmax(ends)
    room = MARGIN * ((high - low) or 1)
    panel.set_ylim(low - room, high + room)


def _plain_caption(plain: pd.DataFrame, base: str | None) -> str:
    """The sentence of the caption about the numbers of steps that plain decoding was run with."""
    if base is None:
        return "The experiment has no baseline here."
    steps = listed(f"{steps:g}" for steps in sorted(set(plain.steps)))
    return (LINE if len(plain) >= CURVE else POINTS).format(base=base, steps=steps)


def _plain(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame) -> pd.DataFrame:
    """The baseline at every number of steps that the experiment has, in the order of passes."""
    base = scores[scores.cell == scores.baseline]
    if base.empty:
        return base
    own = base.iloc[0].cell
    sampler = {**sampler_of(results, own), "steps": None}
    prompts = benchmark_of(results, own)
    lines = [base]
    for group in results.groups():
        rows = results.at(backbone, benchmark, group)
        for cell in rows_of(rows).cell:
            same = {**sampler_of(results, cell), "steps": None} == sampler
            if same and benchmark_of(results, cell) == prompts:
                lines.append(main(rows[rows.cell == cell]))
    return pd.concat(lines).drop_duplicates("cell").sort_values("passes", kind="stable")
