"""Running cells: nothing is lost to a kill, nothing damaged passes for whole."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ladr.base import locks
from ladr.base.errors import LadrError
from ladr.benchmarks import BENCHMARKS
from ladr.benchmarks.compare import compare
from ladr.experiment.cells import doctor, parts
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.decoded import counts_of, read_tokens, read_trace
from ladr.experiment.cells.latency import _look, measure, measurements
from ladr.experiment.cells.overview import overview
from ladr.experiment.cells.record import described, done
from ladr.experiment.cells.record import write as seal
from ladr.experiment.cells.rows import read_scores, scored
from ladr.experiment.cells.score import score
from ladr.experiment.cells.table import write as write_table
from ladr.experiment.plan.plan import Plan
from tiny import TEXT, cell_of, damage, record, resealed, tiny, write


def quiet(text):
    pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished grid that tests only read."""
    folder = tmp_path_factory.mktemp("made")
    params, grid = tiny(folder)
    results = folder / "results"
    run(grid.cells.values(), results=results, part=params.part, say=quiet)
    score(grid.cells.values(), results=results, say=quiet)
    return params, grid, results


@pytest.fixture
def own(made, tmp_path):
    """A copy of it to spoil."""
    params, grid, results = made
    shutil.copytree(results, tmp_path / "results")
    return params, grid, tmp_path / "results"


def folder_of(results, grid, name):
    return results / "cells" / cell_of(grid, name).id


def test_a_cell_holds_its_files_and_says_what_they_are(made):
    _, grid, results = made
    folder = folder_of(results, grid, "ladr")
    told = record(folder / "cell.json")
    assert told["spec"] == json.loads(json.dumps(cell_of(grid, "ladr").spec))
    assert set(told["files"]) == {"tokens.safetensors", "trace.parquet"}
    assert told["images"] == 9
    assert {"commit", "torch", "cpu", "ladr"} <= told["provenance"]["made"][0].keys()
    assert not (folder / "parts").exists()
    tensors = read_tokens(folder)
    assert tensors["tokens"].shape == (9, 4, 4)
    assert 0 <= tensors["tokens"].min() <= tensors["tokens"].max() < 3
    trace = read_trace(folder)
    assert sorted(set(trace["image"])) == list(range(9))
    assert told["summary"]["passes"] == len(trace["step"]) / 9


def test_a_finished_cell_is_left_alone(own):
    params, grid, results = own
    before = {p: p.stat().st_mtime_ns for p in results.rglob("*") if p.is_file() and p.suffix != ".lock"}
    run(grid.cells.values(), results=results, part=params.part, say=quiet)
    score(grid.cells.values(), results=results, say=quiet)
    after = {p: p.stat().st_mtime_ns for p in results.rglob("*") if p.is_file() and p.suffix != ".lock"}
    assert after == before


def test_tokens_depend_neither_on_parts_nor_on_batches(made, tmp_path):
    _, grid, results = made
    _, other = tiny(tmp_path, TEXT.replace("batch_size: 4", "batch_size: 3"))
    cells = [cell_of(other, name) for name in ("ladr", "near")]
    run(cells, results=tmp_path / "results", part=5, say=quiet)
    for name in ("ladr", "near"):
        a, b = (read_tokens(folder_of(r, grid, name)) for r in (results, tmp_path / "results"))
        assert all(torch.equal(a[k], b[k]) for k in a)
        assert counts_of(folder_of(results, grid, name)) == counts_of(
            folder_of(tmp_path / "results", grid, name)
        )


def test_a_replay_commits_what_its_source_did_elsewhere(made):
    _, grid, results = made
    counts = counts_of(folder_of(results, grid, "ladr"))
    assert counts_of(folder_of(results, grid, "far")) == counts
    settled = [read_tokens(folder_of(results, grid, n))["settled"] for n in ("ladr", "far")]
    assert not torch.equal(*settled)


def test_matched_steps_are_the_other_cells_mean_passes(made):
    _, grid, results = made
    passes = record(folder_of(results, grid, "ladr") / "cell.json")["summary"]["passes"]
    told = record(folder_of(results, grid, "matched") / "cell.json")["summary"]
    assert told["steps"] == int(passes + 0.5) == told["passes"]


def test_a_cell_whose_source_is_missing_says_so_and_the_others_run(tmp_path):
    _, grid = tiny(tmp_path)
    cells = [cell_of(grid, "near"), cell_of(grid, "cosine")]
    with pytest.raises(LadrError, match="1 of 2 cells failed"):
        run(cells, results=tmp_path / "results", say=quiet)
    assert done(folder_of(tmp_path / "results", grid, "cosine") / "cell.json")
    assert not (folder_of(tmp_path / "results", grid, "near") / "cell.json").exists()


