"""One look. Colours are Okabe and Ito's, told apart by every kind of eyes; markers differ as well."""

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31", "#7F7F7F")
MARKERS = "osD^vPX*hp<>"
WIDE, COLUMN = 7.2, 4.6  # inches
HEAT = "cividis"
QUIET = "#888888"
GRID = "#E4E4E4"

SETTINGS = {
    "svg.hashsalt": "ladr",
    "svg.fonttype": "path",
    "figure.dpi": 100,
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


def beside(panel: Any, **more: Any) -> None:
    """The legend right of the panel, where it hides nothing."""
    panel.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, **more)


def below(figure: Any, panel: Any, columns: int) -> None:
    """One legend under all panels."""
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=columns)


def counts(axis: Any) -> None:
    """Whole numbers, doubled from tick to tick, on a logarithmic axis."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    axis.set_major_locator(LogLocator(base=2))
    axis.set_major_formatter(ScalarFormatter())
    axis.set_minor_formatter(NullFormatter())


def rectangle(corner: tuple[float, float], width: float, height: float, **more: Any) -> Any:
    """A box in the panel's own units."""
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, **more)
