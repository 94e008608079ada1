"""Figure 4: the same prompts and noise, every sampler."""

from collections.abc import Iterator

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.images import Pictures, bare, pictures
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot
from ladr.figures.frame.speed import Speed, speeds

NEEDS = "pictures"
EXPLAINED = (
    "Rows: {prompts}. Every column starts from the same noise. Under each image: its forward passes{seconds},"
    " and the share of the evaluator's questions that it answers as the prompt wants. {measured}"
)
OWN = ", the seconds that its sampler takes for an image"


def draw(results: Results) -> Iterator[Plot]:
    for found in pictures(results):
        rows = pd.DataFrame(found.told["samplers"]).assign(baseline=None)
        yield grid(found, speeds(results, rows))


def grid(found: Pictures, measured: Speed) -> Plot:
    n, columns = len(found.told["prompts"]), len(found.labels)
    figure, panels = style.canvas(max(style.WIDE, 0.95 * columns), 1.27 * n + 0.5, n, columns)
    for p, line in enumerate(panels):
        for s, panel in enumerate(line):
            bare(panel, found.arrays["images"][p, s])
            panel.set_xlabel(_under(found, measured, p, s), fontsize=7.5, labelpad=2)
        line[0].set_ylabel(found.told["prompts"][p]["column"], fontsize=8)
    for panel, label in zip(panels[0], found.labels, strict=True):
        panel.set_title(label.replace(", ", ",\n"), fontsize=7.5, pad=3)
    prompts = "; ".join(f"'{p['text']}'" for p in found.told["prompts"])
    seconds = OWN if measured.record else ""
    caption = EXPLAINED.format(prompts=prompts, seconds=seconds, measured=measured.explained)
    name = f"samples-{found.backbone}"
    return Plot(name, f"The same prompts and noise on {found.backbone}", figure, f"{caption} {found.caption}")


def _under(found: Pictures, measured: Speed, p: int, s: int) -> str:
    verdicts = found.told["detected"][p][s]["verdicts"]
    right = sum(v["value"] for v in verdicts) / max(len(verdicts), 1)
    seconds = measured.cells(found.told["samplers"][s]["name"])["s/image"]
    time = f"{seconds} s, " if measured.record else ""
    count = found.passes(p, s)
    return f"{count} pass{'es' if count > 1 else ''}\n{time}{right:.0%}"
