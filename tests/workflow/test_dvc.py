"""DVC around the workflow, as a user has it: a git repository, the real commands, the exact field."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tiny import TEXT, cell_of, tiny
from workflow_runs import BIN, ME, PLAIN, ROOT, environment, jobs, laid_out, snakemake

BARE = TEXT[: TEXT.index("  halton:")].replace("  matched: {policy: cosine, match: ladr}\n", "")
WIDE = 120  # columns of a terminal
pytestmark = pytest.mark.slow


def ran(folder, *words):
    """What the command says; it must end well."""
    env = {**environment(), **PLAIN, **ME}
    words = [str(BIN / words[0]) if (BIN / words[0]).exists() else words[0], *words[1:]]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def commit(folder, message):
    ran(folder, "git", "add", "-A")
    ran(folder, "git", "commit", "-q", "-m", message)


def drawings(folder):
    """Place below figures/latest -> content."""
    latest = folder / "figures/latest"
    return {p.relative_to(latest): p.read_bytes() for p in latest.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository whose experiment was reproduced and pushed to a folder."""
    folder = laid_out(tmp_path_factory.mktemp("dvc") / "w", BARE)
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    (folder / "models/shapes").mkdir(parents=True)
    (folder / "models/shapes/config.json").write_text("{}")
    ran(folder, "git", "init", "-q")
    ran(folder, "dvc", "remote", "add", "-d", "store", str(folder.parent / "store"))
    commit(folder, "Experiment")
    ran(folder, "dvc", "repro")
    commit(folder, "Results")
    ran(folder, "dvc", "push")
    return folder


def test_a_second_repro_does_nothing(project):
    text = ran(project, "dvc", "repro")
    assert "Stage 'grid' didn't change, skipping" in text
    assert "Stage 'figures' didn't change, skipping" in text
    assert ran(project, "git", "status", "--short") == ""
    assert set(json.loads(ran(project, "dvc", "metrics", "show", "--json"))[""]["data"])


def test_what_dvc_shows_fits_120_columns_and_its_plot_needs_no_network(project):
    for words in (("metrics", "show"), ("exp", "show", "--only-changed", "--drop", "results", "--no-pager")):
        lines = ran(project, "dvc", *words).splitlines()
        assert max(map(len, lines)) <= WIDE, words
    ran(project, "dvc", "plots", "show")
    page = (project / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|link|img)[^>]*https?://", page)
    assert "Quality against passes" in page
    shutil.rmtree(project / "dvc_plots")


def test_figures_are_redrawn_from_pulled_results_without_decoding(project, tmp_path):
    clone = tmp_path / "clone"
    ran(tmp_path, "git", "clone", "-q", str(project), str(clone))
    before = drawings(project)
    assert not (clone / "figures").exists(), "git has no figures of a run"
    ran(clone, "dvc", "pull")
    assert not [job for job in jobs(snakemake(clone, "-n", "--", "figures")) if job.startswith("decode")]
    snakemake(clone, "--", "figures")
    assert drawings(clone) == before


def test_an_experiment_makes_the_changed_cells_and_drops_the_old(project):
    _, grid = tiny(project, BARE.replace("alpha: 0.3", "alpha: 0.9"))
    wanted = {cell_of(grid, name).id for name in ("cosine", "ladr")}
    tiny(project, BARE)
    before = (project / "results/cells" / cell_of(grid, "cosine").id / "cell.json").read_bytes()
    ran(project, "dvc", "exp", "run", "-S", "samplers.ladr.phases.structure.alpha=0.9")
    assert {p.name for p in Path(project / "results/cells").iterdir()} == wanted
    after = (project / "results/cells" / cell_of(grid, "cosine").id / "cell.json").read_bytes()
    assert after == before
    assert len(json.loads(ran(project, "dvc", "exp", "show", "--json"))[1]["experiments"]) == 1


def test_queued_experiments_run_and_are_shown(project):
    for alpha in ("0.7", "0.8"):
        ran(project, "dvc", "exp", "run", "--queue", "-S", f"samplers.ladr.phases.structure.alpha={alpha}")
    before = (project / "params.yaml").read_text()
    ran(project, "dvc", "exp", "run", "--run-all", "--jobs", "1")
    assert (project / "params.yaml").read_text() == before, "a queued run changed the working folder"
    shown = json.loads(ran(project, "dvc", "exp", "show", "--json"))
    found = [e["revs"][0]["data"] for row in shown for e in row.get("experiments") or []]
    alphas = {
        one["params"]["params.yaml"]["data"]["samplers"]["ladr"]["phases"]["structure"]["alpha"]
        for one in found
    }
    assert {0.7, 0.8} <= alphas
    assert all(one["metrics"] for one in found)
