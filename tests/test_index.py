"""README.md of the drawn figures: all of them, each once, pictures shown."""

import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from ladr.cli import build
from ladr.figures.frame import style
from ladr.figures.frame.index import SECTIONS, write
from ladr.figures.frame.save import PLACES, Plot, Table

NAMES = ("quality-a-b", "figure5-a-b", "brandnew-a-b")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        figure, _ = style.canvas(style.WIDE, 1)
        Plot(name, f"Title of {name}", figure, "caption").save(tmp_path)
    rows = pd.DataFrame({"x": [1.0]})
    Table("table-a-b", "Title of table-a-b", rows, rows, "caption").save(tmp_path)
    return tmp_path


def test_every_figure_and_table_is_listed_once_under_its_heading(folder):
    text = write(folder).read_text(encoding="utf-8")
    for name in (*NAMES, "table-a-b"):
        assert text.count(f"[Title of {name}]({name}.md)") == 1, name
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert headings == [h for h in SECTIONS if h in headings] + ["More"]
    below = text.split("## Ablations")[1].split("## ")[0]
    assert "figure5-a-b.png" in below
    assert "quality" not in below
    assert "brandnew-a-b.png" in text.split("## More")[1]
    assert "(table-a-b.csv)" in text
    assert "table-a-b.png" not in text


def test_what_it_links_is_there_and_again_gives_the_same_bytes(folder):
    first = write(folder).read_bytes()
    for name in re.findall(rb'(?:\]\(|href="|src=")([^)"]+)', first):
        assert (folder / name.decode()).is_file(), name
    assert write(folder).read_bytes() == first


def test_the_command_writes_it_and_draws_nothing(folder):
    before = {path.name for path in folder.iterdir()}
    told = CliRunner().invoke(
        build("figures"), ["figures", "--index", "--out", str(folder), "--results", "nowhere"]
    )
    assert told.exit_code == 0, told.output
    assert {path.name for path in folder.iterdir()} == before | {"README.md"}


def test_a_layout_is_worked_out_once_and_rounded(tmp_path):
    figure, ((panel,),) = style.canvas(style.WIDE, 1)
    panel.set_ylabel("long enough\nto need room")
    before = panel.get_position(original=True).x0
    Plot("x", "X", figure, "caption").save(tmp_path)
    box = panel.get_position(original=True).bounds
    assert box == pytest.approx([round(side, PLACES) for side in box], abs=1e-12)
    assert box[0] != before
