"""Figure 1: how an image appears, with plain decoding, LADR and the doubt budget: one prompt, one noise."""

import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ladr.figures.frame import roles, style
from ladr.figures.frame.illustrations import FRAMES, Illustration, bare, illustrations, moments
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot

NEEDS = "pictures"
WHITE = 255
LETTERS, LARGE, SMALL = 46, 10, 8.5  # of the prompt: letters per line, and points; points of the numbers
LINE, LABEL, NUMBERS = 0.2, 0.21, 0.2  # inches: a line of the prompt, a strip's label, the numbers below it
EXPLAINED = (
    "'{prompt}', {why} of {benchmark}. Each strip is one decode with the same noise; below each frame is the "
    "number of passes made by then, and cells that are still masked are grey."
)
TWO, FIRST = "the first prompt with two things", "the first prompt"


def draw(results: Results) -> Iterator[Plot]:
    for illustration in illustrations(results):
        yield films(illustration, strips(results, illustration))


def strips(results: Results, illustration: Illustration) -> list[tuple[int, str]]:
    """(number of the sampler, its label) of each strip, at most four.

    They are plain decoding, the same with LADR's number of passes, LADR, and the doubt budget, where the
    experiment has them.
    """
    rows = pd.DataFrame(illustration.record["samplers"])
    rows["baseline"] = rows.cell.iloc[0]
    plain = roles.baseline(rows)
    shown = [
        (plain, plain.label),
        (roles.fair(results, rows), plain.label),
        (roles.rescuing(results, rows), None),
        (next(iter(roles.doubting(results, rows)), None), None),
    ]
    return [(illustration.index(row.cell), label or row.label) for row, label in shown if row is not None]


def films(illustration: Illustration, shown: list[tuple[int, str]]) -> Plot:
    """A film strip of each of these samplers on the first prompt with two things."""
    record = illustration.record
    p = record["pair"] if record["pair"] is not None else 0
    prompt = textwrap.fill(record["prompts"][p]["text"], LETTERS)
    side = style.NARROW / FRAMES
    height = LINE * (prompt.count("\n") + 1) + len(shown) * (side + LABEL + NUMBERS)
    figure, panels = style.canvas(style.NARROW, height, len(shown), FRAMES)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    figure.suptitle(prompt, fontsize=LARGE, weight="bold", x=0.01, ha="left")
    for line, (sampler, label) in zip(panels, shown, strict=True):
        strip(line, illustration, p, sampler, label)
    why = FIRST if record["pair"] is None else TWO
    caption = EXPLAINED.format(
        prompt=record["prompts"][p]["text"], why=why, benchmark=illustration.benchmark["name"]
    )
    title = f"Decoding, pass by pass, on {illustration.backbone}"
    caption = f"{caption} {illustration.caption(1)}"
    return Plot(f"films-{illustration.backbone}", title, figure, caption, folder=illustration.backbone)


def strip(panels: Any, illustration: Illustration, prompt: int, sampler: int, label: str) -> None:
    """The frames of one decode; the picture stands in the last panel, and a short decode leaves the first
    panels free."""
    count = illustration.passes(prompt, sampler)
    times = moments(count)
    for panel in panels[: -len(times)]:
        bare(panel, np.full_like(illustration.frame(prompt, sampler, 0), WHITE))
    for panel, done in zip(panels[-len(times) :], times, strict=True):
        bare(panel, illustration.frame(prompt, sampler, done))
        panel.set_xlabel(f"{done}", fontsize=SMALL, labelpad=1)
    title = f"{label}, {count} pass{'es' if count > 1 else ''}"
    panels[0].set_title(title, fontsize=style.SETTINGS["font.size"], loc="left", pad=3).set_in_layout(False)
