"""The common style. The colours are Okabe and Ito's, which colour-blind readers can distinguish, too."""

import math
from collections.abc import Iterable, Sequence
from math import ceil, floor, log2
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8C6D31",
    "#6A3D9A",
    "#86B817",
)
MARKERS = "osD^vPX*hd"
OTHERS = ("#332288", "#882255", "#999933", "#661100", "#117733", "#DDCC77")  # Paul Tol's, for further rows
OTHER_MARKERS = "><pdH"
STAR = 1.5  # a star is so much larger than other markers, to look as large
SIZE, LARGER = 7.5, 4.5  # points: a marker, and how much one grows for each other marker over it
SAME = 1.0  # points of score: markers that differ by less cover each other
WIDE = 5.6  # inches: the width of a printed column
NARROW = 4.2  # inches: letters stay legible where the picture is 320 pixels wide
HEAT = "cividis"
APART = "RdBu"  # of differences: red below zero, blue above
NEAR = 1.02  # places that differ by less than this factor are nearly the same
THICKER, WIDER = 2.2, 1.8  # points that a bar and its cap gain for each other bar over it
RING = 1.6  # points: the line of a hollow marker
PALE = 0.65  # opacity of error bars
MOST, ENOUGH = 8, 3  # ticks of an axis of counts: at most, and enough
DECADES = 100.0  # an axis that spans this factor has labels at powers of ten only
LINE = 0.2  # inches per line of a legend
EDGE = 1.1  # an axis goes on beyond its outermost ticks by this factor
QUIET = "#888888"
GRID = "#E4E4E4"

SETTINGS = {
    "svg.hashsalt": "ladr",
    "svg.fonttype": "path",
    "figure.dpi": 100,
    "figure.max_open_warning": 0,  # all figures of a module are drawn before the first one is saved
    "savefig.dpi": 200,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "lines.markersize": 6.5,
    "lines.linewidth": 1.6,
    "errorbar.capsize": 2.5,
}


def canvas(width: float = WIDE, height: float = 4.0, rows: int = 1, columns: int = 1, **more: Any):
    """A figure and its panels (always an array), in the project's style."""
    matplotlib.rcdefaults()
    plt.rcParams.update(SETTINGS)
    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", squeeze=False, **more)


def strips(lines: Sequence[int], columns: int, high: float) -> list[tuple[list[Any], Any]]:
    """A row of panels for each entry of `lines`, `high` inches each.

    Below each row is an empty panel for a title and a legend with so many lines.
    """
    matplotlib.rcdefaults()
    plt.rcParams.update(SETTINGS)
    heights = [one for count in lines for one in (high, LINE * (count + 2))]
    figure = plt.figure(figsize=(WIDE, sum(heights)), layout="constrained")
    out = []
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for i in range(len(lines)):
        panels = [figure.add_subplot(grid[2 * i, j]) for j in range(columns)]
        out.append((panels, figure.add_subplot(grid[2 * i + 1, :])))
        out[-1][1].set_axis_off()
    return out


def look(place: int) -> dict[str, Any]:
    """Colour and marker number `place` of the table's samplers."""
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}


def ring(colour: str) -> dict[str, Any]:
    """A hollow circle."""
    return {"color": colour, "marker": "o", "mfc": "white", "mec": colour, "mew": RING}


def other(place: int) -> dict[str, Any]:
    """Colour and marker number `place` of the samplers that the table does not have."""
    return {"color": OTHERS[place % len(OTHERS)], "marker": OTHER_MARKERS[place % len(OTHER_MARKERS)]}


def shade(place: int, count: int) -> str:
    """Step `place` of `count` greys from light to dark, for what is ordered and belongs to no sampler."""
    return str(round(0.65 - 0.65 * place / max(count - 1, 1), 3))


def neutral() -> dict[str, Any]:
    """Colour and marker of what belongs to no sampler."""
    return {"color": "black", "marker": "o"}


