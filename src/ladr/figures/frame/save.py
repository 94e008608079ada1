"""Figures and tables as files. The same content gives the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ladr.base.files import write_text

NOTHING = "N/A"
PLACES = 5  # decimals of a panel's position in its figure


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure in three files: NAME.svg, NAME.png, and NAME.md with its title and caption."""

    name: str
    title: str
    figure: Any
    caption: str
    folder: str = ""  # below the folder of all figures: the backbone, or what else the figure is about

    def save(self, folder: Path) -> list[Path]:
        import matplotlib.pyplot as plt

        paths = [folder / f"{self.name}.{kind}" for kind in ("svg", "png", "md")]
        _settle(self.figure)
        self.figure.savefig(paths[0], metadata={"Date": None, "Creator": None})
        self.figure.savefig(paths[1], metadata={"Software": None})
        plt.close(self.figure)
        shown = f"![{self.title}]({self.name}.svg)"
        _write(paths[2], [f"# {self.title}", "", shown, "", self.caption])
        return paths


def _settle(figure: Any) -> None:
    """Compute the layout once and round it: the last digits of the solver differ from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        box = axes.get_position(original=True).bounds
        axes.set_position([round(side, PLACES) for side in box], which="original")


@dataclass(frozen=True, eq=False)
class Table:
    """A table in two files: NAME.csv with plain numbers (`data`), NAME.md for readers (`shown`)."""

    name: str
    title: str
    shown: pd.DataFrame
    data: pd.DataFrame
    caption: str
    folder: str = ""

    def save(self, folder: Path) -> list[Path]:
        paths = [folder / f"{self.name}.{kind}" for kind in ("csv", "md")]
        self.data.to_csv(paths[0], index=False, lineterminator="\n", float_format="%.4f")
        _write(paths[1], [f"# {self.title}", "", *markdown(self.shown), "", self.caption])
        return paths


def markdown(table: pd.DataFrame, left: int = 1) -> list[str]:
    """A Markdown table with the first `left` columns aligned left and the others right."""
    rows = table.astype(object).where(table.notna(), NOTHING).astype(str).to_numpy().tolist()
    head = [str(c) for c in table.columns]
    rule = [":--"] * left + ["--:"] * (len(head) - left)
    return [_line(head), _line(rule), *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _write(path: Path, lines: Sequence[str]) -> None:
    write_text(path, "\n".join(lines) + "\n")
