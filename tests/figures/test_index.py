"""README.md of the drawn figures: all of them, each once, pictures shown."""

import re
from pathlib import Path

import pandas as pd
import pytest
from docutils.core import publish_parts
from typer.testing import CliRunner

from ladr.cli.main import build
from ladr.figures.findings import Findings
from ladr.figures.frame import style
from ladr.figures.frame.claims import CLAIMS, digest, kin_of, restructured
from ladr.figures.frame.compare import Fact
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
    assert headings == ["The paper's tables and figures", *(h for h in SECTIONS if h in headings), "More"]
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


def test_a_file_that_is_named_twice_is_listed_once(folder, monkeypatch):
    once = write(folder).read_bytes()
    monkeypatch.chdir(folder.parent)
    names = [path.relative_to(folder.parent) for path in folder.iterdir()]
    roundabout = [folder / ".." / name for name in names]
    assert write(folder, [*folder.iterdir(), *names, *roundabout]).read_bytes() == once
    assert write(Path(folder.name), [*folder.iterdir(), *names]).read_bytes() == once


def test_the_command_writes_it_and_draws_nothing(folder):
    before = {path.name for path in folder.iterdir()}
    run = CliRunner().invoke(
        build("figures"), ["figures", "--index", "--out", str(folder), "--results", "nowhere"]
    )
    assert run.exit_code == 0, run.output
    assert {path.name for path in folder.iterdir()} == before | {"README.md"}


def test_a_layout_is_worked_out_once_and_rounded(tmp_path):
    figure, ((panel,),) = style.canvas(style.WIDE, 1)
    panel.set_ylabel("long enough\nto need room")
    before = panel.get_position(original=True).x0
    Plot("x", "X", figure, "caption").save(tmp_path)
    box = panel.get_position(original=True).bounds
    assert box == pytest.approx([round(side, PLACES) for side in box], abs=1e-12)
    assert box[0] != before


PLAIN, FAIR, LATE = "Plain", "Plain, fewer", "Late"


def fact(question, benchmark, ours, theirs, what, value, neutral=0.0):
    return Fact(question, "b", benchmark, ours, theirs, what, value, value - 1, value + 2, neutral, 8)


FACTS = (
    fact("columns", "m", "Our LADR", FAIR, "Overall, points", -6.0),
    fact("equal-passes", "m", "Other", FAIR, "Overall, points", -9.0),
    fact("equal-passes", "m", "Our LADR", FAIR, "Overall, points", -6.0),
    fact("all-passes", "m", "Our LADR", PLAIN, "Overall, points", 0.5),
    fact("all-passes", "n", "Our LADR", PLAIN, "Style, points", 4.0),
    fact("all-passes", "m", "Our LADR", PLAIN, "times fewer passes", 6.0, 1.0),
    fact("all-passes", "n", "Our LADR", PLAIN, "times fewer passes", 7.0, 1.0),
    fact("delayed-rescue", "n", LATE, "Our LADR", "Layout, points", 3.0),
    fact("delayed-rescue", "n", LATE, "Our LADR", "Text, points", 2.0),
    fact("delayed-rescue", "n", LATE, "Our LADR", "Style, points", 5.0),
)


def rows(lines):
    """First column -> the others, of a Markdown table."""
    cells = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines if line[:1] == "|"]
    return {first: others for first, *others in cells}


def test_each_claim_stands_beside_what_was_found_of_it(tmp_path):
    Findings("exact", FACTS, ()).save(tmp_path)
    cells = rows(digest(tmp_path.iterdir()))
    assert cells["m: Our LADR against Plain, fewer; Overall, points"] == ["-6.0 [-7.0, -4.0] less"]
    assert cells["m: Our LADR against Plain; Overall, points"] == ["0.5 [-0.5, 2.5] open"]
    assert cells["n: Our LADR against Plain; Style, points"] == ["4.0 [3.0, 6.0] more"]
    claims = [first.strip("*") for first in cells if first.startswith("**")]
    assert claims == [claim for claim in CLAIMS if claim in claims]
    assert len(claims) == 4  # the others have no facts


