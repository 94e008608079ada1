"""One look. Colours are Okabe and Ito's, told apart by every kind of eyes; markers differ as well."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log2
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31", "#7F7F7F")
MARKERS = "osD^vPX*hp<>"
WIDE = 5.6  # inches: a column of print; letters stay legible on a phone
HEAT = "cividis"
NEAR = 1.02  # a factor between places that are nearly the same
THICKER, WIDER = 2.2, 1.8  # points that a bar and its cap gain per other one over it
PALE = 0.65  # opacity of bars
MOST, ENOUGH = 8, 3  # ticks of an axis of counts
DECADES = 100.0  # a factor between ends: from it on, only powers of ten are labelled
LINE = 0.2  # inches of a line of a legend
EDGE = 1.1  # a factor beyond the outermost ticks
QUIET = "#888888"
GRID = "#E4E4E4"

SETTINGS = {
    "svg.hashsalt": "ladr",
    "svg.fonttype": "path",
    "figure.dpi": 100,
    "figure.max_open_warning": 0,  # a module's figures are all drawn before the first is saved
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
    """Rows of panels, `high` inches each, each with room below for a title and a legend of so many lines."""
    matplotlib.rcdefaults()
    plt.rcParams.update(SETTINGS)
    heights = [one for count in lines for one in (high, LINE * (count + 2))]
    figure, out = plt.figure(figsize=(WIDE, sum(heights)), layout="constrained"), []
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for i in range(len(lines)):
        panels = [figure.add_subplot(grid[2 * i, j]) for j in range(columns)]
        out.append((panels, figure.add_subplot(grid[2 * i + 1, :])))
        out[-1][1].set_axis_off()
    return out


def looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and marker of each name, by its place."""
    return {
        name: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(dict.fromkeys(names))
    }


def below(figure: Any, panel: Any, columns: int) -> None:
    """One legend under all panels, where it hides nothing."""
    told = panel.get_legend_handles_labels()
    figure.legend(*told, loc="outside lower center", ncols=min(columns, len(told[0])))


def whisker(row: Any) -> list[list[float]]:
    """From a value to both ends of its interval; an end on the wrong side counts as the value."""
    return [[max(row.value - row.low, 0)], [max(row.high - row.value, 0)]]


def point(panel: Any, row: Any, across: float, look: dict[str, Any], **bars: Any) -> None:
    """A row's value with its interval, the marker over all bars; `bars` as matplotlib's errorbar has them."""
    bars = {"yerr": whisker(row), **bars}
    panel.errorbar([across], [row.value], **bars, fmt="none", ecolor=look["color"], alpha=PALE)
    marker = {"ls": "none", "ms": 7.5, "mec": "white", "mew": 0.7, "zorder": 3}
    panel.plot([across], [row.value], **marker | look)


def nested(places: Iterable[float]) -> list[dict[str, float]]:
    """Bars of points that nearly share a place on a logarithmic axis: each thinner and with a narrower cap
    than the one before it, so that all can be seen where they cover each other."""
    places, out = list(places), []
    for i, place in enumerate(places):
        later = sum(max(place, other) <= NEAR * min(place, other) for other in places[i + 1 :])
        out.append({"elinewidth": 1.2 + THICKER * later, "capsize": 2 + WIDER * later})
    return out


def ladder(low: float, high: float, most: int = MOST) -> list[float]:
    """1, 2, 4, 8 and so on, and halfway between where these are no more than `most`: from one that is not
    above `low` to one that is not below `high`, at least two."""
    powers = range(floor(log2(low)) - 1, ceil(log2(high)) + 2)
    for steps in ((1, 1.5), (1,)):
        rungs = sorted(step * 2.0**power for power in powers for step in steps)
        first = max(i for i, rung in enumerate(rungs) if rung <= low)
        last = max(min(i for i, rung in enumerate(rungs) if rung >= high), first + 1)
        if last - first < most:
            break
    return rungs[first : last + 1]


def counts(panel: Any, values: Iterable[float], most: int = MOST) -> None:
    """A logarithmic axis of counts that shows all of `values`, with ticks below, between and, if they would
    be few, above them."""
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
    """An upright logarithmic axis from low to high with numbers written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    panel.set_yscale("log")
    panel.set_ylim(low, high)
    subs = (1,) if high >= DECADES * low else (1, 2, 5)
    panel.yaxis.set_major_locator(LogLocator(subs=subs))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())


def few(axis: Any) -> None:
    """Round numbers, as few and as short as fit under a narrow panel."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=3, steps=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def rectangle(corner: tuple[float, float], width: float, height: float, **more: Any) -> Any:
    """A box in the panel's own units."""
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, **more)
