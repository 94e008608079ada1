"""Fidelity against diversity: a sampler that scores well by drawing the same picture again shows here."""

from collections.abc import Iterator

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.caption import about
from ladr.figures.frame.results import DIVERSITY, NotAskedError, Results, known, main
from ladr.figures.frame.save import Plot

NEEDS = "diversity"
EXPLAINED = (
    "{column} score against diversity, both with 95 % intervals over prompts. Diversity: mean "
    "root-mean-square distance between the images of one prompt, 0 for copies, 100 for black against white. "
    "Upper right is better. A sampler whose pictures fall apart is diverse too: read both axes."
)


def draw(results: Results) -> Iterator[Plot]:
    drawn = False
    for backbone, benchmark, scores in results.places():
        spread = scores[scores.column == DIVERSITY]
        if spread.value.notna().any():
            drawn = True
            yield plot(results, backbone, benchmark, main(scores), known(spread).set_index("name"))
    if not drawn:
        raise NotAskedError("the experiment has one image per prompt, so no diversity")


def plot(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame, spread: pd.DataFrame) -> Plot:
    figure, ((panel,),) = style.canvas(style.WIDE, 4.7)
    looks = style.looks(scores.label)
    for row in scores.itertuples():
        look = {**looks[row.label], "ls": "none", "label": row.label}
        across = spread.loc[row.name]
        panel.errorbar([across.value], [row.value], style.whisker(row), style.whisker(across), **look)
    column = scores.iloc[0].column
    panel.set(xlabel="diversity, % of black against white", ylabel=f"{benchmark}: {column}, %")
    style.below(figure, panel, 2)
    title = f"Fidelity against diversity: {benchmark} on {backbone}"
    caption = f"{EXPLAINED.format(column=column)} {about(results, scores.cell)}"
    return Plot(f"diversity-{benchmark}-{backbone}", title, figure, caption)
