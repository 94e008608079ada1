"""The workflow as users run it: a folder laid out like a checkout, and the real Snakemake in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ladr.experiment.cells.decoded import counts_of, read_tokens
from tiny import TEXT, tiny

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

# For programs that ask git: no settings of this machine, and a name to commit under.
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "DVC_NO_ANALYTICS": "1"}
ME = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def environment():
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}


def laid_out(folder, text=TEXT):
    """The folder as a fresh checkout with that experiment."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "Snakefile", folder)
    for name in ("workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    tiny(folder, text)
    return folder


def command(*words):
    return [str(BIN / "snakemake"), "--cores", "2", *words]


def snakemake(folder, *words, check=True):
    done = subprocess.run(
        command(*words), cwd=folder, capture_output=True, text=True, env=environment(), timeout=1500
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def started(folder, *words):
    """The workflow on its way, in a process group of its own."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command(*words), cwd=folder, env=environment(), start_new_session=True, **silent)


def children(pid):
    """Process ids of all that this process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(path.parent.name), *children(int(path.parent.name))]
    return found


def jobs(done):
    """Rules of the jobs that a dry run or a run names."""
    text = done.stdout + done.stderr
    named = [x for x in text.splitlines() if x.startswith(("localrule ", "rule ")) and ":" in x]
    return sorted(x.split()[1].rstrip(":") for x in named)


def same(a, b, grid):
    """Are the tokens, commits and scores of two folders equal?"""
    for cell in grid.cells:
        x, y = a / "results/cells" / cell, b / "results/cells" / cell
        one, two = read_tokens(x), read_tokens(y)
        assert all((one[k] == two[k]).all() for k in one), cell
        assert counts_of(x) == counts_of(y), cell
        assert (x / "scores.jsonl").read_bytes() == (y / "scores.jsonl").read_bytes(), cell
    return (a / "results/table.parquet").read_bytes() == (b / "results/table.parquet").read_bytes()
