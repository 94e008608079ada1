"""`ladr table` and `ladr figures` by hand, after params.yaml changed, leave what the workflow would leave."""

from contextlib import chdir
from pathlib import Path

import pytest

from ladr.experiment.cells import doctor, record
from ladr.experiment.plan.figures import sources_of_figures
from tiny import resealed
from trust.refusals import answer, files_below, refused

CHANGED = ["--set", "samplers.ladr.label=Ours"]
OUT = Path("figures/latest")


@pytest.fixture(scope="module")
def complete(calm, tmp_path_factory):
    """The world with its figures, drawn as the workflow draws them, and with their index."""
    world = calm[0].copy(tmp_path_factory.mktemp("complete"))
    with chdir(world.folder):
        drawn("scores", "tables", "quality")
        drawn("traces", "phases")
        assert answer(["audit"]) == 0
        assert answer(["figures", "--index"]) == 0
        Path("results/figures.done").touch()
        assert findings() == []
    return world


@pytest.fixture
def finished(complete, tmp_path, monkeypatch):
    """A copy of it, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return complete.copy(tmp_path)


def drawn(source, *names):
    assert answer(["figures", *names, "--record", f"results/figures/{source}.json"]) == 0


def findings():
    return [finding.message for finding in doctor.examine()]


def recorded(source):
    return record.read(Path(f"results/figures/{source}.json"))


def labels(file):
    return (OUT / "field" / file).read_text()


def test_another_label_reaches_grid_table_figures_and_their_records(finished):
    assert answer(["table", *CHANGED]) == 0
    assert findings() == []
    assert "Ours" in Path("results/grid.json").read_text()
    assert answer(["figures"]) == 0
    assert findings() == []
    assert "Ours" in labels("table-field-exact-field.md")
    table = record.read(Path("results/table.json"))["digest"]
    for source in ("scores", "traces"):
        own = recorded(source)
        assert own["table"] == table
        assert own["figures"] == list(own["drawings"])
        assert {sources_of_figures()[name] for name in own["figures"]} == {source}
    assert answer(["publish"]) == 0
    assert "Ours" in Path("figures/published/field/table-field-exact-field.md").read_text()


def test_the_grid_is_that_of_the_workflow(finished):
    before = Path("results/grid.json").stat().st_mtime_ns
    assert answer(["table"]) == 0
    assert Path("results/grid.json").stat().st_mtime_ns == before
    assert answer(["table", *CHANGED]) == 0
    now = Path("results/grid.json").stat().st_mtime_ns
    assert before < now <= Path("results/table.json").stat().st_mtime_ns


def test_a_table_that_lacks_a_cell_leaves_the_grid_as_it_was(finished, capsys):
    line = refused(["table", "--set", "samplers.more={policy: cosine, steps: 3}"], capsys)
    assert "not decoded" in line


def test_figures_of_another_table_are_not_published(finished, capsys):
    assert answer(["table", *CHANGED]) == 0
    line = refused(["publish"], capsys)
    assert "scores.json: its figures are not all of the table that is there; run `ladr figures`" in line


@pytest.mark.parametrize("told", [True, False], ids=["with drawings", "of before"])
def test_one_figure_drawn_by_hand_leaves_the_others_recorded_as_they_were(finished, capsys, told):
    if not told:
        resealed(Path("results/figures/scores.json"), drawings={})
    before = recorded("scores")
    assert answer(["table", *CHANGED]) == 0
    assert answer(["figures", "tables"]) == 0
    assert findings() == []
    now = recorded("scores")
    assert (now["figures"], now["table"]) == (before["figures"], before["table"])
    changed = {Path(name).name for name in now["files"] if now["files"][name] != before["files"][name]}
    assert changed == {"table-field-exact-field.csv", "table-field-exact-field.md"}
    assert "run `ladr figures`" in refused(["publish"], capsys)
    (OUT / "field/quality-field-exact-field.md").write_text("spoilt")
    assert answer(["figures", "tables"]) == 0
    assert any("quality" in message for message in findings())


def test_figures_elsewhere_change_no_record(finished):
    before = files_below(Path("results"))
    assert answer(["figures", "tables", "--out", "elsewhere"]) == 0
    assert files_below(Path("results")) == before


def test_figures_before_one_that_fails_are_recorded(finished, capsys):
    assert answer(["table", *CHANGED]) == 0
    (path,) = Path("results/latency").glob("*.json")
    path.write_text("{")
    assert answer(["figures", "tables", "quality"]) != 0
    assert all("latency" in message for message in findings())
