"""The notebook runs from its first cell to its last, and holds no results.

No Jupyter kernel is needed: each cell is run as Python, and its last expression is shown as a notebook would.
"""

import ast
import contextlib
import io
from pathlib import Path

import nbformat
import pytest

FILE = Path(__file__).parents[2] / "notebooks" / "ladr_step_by_step.ipynb"


@pytest.fixture(scope="module")
def cells():
    notebook = nbformat.read(FILE, as_version=4)
    nbformat.validate(notebook)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(source, names):
    """Run a cell; what it prints, and the value of its last expression (None without one)."""
    tree = ast.parse(source)
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Assign([ast.Name("_", ast.Store())], last.value), last)
    names["_"] = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(ast.fix_missing_locations(tree), str(FILE), "exec"), names)
    return printed.getvalue(), names["_"]


def test_it_holds_no_results(cells):
    assert len(cells) > 6
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]


def test_every_cell_runs_and_shows_something(cells):
    names = {}
    shown = [run(cell.source, names) for cell in cells]
    pictures = [value._repr_html_() for _, value in shown if hasattr(value, "_repr_html_")]
    assert len(pictures) == 6
    assert sum("data:image/png" in page for page in pictures) == 5
    printed = "".join(text for text, _ in shown)
    assert "cosine   64 passes" in printed
    assert printed.count("in the frontier") == 5
    assert names["ladr"].trace.images[0].passes < 20
