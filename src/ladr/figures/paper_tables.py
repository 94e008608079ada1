"""The numbers that the paper prints, as tables."""

from collections.abc import Iterator

import pandas as pd

from ladr.experiment.plan.records import PAPER
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Table
from ladr.paper import Printed, load

NEEDS = "nothing"
SETTING = (
    "Numbers as printed in the paper: Lumina-DiMOO (8 billion parameters), 1024x1024 pixels, one NVIDIA "
    "A100, one run, no intervals. Not comparable with what is measured here; `audit.md` says which of "
    "them cannot be right."
)


def draw(results: Results) -> Iterator[Table]:
    for name in dict.fromkeys(p.table for p in load()):
        yield table(name, [p for p in load() if p.table == name])


def table(name: str, cells: list[Printed]) -> Table:
    lines: dict[str, dict[str, str]] = {}
    for p in cells:
        line = lines.setdefault(p.method, {"Method": p.method})
        line[p.metric] = f"{p.value:.{p.digits}f}"
    shown = pd.DataFrame(lines.values())
    stem = name.split(" (")[0].lower().replace(" ", "")
    title = f"{name} of the paper: {cells[0].benchmark}"
    return Table(f"paper-{stem}", title, shown, shown, SETTING, folder=PAPER)
