"""A finished experiment of seconds to spoil: what it holds, ways to spoil it, and how it is made again."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import traceback
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from ladr.benchmarks.rows import Row
from ladr.experiment.cells import ceiling, doctor, record, table
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.latency import measure, measurements
from ladr.experiment.cells.score import score
from ladr.experiment.plan.plan import Plan
from tiny import damage, tiny

TEXT = """\
use: [field]
part: 4
steps: 8
tracking: false
backbones:
  field:
    settings: {grid: [4, 4], codes: 3}
    batch_size: 4
    benchmarks: {field-exact: 3}
samplers:
  cosine: {policy: cosine}
  matched: {policy: cosine, match: ladr}
  ladr: {policy: ladr}
latency: {benchmark: field-exact, prompts: 2}
"""
EXACT = {".safetensors", ".jsonl", ".png", ".svg"}  # the same bytes in every run
TIMED = {"seconds", "speedup", "speedup_range", "began", "ended", "provenance", "files", "digest"}
TIMED |= {"table", "reads"}  # of a record of figures: digests of what holds seconds


def quiet(text):
    pass


class World:
    """The experiment in a folder, which is the working folder while it is used."""

    def __init__(self, folder, text=TEXT):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.results = folder, folder / "results"
        self.params, self.grid = tiny(folder, text)

    @property
    def plan(self):
        return Plan(self.params, self.grid, Path("results"))

    def complete(self):
        """What the jobs of the workflow do, each where its output is not there."""
        self.plan.note()
        run(self.grid.cells.values(), part=self.params.part, say=quiet)
        score(self.grid.cells.values(), say=quiet)
        if not Path("results/table.json").is_file():
            table.write(self.grid, self.params.baseline)
        for name in measurements(self.params, self.grid):
            if not Path(f"results/latency/{name}.json").is_file():
                measure(name, self.params, self.grid, say=quiet)
        place = Path("results/ceilings/field-none-01234567.jsonl")
        if not place.is_file():
            ceiling.write_ceiling(place, {"benchmark": "none"}, [Row("a", "a", "a", i, 1.0) for i in (0, 1)])

    def mend(self):
        """The findings, after they were mended as by `ladr doctor --mend`."""
        findings = list(doctor.examine())
        doctor.mend(findings)
        return findings

    def files(self):
        """Every file of the results that this project wrote, from the results' folder."""
        named = (path.relative_to(self.results) for path in sorted(self.results.rglob("*")) if path.is_file())
        return [
            path
            for path in named
            if path.parts[0] not in (".locks", "mlflow")
            and "/." not in f"/{path}"
            and ".aside" not in str(path)
        ]

    def copy(self, folder):
        """The same world in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return World(folder, (self.folder / "params.yaml").read_text())


def content(world):
    """File -> a hash of all in it that is the same in every run: all but times and where it was made."""
    return {str(path): _content(world.results / path) for path in world.files()}


def _content(path):
    if path.suffix in EXACT or path.name in (
        "table.parquet",
        "quality.csv",
        "metrics.json",
        "main.json",
        "grid.json",
    ):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text()))
    if path.suffix in (".parquet", ".csv"):
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        return frame.drop(columns=["seconds"], errors="ignore").to_json()
    return path.stat().st_size


def _timeless(value):
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in TIMED}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def flip(path, world):
    damage(path, random.Random(path.name).randrange(path.stat().st_size))


def cut(path, world):
    """Cut at the end of a line where there are lines, else in the middle."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[:-1]) if path.suffix in (".jsonl", ".csv", ".json") else b""
    path.write_bytes(kept or path.read_bytes()[: path.stat().st_size // 2])


def empty(path, world):
    path.write_bytes(b"")


def folder(path, world):
    path.unlink()
    path.mkdir()
    (path / "notes.txt").write_text("somebody's")


def another(path, world):
    """A whole file of the same kind from elsewhere in the results, or else a stranger's."""
    kin = [p for p in sorted(world.results.rglob(f"*{path.suffix}")) if p.is_file()]
    kin = [p for p in kin if p.read_bytes() != path.read_bytes()]
    same = [p for p in kin if p.name == path.name] or kin
    content = same[0].read_bytes() if same else b"{}"
    path.write_bytes(content)


def numbers(path, world):
    """A file of the right form with other numbers in it."""
    if path.suffix == ".safetensors":
        tensors = load_file(path)
        tensors["tokens"] = (tensors["tokens"] + 1) % 3
        save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, path)
    elif path.suffix == ".parquet":
        frame = pq.read_table(path).to_pandas()
        name = next(n for n in frame if frame[n].dtype.kind in "fi")
        pq.write_table(pa.Table.from_pandas(frame.assign(**{name: frame[name] + 1})), path)
    elif path.suffix == ".png":
        flip(path, world)
    else:
        text = path.read_text()
        at = re.search(r"[0-8]\b", text) or re.search("[0-8]", text)
        path.write_text(text[: at.start()] + str(int(at[0]) + 1) + text[at.end() :])


WAYS = (flip, cut, empty, folder, another, numbers)


def forked(world, *words, before=lambda: None, log="log.txt"):
    """The process of `ladr WORDS` in the world's folder, in a session of its own; it need not import."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        os.setsid()
        os.chdir(world.folder)
        out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w") for number in (1, 2))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        before()
        sys.argv = ["ladr", *words]
        from ladr.cli.main import main

        code = main() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(pid):
    """The exit code of a forked process, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def tracked(results):
    """(cell, key) -> value of all that MLflow knows and that does not depend on time."""
    with closing(sqlite3.connect(results / "mlflow.db")) as store:
        rows = store.execute(
            "SELECT t.value, m.key, m.value FROM latest_metrics m JOIN tags t USING (run_uuid) JOIN runs r "
            "USING (run_uuid) WHERE t.key = 'ladr.cell' AND r.lifecycle_stage = 'active' ORDER BY 1, 2"
        ).fetchall()
    return [row for row in rows if "second" not in row[1] and "speedup" not in row[1]]


__all__ = ["TEXT", "WAYS", "World", "content", "ended", "forked", "record", "tracked"]
