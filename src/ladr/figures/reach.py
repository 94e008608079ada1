"""Figure 3 and the dependence map: how far a changed token changes the picture, and a commit predictions."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ladr.figures.frame import style
from ladr.figures.frame.illustrations import Illustration, bare, illustrations
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot

NEEDS = "pictures"
COLUMNS = 6  # columns of the raster on which panels are laid out
HEIGHT = 5.0
LEVELS = "of 255"
BRIGHTEST = 98  # percentile of a map: brighter cells share a colour, so that one event does not hide others
DEPENDENCE = (
    "What committing one cell does to the model's predictions, when a part of the cells is observed: those "
    "that {sampler} settled first. One of the masked cells, each as likely, gets a token drawn from the "
    "model's own prediction for it; measured is the Kullback-Leibler divergence, in nats, of the prediction "
    "at every other masked cell, after against before. For a model that agrees with itself its mean over "
    "tokens is the mutual information of the two cells: what is lost when both are committed in one pass. "
    "Above: mean by offset from the committed cell, each map on its own scale, whose end the brightest cells "
    "pass. Below: mean by distance (1: the eight neighbours), and the share of the whole change within it. "
    "{radius} {counts}. "
)
PIXELS = (
    "Above: an image; the same with the {places} boxed tokens changed at random; the change, mean over "
    "colours. Below, for one token at a time that gets another code, all others as likely: mean change of a "
    "pixel by offset from the middle of the token's cell (same colours); by distance from the edge of the "
    "cell's {side}x{side} pixels (0: inside); and the share of the whole change within that distance. "
    "{radius} n = {observations} tokens in {images} images. "
)
RADIUS = (
    "Radius: the least distance within which {shares} of the whole change lies ({even}, were it the same "
    "everywhere). Bands and brackets: 95 % intervals, a bootstrap over images."
)
MOSAIC = (
    "In this backbone's pictures, a mosaic, a token shows within its own cell alone: a reach in pixels is "
    "not drawn. "
)


def draw(results: Results) -> Iterator[Plot]:
    for illustration in illustrations(results):
        if illustration.record["reach"]["pixels"]:
            yield in_pixels(illustration)
        yield in_predictions(illustration)


def in_predictions(illustration: Illustration) -> Plot:
    """The dependence map."""
    reach = illustration.record["reach"]
    measured = [s for s in reach["dependence"] if s["observations"]]
    maps = illustration.arrays["dependence"][[bool(s["observations"]) for s in reach["dependence"]]]
    labels = [f"{Fraction(s['share']).limit_denominator(100)} observed" for s in measured]
    figure, (above, below) = _laid_out(max(len(measured), 1), 2)
    for panel, values, label in zip(above, maps, labels, strict=False):
        most = np.nanpercentile(values, BRIGHTEST)
        _bar(figure, panel, _map(panel, values, label, vmin=0, vmax=most), "nats")
    _curves(figure, below, dict(zip(labels, measured, strict=True)), "cells", "nats")
    samplers = {s["cell"]: s["label"] for s in illustration.record["samplers"]}
    counts = (
        f"{label}: n = {s['observations']} cells in {s['images']} images"
        for label, s in zip(labels, measured, strict=True)
    )
    words = {"sampler": samplers[reach["cell"]], "counts": "; ".join(counts), "radius": _radius(measured)}
    caption = DEPENDENCE.format(**words) + ("" if reach["pixels"] else MOSAIC)
    caption += illustration.caption(max((s["images"] for s in measured), default=0))
    title = f"How far a commit reaches in the predictions of {illustration.backbone}"
    return Plot(f"dependence-{illustration.backbone}", title, figure, caption, folder=illustration.backbone)


def in_pixels(illustration: Illustration) -> Plot:
    """The reach of a token in the decoded picture."""
    reach = illustration.record["reach"]["pixels"]
    before, after = illustration.arrays["perturb_images"]
    places = illustration.arrays["perturb_places"]
    side = reach["side"]
    figure, (above, below) = _laid_out(3, 3)
    for panel, image, title in zip(above, (before, after), ("image", "tokens changed"), strict=False):
        bare(panel, image)
        panel.set_title(title)
        for y, x in places * side:
            panel.add_patch(style.rectangle((x - 1, y - 1), side + 1, side + 1, fill=False))
    change = np.abs(after.astype(float) - before).mean(-1)
    low, high = least(reach["mean"]), max(reach["mean"])
    ends = {"vmin": low, "vmax": high}
    _bar(figure, above, bare(above[2], change, **_logarithmic(**ends)), f"change, {LEVELS}")
    above[2].set_title("change")
    _map(below[0], illustration.arrays["pixels"], "mean by offset", **_logarithmic(**ends))
    _curves(figure, below[1:], {"one token": reach}, "pixels", LEVELS)
    style.plain(below[1], low, max(reach["mean_high"]))
    words = {name: reach[name] for name in ("side", "observations", "images")}
    caption = PIXELS.format(places=len(places), radius=_radius([reach]), **words)
    caption += illustration.caption(reach["images"])
    title = f"How far a token reaches in the pictures of {illustration.backbone}"
    return Plot(f"reach-{illustration.backbone}", title, figure, caption, folder=illustration.backbone)


def least(values: Sequence[float]) -> float:
    """The smallest value above zero, since a logarithmic axis has no zero: far tokens may change nothing."""
    return min(value for value in values if value > 0)


def _laid_out(*counts: int) -> tuple[Any, list[list[Any]]]:
    """A figure with one row of panels for each count, as wide as the figure."""
    figure, _ = style.canvas(style.WIDE, HEIGHT)
    figure.clear()
    raster = figure.add_gridspec(len(counts), COLUMNS)
    rows = [
        [figure.add_subplot(raster[row, i * COLUMNS // n : (i + 1) * COLUMNS // n]) for i in range(n)]
        for row, n in enumerate(counts)
    ]
    return figure, rows


def _logarithmic(vmin: float, vmax: float) -> dict[str, Any]:
    from matplotlib.colors import LogNorm

    return {"cmap": style.HEAT, "norm": LogNorm(vmin, vmax, clip=True)}


def _map(panel: Any, values: np.ndarray, title: str, **more: Any) -> Any:
    r = len(values) / 2
    panel.grid(False)
    panel.set(title=title, xticks=(-int(r), 0, int(r)), yticks=(-int(r), 0, int(r)))
    return panel.imshow(values, **({"cmap": style.HEAT} | more), extent=(-r, r, r, -r))


def _bar(figure: Any, panels: Any, image: Any, unit: str) -> None:
    """A colour bar under the panels: its ends with two digits, and the unit between them."""
    ends = image.get_clim()
    bar = figure.colorbar(image, ax=panels, location="bottom", aspect=20 * np.size(panels))
    bar.ax.minorticks_off()
    bar.set_ticks(ends, labels=[f"{float(f'{end:.2g}'):g}" for end in ends])
    bar.set_label(unit, labelpad=-bar.ax.xaxis.label.get_size())


def _curves(
    figure: Any, panels: Sequence[Any], measured: dict[str, dict[str, Any]], unit: str, what: str
) -> None:
    """Mean, and share of the whole, by distance; the legend has the radii."""
    for i, (label, one) in enumerate(measured.items()):
        label = f"{label}: " + ", ".join(_within(r, unit) for r in one["radius"])
        colour = style.shade(i, len(measured))
        for panel, name in zip(panels, ("mean", "within"), strict=True):
            panel.plot(one["distance"], one[name], color=colour, label=label)
            ends = (one[f"{name}_{end}"] for end in ("low", "high"))
            panel.fill_between(one["distance"], *ends, color=colour, alpha=0.2, linewidth=0)
    panels[0].set(xlabel=f"distance, {unit}", title=f"mean, {what}")
    panels[1].set(xlabel=f"distance, {unit}", title="share within", ylim=(0, 1))
    style.below(figure, panels[0], 1)


def _within(radius: dict[str, Any], unit: str) -> str:
    if radius["high"] == 0:
        return f"{radius['share']:.0%} in the cell itself"
    return f"{radius['share']:.0%} within {radius['value']} [{radius['low']}, {radius['high']}] {unit}"


def _radius(measured: Sequence[dict[str, Any]]) -> str:
    if not measured:
        return ""
    shares = " or ".join(f"{r['share']:.0%}" for r in measured[0]["radius"])
    same = " or ".join(str(r["even"]) for r in measured[0]["radius"])
    return RADIUS.format(shares=shares, even=same)
