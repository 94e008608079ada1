"""Figure 4: the same prompts and noise, every sampler."""

import textwrap
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.images import Pictures, bare, pictures
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot
from ladr.figures.frame.speed import Speed, speeds

NEEDS = "pictures"
PROMPTS = 3
ACROSS = 5  # images side by side, at most
LINE, LINES = 0.17, 4.5  # inches of a line of text; how many an image has, and the space below
WORDS = {"title": 13, "prompt": 60}  # letters in a line
EXPLAINED = (
    "The {shown} longest of the {count} prompts of the gallery, each with every sampler from the same noise. "
    "Under each image: its forward passes{seconds}, and whether it answers the evaluator's questions as the "
    "prompt wants (✓, ✗, or the share of them). {measured}"
)
OWN = ", the seconds that its sampler takes for an image"


def draw(results: Results) -> Iterator[Plot]:
    for found in pictures(results):
        rows = pd.DataFrame(found.told["samplers"]).assign(baseline=None)
        yield grid(found, speeds(results, rows))


def grid(found: Pictures, measured: Speed) -> Plot:
    """Bands, one per prompt: a line that says it, then its images in rows."""
    prompts = longest([p["text"] for p in found.told["prompts"]])
    n = len(found.labels)
    lines = -(-n // ACROSS)
    across = -(-n // lines)
    heads = [len(_wrapped(found, p).split("\n")) * LINE for p in prompts]
    row = style.WIDE / across + LINE * (LINES + bool(measured.record))
    heights = [h for head in heads for h in (head, *[row] * lines)]
    figure, panels = style.canvas(
        style.WIDE, sum(heights), len(heights), across, gridspec_kw={"height_ratios": heights}
    )
    for panel in panels.flat:
        panel.set_axis_off()
    for band, p in enumerate(prompts):
        top = band * (lines + 1)
        text = panels[top][0].text(0, 0, _wrapped(found, p), fontsize=10, weight="bold")
        text.set_in_layout(False)
        for s, panel in enumerate(panels[top + 1 : top + 1 + lines].flat[:n]):
            _image(panel, found, measured, p, s)
    words = {"shown": len(prompts), "count": len(found.told["prompts"]), "measured": measured.explained}
    caption = EXPLAINED.format(seconds=OWN if measured.record else "", **words)
    title = f"The same prompts and noise on {found.backbone}"
    return Plot(f"samples-{found.backbone}", title, figure, f"{caption} {found.caption(len(prompts))}")


def longest(texts: list[str]) -> list[int]:
    """The places of the longest texts, PROMPTS at most, in their order."""
    return sorted(sorted(range(len(texts)), key=lambda i: -len(texts[i]))[:PROMPTS])


def _wrapped(found: Pictures, prompt: int) -> str:
    return textwrap.fill(found.told["prompts"][prompt]["text"], WORDS["prompt"])


def _image(panel: Any, found: Pictures, measured: Speed, p: int, s: int) -> None:
    panel.set_axis_on()
    bare(panel, found.arrays["images"][p, s])
    panel.set_title(
        textwrap.fill(found.labels[s], WORDS["title"], break_on_hyphens=False), fontsize=8.5, pad=3
    )
    seconds = measured.cells(found.told["samplers"][s]["name"])["s/image"]
    count = found.passes(p, s)
    under = f"{count} pass{'es' if count > 1 else ''} {_mark(found, p, s)}"
    panel.set_xlabel(f"{under}\n{seconds} s" if measured.record else under, fontsize=8.5, labelpad=2)


def _mark(found: Pictures, p: int, s: int) -> str:
    values = [v["value"] for v in found.told["detected"][p][s]["verdicts"]]
    right = sum(values) / max(len(values), 1)
    return {0: "✗", 1: "✓"}.get(right, f"{right:.0%}")
