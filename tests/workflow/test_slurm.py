"""The workflow on a real Slurm: the profile that users have, jobs through sbatch, the same results."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import slurm
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.latency import measurements
from ladr.experiment.cells.score import score
from ladr.experiment.cells.table import write
from tiny import cell_of, tiny
from workflow_runs import BIN, environment, laid_out, same

pytestmark = pytest.mark.slurm
HERE = "--slurm-no-account --slurm-status-command squeue --slurm-init-seconds-before-status-checks 3".split()
TRIES = 4  # the first, and the `retries` of profiles/slurm
SMALL = """\
use: [field]
part: 4
tracking: false
steps: 8
backbones:
  field:
    settings: {grid: [4, 4], codes: 3}
    batch_size: 4
    job_minutes: 0.0013
    benchmarks: {field-exact: 3}
samplers:
  cosine: {policy: cosine}
  ladr: {policy: ladr}
  matched: {policy: cosine, match: ladr}
  halton: {policy: halton}
latency: {benchmark: field-exact, prompts: 1, warmup: 0}
"""


@pytest.fixture
def cluster():
    """A running Slurm of this machine, or a skip that says what to install."""
    lacking = slurm.missing()
    if lacking:
        pytest.skip(f"no {', '.join(lacking)}: apt-get install slurm-wlm munge")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install 'ladr[slurm]'")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    one = slurm.Slurm(folder)
    yield one
    one.close()
    shutil.rmtree(folder, ignore_errors=True)


def made_here(folder):
    """The same cells, scores and table from this process, without Snakemake or Slurm."""
    folder.mkdir()
    params, grid = tiny(folder, SMALL)
    results = folder / "results"
    run(grid.cells.values(), results=results, part=params.part)
    score(grid.cells.values(), results=results)
    write(grid, params.baseline, results, results)
    return params, grid


def submitted(cluster, folder, *targets):
    """Exit status and words of the workflow with the profile, as docs/workflow.md has it."""
    path = f"{cluster.folder / 'bin'}{os.pathsep}{BIN}{os.pathsep}{cluster.environment['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", *HERE, "--", *targets],
        cwd=folder, capture_output=True, text=True, timeout=3600,
        env={**environment(), **cluster.environment, "PATH": path},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def failing(cluster, cell):
    """Put a `ladr` before the real one that fails where it is asked for this cell; its path."""
    path = cluster.folder / "bin" / "ladr"
    words = f'case "$*" in *{cell}*) echo "{cell}: this node is broken"; exit 1;; esac'
    path.write_text(f'#!/bin/sh\n{words}\nexec {BIN / "ladr"} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_failed_job_is_told_and_the_next_run_ends_with_what_a_local_run_has(cluster, tmp_path):
    here, there = tmp_path / "here", laid_out(tmp_path / "there", SMALL)
    params, grid = made_here(here)
    stopwatch = f"latency_{next(iter(measurements(params, grid)))}".replace("-", "_")
    victim = cell_of(grid, "halton").id
    broken = failing(cluster, victim)

    code, told = submitted(cluster, there, "table", stopwatch)
    first = cluster.jobs()
    assert code != 0, told
    lost = [name for state, name in first.values() if state == "FAILED"]
    ended = {name for state, name in first.values() if state == "COMPLETED"}
    (rule,) = {name.removeprefix("rule_") for name in lost}
    assert len(lost) == TRIES, told
    assert len(ended) + len(lost) == len(first), first
    assert {f"rule_{stopwatch}", "rule_decode_field_field_exact_0"} <= ended, told
    assert f"Error in rule {rule}" in told
    assert victim in (there / "logs/decode" / f"{rule.removeprefix('decode_')}.log").read_text()
    assert (there / "results/cells" / cell_of(grid, "ladr").id / "cell.json").is_file(), told
    assert not (there / "results/table.json").exists()

    broken.unlink()
    code, told = submitted(cluster, there, "table", stopwatch)
    assert code == 0, told
    new = {number: job for number, job in cluster.jobs().items() if number not in first}
    assert told.count("has been submitted with SLURM jobid") == len(new), (new, told)
    assert {state for state, _ in new.values()} == {"COMPLETED"}, new
    assert same(here, there, grid)
    for cell in grid.cells:
        one, two = (folder / "results/cells" / cell / "tokens.safetensors" for folder in (here, there))
        assert one.read_bytes() == two.read_bytes(), cell
    assert list((there / "results/latency").glob("*.json"))
