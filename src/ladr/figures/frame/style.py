"""One look. Colours are Okabe and Ito's, told apart by every kind of eyes; markers differ as well."""

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31", "#7F7F7F")
MARKERS = "osD^vPX*hp<>"
WIDE = 5.6  # inches: a column of print; letters stay legible on a phone
HEAT = "cividis"
NEAR, APART = 1.06, 0.055  # as a factor; in inches
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


def aside(figure: Any, panel: Any, places: Iterable[float]) -> list[Any]:
    """Transforms that draw what lies at nearly the same place of a logarithmic axis side by side."""
    from matplotlib.transforms import ScaledTranslation

    places, clusters = list(places), [[]]
    for i in sorted(range(len(places)), key=lambda i: places[i]):
        if clusters[-1] and places[i] > NEAR * places[clusters[-1][-1]]:
            clusters.append([])
        clusters[-1].append(i)
    shift = {i: k - (len(c) - 1) / 2 for c in clusters for k, i in enumerate(c)}
    moved = (ScaledTranslation(APART * shift[i], 0, figure.dpi_scale_trans) for i in range(len(places)))
    return [panel.transData + one for one in moved]


def counts(axis: Any) -> None:
    """Whole numbers, doubled from tick to tick, on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=2))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


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