def test_the_digest_is_of_ladr_of_main_columns_and_of_one_benchmark_for_passes(tmp_path):
    Findings("exact", FACTS, ()).save(tmp_path)
    text = "\n".join(digest(tmp_path.iterdir()))
    assert "Other" not in text
    assert "m: Our LADR against Plain; times fewer passes | 6.00" in text
    assert "n: Our LADR against Plain; times fewer passes" not in text
    late = [line for line in text.splitlines() if line.startswith("| n: Late")]
    assert [line.split("; ")[1].split(",")[0] for line in late] == ["Text", "Style"]


def test_backbones_stand_side_by_side_and_what_one_lacks_is_empty(tmp_path):
    Findings("exact", FACTS, ()).save(tmp_path)
    Findings("trained", FACTS[:3], ()).save(tmp_path)
    cells = rows(digest(tmp_path.iterdir()))
    assert cells["Claim, and what it was read as"] == ["exact", "trained"]
    assert len(set(cells["m: Our LADR against Plain, fewer; Overall, points"])) == 1
    assert cells["n: Our LADR against Plain; Style, points"] == ["4.0 [3.0, 6.0] more", ""]


def test_an_experiment_of_its_own_stands_where_it_says_something_else(tmp_path):
    Findings("exact", FACTS[:4], ()).save(tmp_path)
    Findings("exact-again", FACTS[:3], ()).save(tmp_path)
    Findings("exact-more", (FACTS[0], FACTS[4]), ()).save(tmp_path)
    cells = rows(digest(tmp_path.iterdir()))
    assert cells["Claim, and what it was read as"] == ["exact", "exact-more"]
    kin = [kin_of(name, ("a", "a-b", "c")) for name in ("a", "a-b", "a-b-d", "cd")]
    assert kin == [None, "a", "a-b", None]


def test_the_index_begins_with_the_claims_and_does_without_findings(folder):
    assert digest(folder.iterdir()) == []
    assert "comparison by comparison" not in write(folder).read_text(encoding="utf-8")
    Findings("exact", FACTS, ("caption",)).save(folder)
    headings = re.findall(r"^## (.*)$", write(folder).read_text(encoding="utf-8"), re.M)
    claims = "The paper's claims, comparison by comparison"
    assert headings[:3] == ["The paper's tables and figures", claims, "Every comparison in words"]
    Findings("empty", (), ()).save(folder)
    assert write(folder).is_file()


def test_the_report_holds_the_same_table(tmp_path):
    odd = fact("all-passes", "n", "Our LADR", "a_ *b* `c`", "points", 1.0)
    assert restructured(tmp_path.iterdir()) == ""
    Findings("exact", (*FACTS, odd), ()).save(tmp_path)
    page = publish_parts(restructured(tmp_path.iterdir()), writer="html")["html_body"]
    assert "system-message" not in page
    assert page.count("<tr>") == 1 + len(rows(digest(tmp_path.iterdir()))) - 2  # less header and rule
    text = re.sub(r"<[^>]*>", "", page)
    assert "LADR takes fewer passes: confirmed on exact, 6.00 [5.00, 8.00] times fewer passes" in text
    assert "LADR loses nothing: open on exact, 0.5 [-0.5, 2.5] points" in text
    assert "n: Our LADR against a_ *b* `c`; points" in page


def test_a_folder_of_another_name_says_which_backbone_it_shows(tmp_path):
    rows = pd.DataFrame({"x": [1.0]})
    caption = "Backbone: shapes, 16x16 cells."
    for folder in ("shapes", "shapes-wide", "theory"):
        (tmp_path / folder).mkdir()
        Table(f"table-{folder}", "A table", rows, rows, caption).save(tmp_path / folder)
    text = write(tmp_path).read_text(encoding="utf-8")
    assert "Experiments of their own: `shapes-wide` of shapes. The first tables" in text
