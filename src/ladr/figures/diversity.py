"""Fidelity against diversity: it exposes a sampler that scores well by repeating the same picture."""

from collections.abc import Iterator

import pandas as pd

from ladr.figures.frame import labels, near, style
from ladr.figures.frame.caption import about
from ladr.figures.frame.looks import looks
from ladr.figures.frame.results import DIVERSITY, NotAskedError, Results, known, main
from ladr.figures.frame.save import Plot

NEEDS = "diversity"
SMALL = 4.5  # points: the size of a marker whose name stands in the other panel
EXPLAINED = (
    "{column} score against diversity, both with 95 % intervals over prompts. Diversity: mean "
    "root-mean-square distance between the images of one prompt, 0 for copies, 100 for black against white. "
    "Upper right is better. A sampler whose pictures fall apart is diverse too: read both axes."
)


def draw(results: Results) -> Iterator[Plot]:
    empty = True
    for backbone, benchmark, scores in results.scored():
        spread = scores[scores.column == DIVERSITY]
        if spread.value.notna().any():
            empty = False
            yield plot(results, backbone, benchmark, main(scores), known(spread).set_index("name"))
    if empty:
        raise NotAskedError("the experiment has one image per prompt, so no diversity")


def plot(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame, spread: pd.DataFrame) -> Plot:
    column = scores.iloc[0].column
    parts = near.parts(scores)
    figure, panels = near.canvas(parts, 4.7, f"{benchmark}: {column}, %")
    own = looks(results, scores)
    for panel, part in zip(panels, parts, strict=True):
        named = set(part.name) if part is parts[0] else set(part.name) - set(parts[0].name)
        points = {True: [], False: []}
        for row in part.itertuples():
            look = own[row.label] if row.name in named else own[row.label] | {"ms": SMALL}
            points[row.name in named].append(_point(panel, row, spread.loc[row.name], look))
        labels.name(panel, points[True], points[False])
    panels[-1].set_xlabel("diversity, % of black against white")
    title = f"Fidelity against diversity: {benchmark} on {backbone}"
    caption = f"{EXPLAINED.format(column=column)}{near.caption(parts)} {about(results, scores.cell)}"
    return Plot(f"diversity-{benchmark}-{backbone}", title, figure, caption, folder=backbone)


def _point(panel, row, across, look) -> labels.Point:
    style.point(panel, row, across.value, look, xerr=style.whisker(across))
    return labels.Point(across.value, row.value, across.low, across.high, row.label, look["color"])
