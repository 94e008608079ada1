"""The workflow with its files in a storage: each job in an empty folder, which Snakemake fills."""

import csv
import shutil
import subprocess

import pytest

from tiny import TEXT
from workflow_runs import BIN, environment, laid_out, snakemake

pytestmark = pytest.mark.slow
SUBMIT = """\
#!/bin/bash
# Runs a job in a folder that holds nothing, and prints the name of the folder.
folder=$(mktemp -d FOLDER/job-XXXXXX)
(cd "$folder" && bash "$1" > "$folder.log" 2>&1; echo $? > "$folder.code") > /dev/null 2>&1 &
echo "$folder"
"""
STATUS = """\
#!/bin/bash
case "$(cat "$1.code" 2> /dev/null)" in
  "") echo running ;;
  0) echo success ;;
  *) echo failed ;;
esac
"""


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def timeless(path):
    """The table of scores without seconds, which no two runs have alike."""
    with path.open(newline="") as file:
        return [{**row, "seconds": None} for row in csv.DictReader(file)]


def stored(folder, jobs, store, *targets):
    """The workflow with all its files in the folder `store`, each job in an empty folder below `jobs`."""
    words = [
        "--executor", "cluster-generic", "--jobs", "2", "--seconds-between-status-checks", "1",
        "--cluster-generic-submit-cmd", script(jobs / "submit", SUBMIT.replace("FOLDER", str(jobs))),
        "--cluster-generic-status-cmd", script(jobs / "status", STATUS),
        "--default-storage-provider", "fs", "--default-storage-prefix", str(store),
        "--shared-fs-usage", "none", "--job-deploy-sources", "--", *targets,
    ]  # fmt: skip
    done = subprocess.run(
        [str(BIN / "snakemake"), *words],
        cwd=folder, capture_output=True, text=True, env=environment(), timeout=3000,
    )  # fmt: skip
    logs = "\n".join(path.read_text() for path in sorted(jobs.glob("*.log")))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("rsync") is None, reason="Snakemake's plugin `fs` copies with rsync")
def test_jobs_in_empty_folders_make_the_table_that_a_plain_run_makes(tmp_path):
    for plugin in ("snakemake_storage_plugin_fs", "snakemake_executor_plugin_cluster_generic"):
        pytest.importorskip(plugin, reason="`make storage` installs it")
    sharded = TEXT.replace("batch_size: 4", "batch_size: 4\n    job_minutes: 0.0007")
    plain, remote = laid_out(tmp_path / "plain", sharded), laid_out(tmp_path / "remote", sharded)
    snakemake(plain, "--", "table")
    jobs, store = tmp_path / "jobs", tmp_path / "store"
    jobs.mkdir()
    told = stored(remote, jobs, store, "table")
    assert timeless(store / "results/scores.csv") == timeless(plain / "results/scores.csv")
    for name in ("table.parquet", "quality.csv", "metrics.json"):
        assert (store / "results" / name).read_bytes() == (plain / "results" / name).read_bytes()
    cells = sorted(path.name for path in (plain / "results/cells").iterdir())
    for cell in cells:
        one, two = (place / "results/cells" / cell / "tokens.safetensors" for place in (plain, store))
        assert one.read_bytes() == two.read_bytes(), cell
    assert len(list(jobs.glob("*.code"))) > 3, told
