"""Figure 3 and the dependence map: how far a changed token shows, and a commit changes predictions."""

from collections.abc import Iterator

import numpy as np

from ladr.figures.frame import style
from ladr.figures.frame.images import Pictures, bare, pictures
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot

NEEDS = "pictures"
EXPLAINED = (
    "Left to right: an image; the same with three tokens changed at random; the change. Below: mean change "
    "of a pixel by offset, in cells, from the one changed token; mean KL divergence (nats) of a masked "
    "cell's prediction, before against after one cell at this offset is committed, in images of which an "
    "eighth is observed; both by distance (larger of the two axes), relative to the largest."
)


def draw(results: Results) -> Iterator[Plot]:
    for found in pictures(results):
        yield reach(found)


def reach(found: Pictures) -> Plot:
    figure, panels = style.canvas(style.WIDE, 4.8, 2, 3)
    for panel, image, title in zip(
        panels[0], found.arrays["perturb_example"], ("image", "three changed", "change"), strict=True
    ):
        bare(panel, image)
        panel.set_title(title)
    maps = {"pixels": found.arrays["reach"], "predictions": found.arrays["dependence"]}
    for panel, (name, values) in zip(panels[1], maps.items(), strict=False):
        _map(panel, values, name, figure)
    for i, (name, values) in enumerate(maps.items()):
        distance, mean = by_distance(values)
        look = {"marker": style.MARKERS[i], "color": style.COLOURS[i], "label": name}
        panels[1][2].plot(distance, mean / (mean.max() or 1), **look)
    panels[1][2].set(xlabel="distance, cells", ylabel="share of the largest")
    style.below(figure, panels[1][2], 2)
    name = f"reach-{found.backbone}"
    return Plot(name, f"How far tokens reach on {found.backbone}", figure, f"{EXPLAINED} {found.caption}")


def _map(panel, values: np.ndarray, name: str, figure) -> None:
    r = len(values) // 2
    image = panel.imshow(values, cmap=style.HEAT, extent=(-r - 0.5, r + 0.5, r + 0.5, -r - 0.5))
    panel.grid(False)
    panel.set(title=name, xticks=(-r, 0, r), yticks=(-r, 0, r))
    ends = image.get_clim()
    figure.colorbar(image, ax=panel, location="bottom", shrink=0.9, ticks=ends, format="{x:.3g}")


def by_distance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the rings of equal Chebyshev distance; distances without a value are left out."""
    r = len(values) // 2
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    rings = [values[np.maximum(abs(y), abs(x)) == d] for d in range(r + 1)]
    told = [(d, np.nanmean(v)) for d, v in enumerate(rings) if np.isfinite(v).any()]
    distance, mean = np.array(told).T
    return distance, mean
