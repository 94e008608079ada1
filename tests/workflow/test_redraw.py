"""What is drawn is drawn again when a file that says how it looks changes, not when it is touched."""

import os
import shutil
import subprocess

import pytest

from ladr.base.imports import PACKAGE
from ladr.experiment.plan.figures import code
from tiny import TEXT
from workflow_runs import command, environment, jobs, laid_out
from workflow_runs import snakemake as whole_run

slow = pytest.mark.slow
SWEEPS = TEXT[TEXT.index("sweeps:") :]
BARE = TEXT[: TEXT.index("samplers:")] + "samplers:\n  cosine: {policy: cosine}\n  ladr: {policy: ladr}\n"


def test_the_files_are_named_from_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(PACKAGE.parent)
    assert "ladr/paper/results.csv" in code("ladr.paper.audit.audit")
    assert "ladr/backbones/exact/field.py" in code("ladr.paper.theory.report")
    monkeypatch.chdir(tmp_path)
    assert str(PACKAGE / "paper/results.csv") in code("ladr.paper.audit.audit")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A finished run, with a copy of the package that may be changed."""
    folder = laid_out(tmp_path_factory.mktemp("redraw") / "w", BARE)
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "src/ladr", ignore=skip)
    assert "Error" not in snakemake(folder).stderr
    return folder


def snakemake(folder, *words):
    asked = {"cwd": folder, "capture_output": True, "text": True, "timeout": 1500, "check": True}
    path = {"PYTHONPATH": str(folder / "src")}
    return subprocess.run(command("figures", *words), env={**environment(), **path}, **asked)


@slow
@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("figures/quality.py", ["draw_scores", "figures"]),
        ("figures/frame/style.py", ["draw_scores", "draw_traces", "figures"]),
        ("paper/results.csv", ["audit", "draw_scores", "figures"]),
        ("figures/sweeps.py", []),
    ],
)
def test_an_edit_draws_again_what_it_is_about(drawn, file, again):
    path = drawn / "src/ladr" / file
    before = path.read_bytes()
    os.utime(path)
    assert jobs(snakemake(drawn, "-n")) == []
    path.write_bytes(before + b"\n")
    assert jobs(snakemake(drawn, "-n")) == again
    path.write_bytes(before)


@slow
def test_what_is_asked_no_more_goes_and_what_is_as_it_was_stays(tmp_path):
    folder = laid_out(tmp_path / "w", TEXT)
    place = folder / "figures/latest/field"
    whole_run(folder, "figures")
    before = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
    (folder / "params.yaml").write_text(TEXT[: TEXT.index("ablations:")] + SWEEPS, encoding="utf-8")
    assert "another experiment" not in whole_run(folder, "figures").stdout
    after = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
    assert {name.split("-")[0] for name in before.keys() - after.keys()} == {"fig"}
    kept = {name for name in after if after[name] == before[name]}
    assert "alpha-field-exact-field.svg" in kept
