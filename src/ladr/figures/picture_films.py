"""Figure 1: how an image appears, plain decoding against LADR, same prompt and noise."""

from collections.abc import Iterator

from ladr.figures.frame import style
from ladr.figures.frame.images import FRAMES, Pictures, bare, moments, pictures
from ladr.figures.frame.results import NotAskedError, Results
from ladr.figures.frame.save import Plot

NEEDS = "inside"
EXPLAINED = (
    "Prompt: '{prompt}'. The image after so many passes of each sampler, with the same noise; grey "
    "cells are still masked."
)


def draw(results: Results) -> Iterator[Plot]:
    for found in pictures(results):
        if not found.told["inside"]:
            raise NotAskedError("no sampler of the experiment has phases")
        yield films(found)


def films(found: Pictures) -> Plot:
    p = found.told["longest"]
    rows = list(dict.fromkeys([0, found.index(found.told["inside"]["cell"])]))
    figure, panels = style.canvas(style.WIDE, 0.92 * len(rows) + 0.1, len(rows), FRAMES)
    for line, sampler in zip(panels, rows, strict=True):
        times = moments(found.passes(p, sampler))
        for panel in line[len(times) :]:
            panel.set_axis_off()
        for panel, done in zip(line, times, strict=False):
            bare(panel, found.frame(p, sampler, done))
            panel.set_title(f"{done}", fontsize=8.5, pad=2)
        line[0].set_ylabel(f"{found.labels[sampler]}\n{found.passes(p, sampler)} passes", fontsize=8.5)
    caption = f"{EXPLAINED.format(prompt=found.told['prompts'][p]['text'])} {found.caption(1)}"
    return Plot(f"films-{found.backbone}", f"Decoding, pass by pass, on {found.backbone}", figure, caption)