SCRIPT = """
import sys
from ladr.experiment.grid import grid
from ladr.experiment.params import load
from ladr.experiment.cells.decode import run
params = load("params.yaml")
cells = grid(params)
run([c for c in cells.cells.values() if c.id in sys.argv[1:]], part=params.part, wait=True)
"""
LONG = TEXT.replace("{field-exact: 3}", "{field-exact: 60}").replace("part: 4", "part: 2")


def started(folder, cell):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, cell], cwd=folder, stderr=subprocess.PIPE)


def wait_for(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_kill_9_costs_one_part_and_changes_nothing(tmp_path):
    _, grid = tiny(tmp_path, LONG)
    cell = cell_of(grid, "cosine")
    folder = tmp_path / "results/cells" / cell.id
    process = started(tmp_path, cell.id)
    wait_for(
        lambda: len(list((folder / "parts").glob("[0-9]*.safetensors"))) >= 3 or process.poll() is not None
    )
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL, process.stderr.read()
    left = {p.name: p.stat().st_mtime_ns for p in (folder / "parts").glob("[0-9]*.safetensors")}
    assert 3 <= len(left) < 90
    assert not (folder / "cell.json").exists()
    (folder / "parts" / ".0000100-0000102.safetensors.1.part").write_bytes(b"half a part")
    spoilt = folder / "parts" / min(left)
    damage(spoilt)
    seen = []
    run([cell], results=tmp_path / "results", part=2, say=seen.append)
    assert len(seen) == 90 - (len(left) - 1), "parts that were whole were decoded again"
    run([cell], results=tmp_path / "calm", part=64, say=quiet)
    a, b = (read_tokens(r / "cells" / cell.id) for r in (tmp_path / "results", tmp_path / "calm"))
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert counts_of(folder) == counts_of(tmp_path / "calm/cells" / cell.id)


def test_a_job_whose_records_were_taken_away_joins_its_parts_again(tmp_path, monkeypatch):
    """What Snakemake does to the outputs of a failed job."""
    _, grid = tiny(tmp_path)
    cells = [cell_of(grid, "ladr"), cell_of(grid, "cosine")]
    original = parts.Part.save

    def full(self, folder):
        if folder.name == cells[1].id and self.start >= 4:
            raise LadrError("no space left on device")
        original(self, folder)

    monkeypatch.setattr(parts.Part, "save", full)
    with pytest.raises(LadrError, match="1 of 2 cells failed"):
        run(cells, results=tmp_path / "results", part=4, say=quiet)
    monkeypatch.undo()
    folder = tmp_path / "results/cells" / cells[0].id
    before = read_tokens(folder)["tokens"]
    (folder / "cell.json").unlink()
    seen = []
    run(cells, results=tmp_path / "results", part=4, say=seen.append)
    assert [text for text in seen if cells[0].id in text] == [], "it was decoded again"
    assert len(seen) == 2
    assert torch.equal(read_tokens(folder)["tokens"], before)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_said_and_survived(tmp_path):
    _, grid = tiny(tmp_path, LONG)
    cell = cell_of(grid, "halton")
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        with pytest.raises(LadrError, match=r"No space left on device"):
            run([cell], results=small, part=2, say=quiet)
        assert not (small / "cells" / cell.id / "cell.json").exists()
        assert list(parts.cover(small / "cells" / cell.id, (0, cell.images))), "what was finished is kept"
        shutil.copytree(small, tmp_path / "results")
    finally:
        subprocess.run(["umount", small], check=True)
    run([cell], results=tmp_path / "results", part=2, say=quiet)
    run([cell], results=tmp_path / "calm", part=64, say=quiet)
    a, b = (read_tokens(r / "cells" / cell.id)["tokens"] for r in (tmp_path / "results", tmp_path / "calm"))
    assert torch.equal(a, b)


def test_a_second_process_on_a_cell_says_so_or_waits(tmp_path):
    _, grid = tiny(tmp_path)
    cell = cell_of(grid, "cosine")
    lock = tmp_path / "results/.locks" / f"{cell.id}.lock"
    handle = locks.take(lock)
    with pytest.raises(LadrError, match=f"process {os.getpid()} is at work on it"):
        run([cell], results=tmp_path / "results", say=quiet)
    os.close(handle)
    run([cell], results=tmp_path / "results", say=quiet)


def test_each_job_takes_a_gpu_of_its_own(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert locks.own_gpu(tmp_path, 1) is None
    assert [locks.own_gpu(tmp_path, 2)] == ["0"]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert locks.own_gpu(tmp_path, 2) == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert locks.own_gpu(tmp_path, 2) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


@pytest.mark.parametrize("name", ["tokens.safetensors", "trace.parquet"])
@pytest.mark.parametrize("how", ["flip", "truncate", "remove"])
def test_doctor_names_a_damaged_file_and_the_next_run_makes_it_anew(own, name, how):
    params, grid, results = own
    assert list(doctor.examine(results)) == []
    folder = folder_of(results, grid, "ladr")
    tokens = read_tokens(folder)
    path = folder / name
    {"flip": damage, "truncate": lambda p: os.truncate(p, 50), "remove": Path.unlink}[how](path)
    found = list(doctor.examine(results))
    assert [str(path) in f.message for f in found] == [True]
    doctor.mend(found, results)
    assert list(doctor.examine(results)) == []
    run([cell_of(grid, "ladr")], results=results, part=params.part, say=quiet)
    score([cell_of(grid, "ladr")], results=results, say=quiet)
    assert all(torch.equal(tokens[k], v) for k, v in read_tokens(folder).items())
    assert list(doctor.examine(results)) == []


def test_damaged_scores_cost_the_scores_alone(own):
    _, grid, results = own
    folder = folder_of(results, grid, "ladr")
    before = (folder / "scores.jsonl").read_bytes()
    damage(folder / "scores.jsonl")
    found = list(doctor.examine(results))
    assert [str(folder / "scores.jsonl") in f.message for f in found] == [True]
    doctor.mend(found, results)
    assert done(folder / "cell.json")
    score([cell_of(grid, "ladr")], results=results, say=quiet)
    assert (folder / "scores.jsonl").read_bytes() == before


def test_scores_of_other_tokens_do_not_count(own):
    _, grid, results = own
    folder, other = folder_of(results, grid, "ladr"), folder_of(results, grid, "cosine")
    for name in ("score.json", "scores.jsonl", "samples.png"):
        shutil.copy(other / name, folder / name)
    resealed(folder / "score.json", id=folder.name)
    assert not scored(folder)
    assert any("scores of other tokens" in f.message for f in doctor.examine(results))
    with pytest.raises(LadrError, match=r"no scores.* of the tokens"):
        read_scores(folder)


def test_scores_of_another_version_are_made_anew(own, monkeypatch, capfd):
    params, grid, results = own
    place = folder_of(results, grid, "ladr") / "score.json"
    before = resealed(place, scorer={**record(place)["scorer"], "lines": 0})
    assert not scored(place.parent)
    monkeypatch.chdir(results.parent)
    Plan(params, grid, results).claim()
    assert "scored by another version of ladr" in capfd.readouterr().err
    assert not place.exists()
    assert scored(folder_of(results, grid, "cosine"))
    score([cell_of(grid, "ladr")], results=results, say=quiet)
    assert record(place)["lines"] == before["lines"]


def test_the_table_has_every_judgement_interval_and_difference(own, tmp_path):
    params, grid, results = own
    lines = write_table(grid, params.baseline, tmp_path / "out", results)
    assert len(lines) == len(grid.lines) * 4  # two columns, junk and diversity
    ladr = lines[(lines.name == "ladr") & (lines.column == "Likelihood")].iloc[0]
    assert ladr.low <= ladr.value <= ladr.high
    rows = [read_scores(folder_of(results, grid, n))[1] for n in ("ladr", "cosine")]
    found = compare(BENCHMARKS["field-exact"], *rows).set_index("column").loc["Likelihood"]
    assert ladr.difference == pytest.approx(found.difference)
    assert ladr.difference_low <= ladr.difference <= ladr.difference_high
    own_base = lines[lines.cell == lines.baseline]
    assert (own_base[["difference_low", "difference_high"]].dropna() == 0).all(axis=None)
    assert len(own_base) > 0
    metrics = record(tmp_path / "out/metrics.json")
    assert metrics["field"]["field-exact"]["cosine"]["passes"] == 8
    short = record(tmp_path / "out/main.json")
    assert short == {"passes": round(ladr.passes, 2), "field": round(ladr.value, 2)}
    first = (tmp_path / "out/scores.parquet").read_bytes()
    write_table(grid, params.baseline, tmp_path / "out", results)
    assert (tmp_path / "out/scores.parquet").read_bytes() == first


def test_the_table_works_intervals_out_from_judgements(own, tmp_path):
    params, grid, results = own
    before = write_table(grid, params.baseline, tmp_path / "out", results)
    place = folder_of(results, grid, "ladr") / "score.json"
    resealed(place, lines=[{**line, "low": -1.0} for line in record(place)["lines"]])
    assert write_table(grid, params.baseline, tmp_path / "out", results).low.equals(before.low)


def test_a_missing_image_fails_the_table(own, tmp_path):
    params, grid, results = own
    folder = folder_of(results, grid, "ladr")
    kept = [x for x in (folder / "scores.jsonl").read_text().splitlines() if '"c0.8-001"' not in x]
    (folder / "scores.jsonl").write_text("\n".join(kept) + "\n")
    resealed(folder / "score.json", files=described(folder, ["scores.jsonl", "samples.png"]))
    with pytest.raises(LadrError, match=r"image 0 of prompt c0\.8-001 missing"):
        write_table(grid, params.baseline, tmp_path / "out", results)


def test_a_missing_cell_fails_the_table(own, tmp_path):
    params, grid, results = own
    (folder_of(results, grid, "far") / "cell.json").unlink()
    with pytest.raises(LadrError, match=f"{cell_of(grid, 'far').id}: not decoded"):
        write_table(grid, params.baseline, tmp_path / "out", results)


def test_the_overview_tells_states_and_guesses_time(own):
    _, grid, results = own
    with suppress(OSError):
        shutil.rmtree(folder_of(results, grid, "far"))
    (folder_of(results, grid, "near") / "score.json").unlink()
    os.truncate(folder_of(results, grid, "cosine") / "tokens.safetensors", 10)
    rows = {row["cell"]: row for row in overview(grid, results)}
    states = {name: rows[cell_of(grid, name).id]["state"] for name in ("far", "near", "cosine", "ladr")}
    assert states == {"far": "missing", "near": "unscored", "cosine": "stale", "ladr": "done"}
    assert rows[cell_of(grid, "far").id]["seconds"] > 0


def test_the_pass_before_a_stopwatch_is_on_the_backbones_device():
    seen = []

    class Elsewhere:
        grid, device = (2, 3), torch.device("meta")

        def bind(self, prompts):
            return self

        def logits(self, tokens, rows, *, t):
            seen.extend((tokens, rows, t))

    prompt = SimpleNamespace(text="a")
    run = SimpleNamespace(images=[(prompt, 0)], kind=SimpleNamespace(reading=lambda prompt: prompt.text))
    _look(Elsewhere(), run, 0)
    assert [tensor.device.type for tensor in seen] == ["meta"] * 3
    assert [tensor.dtype for tensor in seen] == [torch.int64, torch.int64, torch.float32]


def test_latency_times_every_sampler_on_the_same_images(made, tmp_path):
    _, _, results = made
    text = TEXT + "latency: {benchmark: field-exact, prompts: 3, warmup: 1}\n"
    params, grid = tiny(tmp_path, text)
    (name,) = measurements(params, grid)
    shutil.copytree(results, tmp_path / "results")
    told = measure(name, params, grid, results=tmp_path / "results", say=quiet)
    assert set(told["rows"]) == {"cosine", "matched", "ladr", "halton"}
    assert {len(v) for v in told["seconds"].values()} == {3}
    assert told["rows"]["cosine"]["speedup"] == 1
    assert told["rows"]["cosine"]["passes"] == 8
    assert record(tmp_path / "results/latency" / f"{name}.json")["rows"] == told["rows"]


def test_prune_removes_what_the_grid_no_longer_names(own):
    _, grid, results = own
    gone = cell_of(grid, "halton").id
    (results / "latency").mkdir()
    for name in ("old", "kept"):
        seal(results / f"latency/{name}.json", {"id": name, "rows": {}, "cells": {}, "seconds": {}})
    left = [i for i in grid.cells if i != gone]
    assert doctor.prune(left, ["kept.json"], results) == sorted([gone, "old.json"])
    assert sorted(p.name for p in (results / "cells").iterdir()) == sorted(set(grid.cells) - {gone})


def test_decoding_imports_nothing_heavy(tmp_path):
    write(tmp_path)
    code = "import sys, ladr.experiment.cells.decode; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["transformers", "diffusers", "mlflow", "pandas", "matplotlib", "dvc", "optuna", "snakemake"]
    found = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
