"""Cells of official benchmarks by hand: their layout, and the export of their images."""

from pathlib import Path

from ladr.base.errors import LadrError
from ladr.benchmarks.official.benchmark import OfficialBenchmark
from ladr.benchmarks.official.images import export_images
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.submission import Means
from ladr.experiment.cell import Cell
from ladr.experiment.cells.decode import Say, tell
from ladr.experiment.cells.record import CELL, done
from ladr.experiment.cells.score import origin_of, submission_of


def official_of(cell: Cell) -> OfficialBenchmark:
    """The cell's benchmark; LadrError unless it is an official one."""
    if not isinstance(cell.benchmark, OfficialBenchmark):
        raise LadrError(f"cell {cell.id}: {cell.benchmark.name} is no official benchmark")
    return cell.benchmark


def layout_of(cell: Cell) -> Suite:
    """The cell's prompts and images as the official scorer reads them."""
    return official_of(cell).of(cell.prompts, cell.spec["benchmark"]["images"])


def require_decoded(cell: Cell, folder: Path) -> None:
    """LadrError unless the cell is decoded."""
    if not done(folder / CELL):
        raise LadrError(f"cell {cell.id}: not decoded; run `ladr run {cell.id}`")


def export_cell(cell: Cell, folder: Path, to: Path, say: Say = tell) -> int:
    """Write the images of a decoded cell below `to` in the official layout; how many files were new."""
    require_decoded(cell, folder)
    submission = submission_of(cell, folder, Means(cell.official, say=say), origin_of(cell, folder))
    return export_images(layout_of(cell), submission, to)
