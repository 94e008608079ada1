"""Figures of a run and published ones: what is copied, what goes, and what is refused."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ladr.base.errors import LadrError
from ladr.cli.main import build
from ladr.experiment.cell import digest_of
from ladr.experiment.cells.record import TOKENS, TRACE, read
from ladr.experiment.cells.record import write as seal
from ladr.experiment.plan.publish import altered, publish
from ladr.experiment.plan.records import drawn, record, retire
from ladr.figures.frame.index import write

ROOT = Path(__file__).parents[2]
LATEST, PUBLISHED, RESULTS = Path("figures/latest"), Path("figures/published"), Path("results")


def draw(source, *names):
    """Draw files of these names into figures/latest, and record them as a run does."""
    paths = [LATEST / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {path.name} of {source}")
    record(RESULTS / f"figures/{source}.json", [source], paths, LATEST)


CELL = RESULTS / f"cells/a-{digest_of({})[:8]}/cell.json"


def measured(images):
    """results/ of a finished run with so many images per row."""
    lines = [{"backbone": "mixture", "benchmark": "mini-dpg", "cell": CELL.parent.name}]
    CELL.parent.mkdir(parents=True, exist_ok=True)
    files = {name: {"bytes": 0, "sha256": ""} for name in (TOKENS, TRACE)}
    told = {"images": images, "spec": {}, "summary": {}, "provenance": {}, "files": files}
    seal(CELL, {"id": CELL.parent.name, **told})
    seal(RESULTS / "grid.json", {"cells": [], "lines": lines})
    (RESULTS / "figures.done").touch()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A finished run: two figures, the audit, the index."""
    monkeypatch.chdir(tmp_path)
    measured(images=10)
    draw("scores", "mixture/a.md", "mixture/b.md")
    (LATEST / "paper").mkdir()
    (LATEST / "paper/audit.md").write_text("# Audit")
    write(LATEST, drawn(LATEST))
    return tmp_path


def published():
    return sorted(str(p.relative_to(PUBLISHED)) for p in PUBLISHED.rglob("*") if p.is_file())


def test_a_finished_run_is_copied_with_its_index_and_a_record(folder):
    assert publish() == {"written": 4, "removed": 0}
    assert published() == ["README.md", "mixture/a.md", "mixture/b.md", "paper/audit.md", "published.json"]
    assert (PUBLISHED / "README.md").read_bytes() == (LATEST / "README.md").read_bytes()
    assert altered() == []
    assert json.loads((PUBLISHED / "published.json").read_text())["images"] == {"mixture/mini-dpg": 10}


def test_what_is_not_drawn_any_more_goes_and_what_others_put_there_stays(folder):
    publish()
    (PUBLISHED / "notes.md").write_text("by hand")
    (PUBLISHED / "mixture/a.md").write_text("# improved by hand")
    draw("scores", "mixture/c.md")
    assert publish() == {"written": 3, "removed": 1}
    assert published() == [
        "README.md", "mixture/a.md", "mixture/c.md", "notes.md", "paper/audit.md", "published.json",
    ]  # fmt: skip


def test_one_folder_is_published_beside_what_was_published_of_the_others(folder):
    draw("traces", "shapes/s.md")
    write(LATEST, drawn(LATEST))
    publish()
    before = (PUBLISHED / "shapes/s.md").read_bytes()
    (RESULTS / "figures/traces.json").unlink()
    draw("scores", "mixture/c.md")
    measured(images=12)
    write(LATEST, drawn(LATEST))
    assert publish(only=["mixture"], index=write) == {"written": 2, "removed": 2}
    assert published() == ["README.md", "mixture/c.md", "paper/audit.md", "published.json", "shapes/s.md"]
    assert (PUBLISHED / "shapes/s.md").read_bytes() == before
    index = (PUBLISHED / "README.md").read_text()
    assert "mixture/c.md" in index
    assert "shapes/s.md" in index
    assert altered() == []
    assert json.loads((PUBLISHED / "published.json").read_text())["images"] == {"mixture/mini-dpg": 12}
    with pytest.raises(
        LadrError,
        match=r"--only mixtur: figures/latest has no such folder or file \(did you mean 'mixture'\?\)",
    ):
        publish(only=["mixtur"], index=write)
    (PUBLISHED / "shapes/s.md").write_text("by hand")
    with pytest.raises(LadrError, match=r"shapes/s.md: is not what was published"):
        publish(only=["mixture"], index=write)


