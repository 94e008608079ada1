"""How sure a model is of a masked cell, against how often that cell ends so: by phase and branch."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot
from ladr.figures.frame.theory import sections
from ladr.paper.audit.significance import LEVEL

NEEDS = "theory"
EXPLAINED = (
    "Of the masked cells whose likeliest code has a probability, the share that ends with that code; one "
    "column of panels for each phase of LADR. On the diagonal a model is as sure as it should be; below it, "
    "too sure. Before guidance: what the doubt budget believes. After guidance: what tokens are drawn from. "
    "Bars: 95 % intervals over images. Plain decoding, {passes} passes; a cell counts in every pass in which "
    "it is masked. {verdict} {counts}. Machine: {machine}. Results of {dates}."
)
BRANCHES = {"conditional": "before guidance", "guided": "after guidance"}
HIGH = 2.5  # inches of a row of panels
DIAGONAL, TICKS, RIGHT, TOP = (0, 1), (0, 0.5, 1), 1.02, 1.04  # of the axes
MARK = {"ms": 4.5, "lw": 1.2}


def draw(results: Results) -> Iterator[Plot]:
    (section,), origin = sections(results, "reliability")
    rows = pd.DataFrame(section["rows"])
    per = rows.groupby("backbone", sort=False)[["guidance", "images"]].first()
    counts = "; ".join(
        f"{name}, guidance {one.guidance:g}: {one.images:.0f} images" for name, one in per.iterrows()
    )
    caption = EXPLAINED.format(
        passes=rows.steps.iloc[0],
        verdict=section["verdict"],
        counts=counts,
        **origin,
    )
    yield Plot("reliability", "Sure, and right?", draw_rows(rows), caption, folder="theory")


def draw_rows(rows: pd.DataFrame) -> Any:
    """The figure: a row of panels for each backbone, a column for each phase."""
    backbones, phases = (list(dict.fromkeys(rows[key])) for key in ("backbone", "phase"))
    figure, panels = style.canvas(
        style.WIDE, HIGH * len(backbones), len(backbones), len(phases), sharex=True, sharey=True
    )
    for line, backbone in zip(panels, backbones, strict=True):
        for panel, phase in zip(line, phases, strict=True):
            _panel(panel, rows[(rows.backbone == backbone) & (rows.phase == phase)])
        line[0].set_ylabel(f"{backbone}: share")
    for panel, phase in zip(panels[0], phases, strict=True):
        panel.set_title(phase)
    for panel in panels[-1]:
        panel.set_xlabel("probability")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _panel(panel: Any, rows: pd.DataFrame) -> None:
    """Both branches of one backbone in one phase, and the diagonal."""
    panel.plot(DIAGONAL, DIAGONAL, color=style.QUIET, lw=0.9, ls=":")
    for place, (branch, label) in enumerate(BRANCHES.items()):
        own = rows[rows.branch == branch].sort_values("probability")
        panel.errorbar(
            own.probability,
            own.share,
            (LEVEL * own.share_se).clip(lower=0),
            color=style.COLOURS[place],
            marker=style.MARKERS[place],
            **MARK,
            label=label,
        )
    panel.set(xlim=(0, RIGHT), ylim=(0, TOP), xticks=TICKS, yticks=TICKS)
    panel.set_aspect("equal")
