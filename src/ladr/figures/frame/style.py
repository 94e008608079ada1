"""One look. Colours are Okabe and Ito's, told apart by every kind of eyes; markers differ as well."""

from collections.abc import Iterable, Mapping
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
FEW = 24.0  # a factor between ends: below it, ticks stand halfway between doubled ones too
EDGE = 1.06  # a factor beyond the outermost ticks
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


def looks(names: Iterable[str]) -> Mapping[str, dict[str, str]]:
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


def point(panel: Any, row: Any, across: float, look: Mapping[str, Any], **bars: Any) -> None:
    """A row's value with its interval; the marker lies over all bars. `bars`: as matplotlib's errorbar takes them."""
    bars = {"yerr": whisker(row), **bars}
    panel.errorbar([across], [row.value], **bars, fmt="none", ecolor=look["color"], alpha=PALE)
    panel.plot([across], [row.value], **look, ls="none", label=row.label, ms=7.5, mec="white", mew=0.7, zorder=3)


def nested(places: Iterable[float]) -> list[dict[str, float]]:
    """Bars of points that nearly share a place on a logarithmic axis: each thinner and with a narrower cap than
    the one before it, so that all can be seen where they cover each other."""
    places, out = list(places), []
    for i, place in enumerate(places):
        later = sum(max(place, other) <= NEAR * min(place, other) for other in places[i + 1 :])
        out.append({"elinewidth": 1.2 + THICKER * later, "capsize": 2 + WIDER * later})
    return out


def ladder(low: float, high: float) -> list[float]:
    """1, 2, 4, 8 and so on, and halfway between where these would be few: from one that is not above `low` to
    one that is not below `high`, at least two."""
    steps = (1, 1.5) if high <= FEW * low else (1,)
    powers = range(floor(log2(low)) - 1, ceil(log2(high)) + 2)
    rungs = sorted(step * 2.0**power for power in powers for step in steps)
    first = max(i for i, rung in enumerate(rungs) if rung <= low)
    last = min(i for i, rung in enumerate(rungs) if rung >= high)
    return rungs[first : max(last, first + 1) + 1]


def counts(panel: Any, values: Iterable[float]) -> None:
    """A logarithmic axis of counts that shows all of `values` between labelled ticks."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    values = list(values)
    ticks = ladder(min(values), max(values))
    panel.set_xscale("log")
    panel.set_xlim(ticks[0] / EDGE, ticks[-1] * EDGE)
    panel.xaxis.set_major_locator(FixedLocator(ticks))
    panel.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
    panel.xaxis.set_minor_locator(NullLocator())


def plain(axis: Any) -> None:
    """Numbers written out on a logarithmic axis, at every 1, 2 and 5 of a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter("")


def rectangle(corner: tuple[float, float], width: float, height: float, **more: Any) -> Any:
    """A box in the panel's own units."""
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, **more)