def below(figure: Any, panel: Any, columns: int, rings: Sequence[str] = (), ring_label: str = "") -> None:
    """One legend for all panels, below them, where it hides nothing.

    It has one column where the labels are too long for more, and the figure is then as much higher.

    Several `rings`, labels of hollow markers, share one grey entry, the last one.
    """
    entries = {
        label: (handle, label) for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    if len(rings) > 1:
        look = {"ls": "none", "ms": SIZE} | ring(QUIET)
        entries = {label: entry for label, entry in entries.items() if label not in rings}
        entries[ring_label] = (panel.plot([], [], **look)[0], ring_label)
    handles, labels = zip(*entries.values(), strict=True)
    legend = figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(handles)))
    if columns > 1 and legend.get_window_extent().width > figure.bbox.width:
        legend.remove()
        figure.set_figheight(
            figure.get_figheight() + LINE * (len(handles) - math.ceil(len(handles) / columns))
        )
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=1)
    for line in legend.get_lines():
        line.set_markersize(min(line.get_markersize(), SIZE * (STAR if line.get_marker() == "*" else 1)))


def whisker(row: Any) -> list[list[float]]:
    """The distances from a value to both ends of its interval, and zero for an end on the wrong side."""
    return [[max(row.value - row.low, 0)], [max(row.high - row.value, 0)]]


def point(panel: Any, row: Any, across: float, look: dict[str, Any], **bars: Any) -> None:
    """Plot a row's value with its interval; markers lie over all bars. `bars`: see matplotlib's errorbar."""
    bars = {"yerr": whisker(row), **bars}
    panel.errorbar([across], [row.value], **bars, fmt="none", ecolor=look["color"], alpha=PALE)
    shape = {"ls": "none", "ms": SIZE, "mec": "white", "mew": 0.7, "zorder": 3} | look
    if shape["marker"] == "*":
        shape["ms"] *= STAR
    panel.plot([across], [row.value], **shape)


def nested(places: Iterable[float]) -> list[dict[str, float]]:
    """The styles of error bars for points of which some nearly share a place on a logarithmic axis.

    Each bar is thinner, with a narrower cap, than the one before it, so that all can be seen where they cover
    each other.
    """
    places = list(places)
    out = []
    for i, place in enumerate(places):
        later = sum(max(place, other) <= NEAR * min(place, other) for other in places[i + 1 :])
        out.append({"elinewidth": 1.2 + THICKER * later, "capsize": 2 + WIDER * later})
    return out


def sizes(across: Iterable[float], up: Iterable[float]) -> list[float]:
    """Sizes of markers, on a logarithmic axis across: each is larger than those that are drawn over it."""
    points = list(zip(across, up, strict=True))
    out = []
    for i, (x, y) in enumerate(points):
        later = [(a, b) for a, b in points[i + 1 :] if max(x, a) <= NEAR * min(x, a) and abs(y - b) <= SAME]
        out.append(SIZE + LARGER * len(later))
    return out


def ladder(low: float, high: float, most: int = MOST) -> list[float]:
    """Ticks 1, 2, 4, 8 and so on, with ticks halfway between these if there are at most `most` then.

    The first tick is not above `low`, the last one is not below `high`, and there are at least two.
    """
    powers = range(floor(log2(low)) - 1, ceil(log2(high)) + 2)
    for steps in ((1, 1.5), (1,)):
        rungs = sorted(step * 2.0**power for power in powers for step in steps)
        first = max(i for i, rung in enumerate(rungs) if rung <= low)
        last = max(min(i for i, rung in enumerate(rungs) if rung >= high), first + 1)
        if last - first < most:
            break
    return rungs[first : last + 1]


def counts(panel: Any, values: Iterable[float], most: int = MOST) -> None:
    """Make the horizontal axis a logarithmic axis of counts that shows all of `values`.

    It has ticks below the values, between them, and also above them if there would be few ticks otherwise.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    values = list(values)
    ticks = ladder(min(values), max(values), most)
    if len(ticks) > ENOUGH:
        ticks = [tick for tick in ticks if tick <= EDGE * max(values)]
    panel.set_xscale("log")
    panel.set_xlim(ticks[0] / EDGE, EDGE * max(*values, ticks[-1]))
    panel.xaxis.set_major_locator(FixedLocator(ticks))
    panel.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
    panel.xaxis.set_minor_locator(NullLocator())


def plain(panel: Any, low: float, high: float) -> None:
    """Make the vertical axis logarithmic, from low to high, with numbers written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    panel.set_yscale("log")
    panel.set_ylim(low, high)
    subs = (1,) if high >= DECADES * low else (1, 2, 5)
    panel.yaxis.set_major_locator(LogLocator(subs=subs))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())


def few(axis: Any) -> None:
    """Use few and short round numbers, as fit under a narrow panel."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=3, steps=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def rectangle(corner: tuple[float, float], width: float, height: float, **more: Any) -> Any:
    """A box in the panel's own units."""
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, **more)
