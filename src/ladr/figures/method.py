"""Figure 2: the method in a real decode, with one pass per row."""

from collections.abc import Iterator

import numpy as np

from ladr.figures.frame import style
from ladr.figures.frame.illustrations import Illustration, bare, illustrations
from ladr.figures.frame.results import NotAskedError, Results
from ladr.figures.frame.save import Plot

NEEDS = "inside"
ROWS = 3
LOOKS = {
    "observed": "#404040",
    "masked": style.GRID,
    "scheduled": style.OTHERS[0],
    "frontier": style.OTHERS[5],
    "rescued": style.OTHERS[1],
}
EXPLAINED = (
    "{label} on '{prompt}', {rows} of {passes} passes. Left: what is observed before the pass, what the "
    "schedule commits in it, and the frontier that this leaves: masked cells that touch an observed one. "
    "Middle: the gap between the probabilities of the two likeliest codes where a cell is masked. Right: all "
    "that the pass commits, scheduled and rescued. t is the time that the mask ratio gives."
)


def draw(results: Results) -> Iterator[Plot]:
    for illustration in illustrations(results):
        if not illustration.record["inside"]:
            raise NotAskedError("no sampler of the experiment has phases")
        yield method(illustration)


def method(illustration: Illustration) -> Plot:
    """Schedule, gap and rescue in a few passes of LADR."""
    inside = illustration.record["inside"]
    arrays = illustration.arrays
    passes = len(inside["t"])
    chosen = sorted({int(v) for v in np.linspace(1, max(passes - 2, 1), ROWS)})
    figure, panels = style.canvas(style.WIDE, 1.7 * len(chosen) + 1, len(chosen), 3)
    for line, s in zip(panels, chosen, strict=True):
        bare(line[0], _painted(arrays, s, "frontier"))
        shade = bare(line[1], arrays["inside_gap"][s], cmap=style.HEAT, vmin=0, vmax=1)
        bare(line[2], _painted(arrays, s, "rescued"))
        line[0].set_ylabel(f"pass {s + 1}, t = {inside['t'][s]:.2f}")
    for panel, title in zip(panels[0], ("schedule", "gap", "rescue"), strict=True):
        panel.set_title(title)
    figure.colorbar(
        shade, ax=panels[:, 1].tolist(), location="bottom", ticks=(0, 1), aspect=12, pad=0.01, label="gap"
    )
    handles = [style.rectangle((0, 0), 1, 1, color=colour, label=name) for name, colour in LOOKS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, handlelength=1)
    words = {"label": inside["label"], "prompt": inside["prompt"], "rows": len(chosen), "passes": passes}
    caption = f"{EXPLAINED.format(**words)} {illustration.caption(1)}"
    title = f"The method on a real run, {illustration.backbone}"
    return Plot(f"method-{illustration.backbone}", title, figure, caption, folder=illustration.backbone)


def _painted(arrays: dict, s: int, last: str) -> np.ndarray:
    """The cells in the colours of LOOKS: scheduled ones, then those of `last`, over masked and observed."""
    from matplotlib.colors import to_rgb

    masked = arrays["inside_masked"][s]
    image = np.where(masked[..., None], to_rgb(LOOKS["masked"]), to_rgb(LOOKS["observed"]))
    for name in ("scheduled", last):
        image[arrays[f"inside_{name}"][s]] = to_rgb(LOOKS[name])
    return image