def test_the_gallery_is_published_beside_what_was_published_of_all_else(folder):
    draw("pictures", "gallery.html")
    publish()
    older = (PUBLISHED / "mixture/a.md").read_bytes()
    draw("scores", "mixture/a.md", "mixture/b.md")
    (LATEST / "mixture/a.md").write_text("# of a small run")
    record(RESULTS / "figures/scores.json", ["scores"], [LATEST / f"mixture/{x}.md" for x in "ab"], LATEST)
    (LATEST / "gallery.html").write_text("# anew")
    record(RESULTS / "figures/pictures.json", ["pictures"], [LATEST / "gallery.html"], LATEST)
    assert publish(only=["gallery.html"], index=write) == {"written": 2, "removed": 0}
    assert (PUBLISHED / "gallery.html").read_text() == "# anew"
    assert (PUBLISHED / "mixture/a.md").read_bytes() == older
    assert altered() == []


@pytest.mark.parametrize("harm", ["change", "lose", "unfinished"])
def test_a_run_that_is_not_whole_is_refused_and_nothing_is_copied(folder, harm):
    if harm == "change":
        (LATEST / "mixture/a.md").write_text("# something else")
    if harm == "lose":
        (LATEST / "mixture/a.md").unlink()
    if harm == "unfinished":
        (RESULTS / "figures.done").unlink()
    with pytest.raises(LadrError, match="snakemake"):
        publish()
    assert not PUBLISHED.exists()


def test_a_run_whose_cell_is_another_one_is_not_published(folder):
    seal(CELL, {**read(CELL), "id": "b-01234567"})
    with pytest.raises(LadrError, match=r"cell\.json: is the record of b-01234567; see `ladr doctor`"):
        publish()
    assert not PUBLISHED.exists()


def test_a_smaller_run_replaces_a_larger_one_only_on_request(folder):
    publish()
    measured(images=9)
    with pytest.raises(LadrError, match=r"shows 10 images of mixture/mini-dpg, this run 9; .*--smaller"):
        publish()
    said = CliRunner().invoke(build("publish"), ["publish", "--smaller"])
    assert said.exit_code == 0, said.output
    assert said.output.strip() == f"{PUBLISHED}: 4 files, 0 older ones removed"


def test_the_doctor_tells_published_figures_from_those_of_a_run(folder):
    publish()
    CELL.unlink()
    assert CliRunner().invoke(build("doctor"), ["doctor"]).output == "every checksum holds\n"
    (PUBLISHED / "mixture/a.md").write_text("# something else")
    said = CliRunner().invoke(build("doctor"), ["doctor", "--mend"])
    assert said.exit_code == 1
    assert "figures/published/mixture/a.md: " in said.output
    assert "git checkout figures/published" in said.output
    assert (PUBLISHED / "mixture/a.md").is_file()


def test_figures_of_another_experiment_leave_the_folder_of_a_run(folder):
    draw("theory", "theory/d.md")
    (LATEST / "mine.md").write_text("# by hand")
    assert retire(RESULTS, ["scores"], LATEST) == [LATEST / "theory/d.md"]
    assert not (RESULTS / "figures/theory.json").exists()
    assert (LATEST / "mine.md").is_file()
    assert [path.name for path in drawn(LATEST)] == ["a.md", "b.md", "audit.md"]
    assert "mine.md" not in write(LATEST, drawn(LATEST)).read_text(encoding="utf-8")


def test_the_committed_figures_are_those_that_were_published():
    assert altered(ROOT / PUBLISHED) == []
    text = (ROOT / PUBLISHED / "README.md").read_text(encoding="utf-8")
    links = re.findall(r'(?:\]\(|href="|src=")([^)"]+)', text)
    assert len(links) > 100
    assert not [link for link in links if not (ROOT / PUBLISHED / link).is_file()]
    named = set(json.loads((ROOT / PUBLISHED / "published.json").read_text())["files"])
    there = {p.relative_to(ROOT / PUBLISHED).as_posix() for p in (ROOT / PUBLISHED).rglob("*") if p.is_file()}
    assert there == named | {"published.json"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_git_ignores_what_a_run_draws():
    words = ["git", "check-ignore", "figures/latest/mixture/a.svg", "results/report.html", "runs/smoke/x"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert len(said.stdout.splitlines()) == 3, said.stderr
