"""Figures and tables as files. The same content gives the same bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ladr.base.escape import cells, markup, printable
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
        _make_printable(self.figure)
        _settle(self.figure)
        self.figure.savefig(paths[0], metadata={"Date": None, "Creator": None})
        self.figure.savefig(paths[1], metadata={"Software": None})
        plt.close(self.figure)
        title, caption = _title(self.title), markup(self.caption)
        _write(paths[2], [f"# {title}", "", f"![{title}]({self.name}.svg)", "", caption])
        return paths


def _make_printable(figure: Any) -> None:
    """Write control characters of labels as escapes, and what is no formula between dollar signs as it is."""
    from matplotlib.mathtext import MathTextParser
    from matplotlib.text import Text

    parser = MathTextParser("path")
    for label in figure.findobj(Text):
        label.set_text(printable(label.get_text()))
        try:
            for line in label.get_text().split("\n"):
                parser.parse(line)
        except ValueError:
            label.set_parse_math(False)


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
        write_csv(self.data, paths[0])
        title, caption = _title(self.title), markup(self.caption)
        _write(paths[1], [f"# {title}", "", *markdown(self.shown), "", caption])
        return paths


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write the table as CSV: numbers as they are, texts so that no spreadsheet takes them for formulas."""
    cells(table).to_csv(path, index=False, lineterminator="\n", float_format="%.4f")


def markdown(table: pd.DataFrame, left: int = 1) -> list[str]:
    """A Markdown table with the first `left` columns aligned left and the others right."""
    rows = table.astype(object).where(table.notna(), NOTHING).to_numpy().tolist()
    head = [str(c) for c in table.columns]
    rule = [":--"] * left + ["--:"] * (len(head) - left)
    return [_line(head), _line(rule), *(_line(map(str, row)) for row in rows)]


def _line(texts: Iterable[str]) -> str:
    return "| " + " | ".join(markup(" ".join(text.split("\n")).replace("|", "\\|")) for text in texts) + " |"


def _title(text: str) -> str:
    return markup(" ".join(text.split()))


def _write(path: Path, lines: Sequence[str]) -> None:
    write_text(path, "\n".join(lines) + "\n")
