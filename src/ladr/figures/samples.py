"""Figure 4: the images of every sampler for the same prompts and noise."""

import textwrap
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.figures.frame import roles, style
from ladr.figures.frame.illustrations import Illustration, bare, illustrations
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot
from ladr.figures.frame.speed import Speed, speeds

NEEDS = "pictures"
PROMPTS = 3
ACROSS = 5  # images side by side, at most
LINE, LINES = 0.17, 4.5  # inches per line of text; lines per image, with the space below
WORDS = {"title": 13, "prompt": 60}  # letters per line
EXPLAINED = (
    "The {shown} longest of the {count} prompts of the gallery, each with every sampler from the same noise. "
    "Under each image: its forward passes{seconds}, and whether it answers the evaluator's questions as the "
    "prompt wants (✓, ✗, or the share of them). {measured}"
)
OWN = ", the seconds that its sampler takes for an image"


def draw(results: Results) -> Iterator[Plot]:
    for illustration in illustrations(results):
        rows = pd.DataFrame(illustration.record["samplers"])
        rows["baseline"] = rows.cell.iloc[0]
        names = roles.short(results, rows)
        order = {
            illustration.index(row.cell): names[row.label] for row in roles.beside(results, rows).itertuples()
        }
        yield samples(illustration, speeds(results, rows.assign(baseline=None)), order)


def samples(illustration: Illustration, measured: Speed, order: dict[int, str]) -> Plot:
    """A band for each prompt: a line with the prompt, then its images in rows.

    order: number of each sampler -> its title, in the order in which they are shown.
    """
    prompts = longest([p["text"] for p in illustration.record["prompts"]])
    n = len(illustration.labels)
    lines = -(-n // ACROSS)
    across = -(-n // lines)
    heads = [len(_wrapped(illustration, p).split("\n")) * LINE for p in prompts]
    row = style.WIDE / across + LINE * (LINES + bool(measured.record))
    heights = [h for head in heads for h in (head, *[row] * lines)]
    figure, panels = style.canvas(
        style.WIDE, sum(heights), len(heights), across, gridspec_kw={"height_ratios": heights}
    )
    for panel in panels.flat:
        panel.set_axis_off()
    for band, p in enumerate(prompts):
        top = band * (lines + 1)
        text = panels[top][0].text(0, 0, _wrapped(illustration, p), fontsize=10, weight="bold")
        text.set_in_layout(False)
        for (s, label), panel in zip(order.items(), panels[top + 1 : top + 1 + lines].flat, strict=False):
            _image(panel, illustration, measured, p, s, label)
    count = len(illustration.record["prompts"])
    words = {"shown": len(prompts), "count": count, "measured": measured.explained}
    caption = EXPLAINED.format(seconds=OWN if measured.record else "", **words)
    caption += f" {illustration.caption(len(prompts))}"
    title = f"The same prompts and noise on {illustration.backbone}"
    return Plot(f"samples-{illustration.backbone}", title, figure, caption, folder=illustration.backbone)


def longest(texts: list[str]) -> list[int]:
    """The indices of the longest texts, at most PROMPTS, in the order of the texts."""
    return sorted(sorted(range(len(texts)), key=lambda i: -len(texts[i]))[:PROMPTS])


def _wrapped(illustration: Illustration, prompt: int) -> str:
    return textwrap.fill(illustration.record["prompts"][prompt]["text"], WORDS["prompt"])


def _image(panel: Any, illustration: Illustration, measured: Speed, p: int, s: int, label: str) -> None:
    """The image of sampler s for prompt p, with passes, seconds and a mark below it."""
    panel.set_axis_on()
    bare(panel, illustration.arrays["images"][p, s])
    title = textwrap.fill(label, WORDS["title"], break_on_hyphens=False)
    panel.set_title(title, fontsize=8.5, pad=3)
    seconds = measured.cells(illustration.record["samplers"][s]["name"])["s/image"]
    count = illustration.passes(p, s)
    under = f"{count} pass{'es' if count > 1 else ''} {_mark(illustration, p, s)}"
    panel.set_xlabel(f"{under}\n{seconds} s" if measured.record else under, fontsize=8.5, labelpad=2)


def _mark(illustration: Illustration, p: int, s: int) -> str:
    """Whether the evaluator's answers are right: a tick, a cross, or the share of right answers."""
    values = [v["value"] for v in illustration.record["detected"][p][s]["verdicts"]]
    right = sum(values) / max(len(values), 1)
    return {0: "✗", 1: "✓"}.get(right, f"{right:.0%}")
