"""Figure 1: how an image appears, with plain decoding and with LADR, for the same prompt and noise."""

from collections.abc import Iterator

from ladr.figures.frame import style
from ladr.figures.frame.illustrations import FRAMES, Illustration, bare, illustrations, moments
from ladr.figures.frame.results import NotAskedError, Results
from ladr.figures.frame.save import Plot

NEEDS = "inside"
EXPLAINED = (
    "Prompt: '{prompt}'. The image after so many passes of each sampler, with the same noise; grey "
    "cells are still masked."
)


def draw(results: Results) -> Iterator[Plot]:
    for illustration in illustrations(results):
        if not illustration.record["inside"]:
            raise NotAskedError("no sampler of the experiment has phases")
        yield films(illustration)


def films(illustration: Illustration) -> Plot:
    """Film strips of the first sampler and of LADR on the prompt that takes most passes."""
    record = illustration.record
    p = record["longest"]
    rows = list(dict.fromkeys([0, illustration.index(record["inside"]["cell"])]))
    figure, panels = style.canvas(style.WIDE, 0.92 * len(rows) + 0.1, len(rows), FRAMES)
    for line, sampler in zip(panels, rows, strict=True):
        times = moments(illustration.passes(p, sampler))
        for panel in line[len(times) :]:
            panel.set_axis_off()
        for panel, done in zip(line, times, strict=False):
            bare(panel, illustration.frame(p, sampler, done))
            panel.set_title(f"{done}", fontsize=8.5, pad=2)
        label = f"{illustration.labels[sampler]}\n{illustration.passes(p, sampler)} passes"
        line[0].set_ylabel(label, fontsize=8.5)
    caption = f"{EXPLAINED.format(prompt=record['prompts'][p]['text'])} {illustration.caption(1)}"
    title = f"Decoding, pass by pass, on {illustration.backbone}"
    return Plot(f"films-{illustration.backbone}", title, figure, caption, folder=illustration.backbone)
