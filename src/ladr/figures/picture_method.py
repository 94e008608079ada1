"""Figure 2: the method on a real run, one pass per row."""

from collections.abc import Iterator

import numpy as np

from ladr.figures.frame import style
from ladr.figures.frame.images import Pictures, bare, pictures
from ladr.figures.frame.results import NotAskedError, Results
from ladr.figures.frame.save import Plot

NEEDS = "inside"
ROWS = 3
EXPLAINED = (
    "{label} on '{prompt}', {rows} of {passes} passes. Left: cells observed before the pass (dark), "
    "committed by the schedule (blue), the frontier that this leaves (orange). Middle: the gap between "
    "the two likeliest codes where a cell is masked. Right: what the pass commits, rescued cells green."
    " t is the time that the mask ratio gives."
)


def draw(results: Results) -> Iterator[Plot]:
    for found in pictures(results):
        if not found.told["inside"]:
            raise NotAskedError("no sampler of the experiment has phases")
        yield method(found)


def method(found: Pictures) -> Plot:
    told, arrays = found.told["inside"], found.arrays
    passes = len(told["t"])
    chosen = sorted({int(v) for v in np.linspace(1, max(passes - 2, 1), ROWS)})
    figure, panels = style.canvas(style.WIDE, 1.6 * len(chosen) + 0.3, len(chosen), 3)
    for line, s in zip(panels, chosen, strict=True):
        before, gap, after = (line[i] for i in range(3))
        bare(before, _painted(arrays, s, rescue=False))
        shade = bare(gap, arrays["inside_gap"][s], cmap=style.HEAT, vmin=0, vmax=1)
        bare(after, _painted(arrays, s, rescue=True))
        before.set_ylabel(f"pass {s + 1}, t = {told['t'][s]:.2f}", fontsize=8.5)
    for panel, title in zip(panels[0], ("frontier", "gap", "rescued"), strict=True):
        panel.set_title(title)
    figure.colorbar(shade, ax=panels[:, 2].tolist(), shrink=0.7, label="gap")
    caption = EXPLAINED.format(label=told["label"], prompt=told["prompt"], rows=len(chosen), passes=passes)
    name = f"method-{found.backbone}"
    return Plot(name, f"The method on a real run, {found.backbone}", figure, f"{caption} {found.caption}")


def _painted(arrays: dict, s: int, rescue: bool) -> np.ndarray:
    from matplotlib.colors import to_rgb

    layers = [("inside_scheduled", style.COLOURS[0])]
    layers += [("inside_rescued", style.COLOURS[2])] if rescue else [("inside_frontier", style.COLOURS[4])]
    masked = arrays["inside_masked"][s]
    image = np.where(masked[..., None], to_rgb(style.GRID), to_rgb("#404040"))
    for key, colour in layers:
        image[arrays[key][s]] = to_rgb(colour)
    return image
