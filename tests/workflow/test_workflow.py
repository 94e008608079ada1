"""The workflow as users run it: a folder of its own, the real Snakemake, the exact field."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ladr.experiment.cells.decode import run
from ladr.experiment.plan.plan import Plan, looking
from ladr.experiment.plan.workflow import planned
from tiny import TEXT, cell_of, damage, tiny
from workflow_runs import BIN, children, environment, jobs, laid_out, same, snakemake, started

slow = pytest.mark.slow


@pytest.fixture(autouse=True)
def environment_back(monkeypatch):
    """A plan tells its jobs where to look through the environment; tests forget it."""
    for name, value in (("LADR_PARAMS", "params.yaml"), ("LADR_SET", ""), ("OMP_NUM_THREADS", "1")):
        monkeypatch.setenv(name, value)


def test_command_lines_that_only_look():
    assert looking(["snakemake", "-n"])
    assert looking(["snakemake", "--report=x.html"])
    assert looking(["snakemake", "--mode", "remote"])


@pytest.mark.parametrize(
    ("config", "variables", "says"),
    [
        ({"bakbone": "field"}, {}, r"--config bakbone: is unknown \(did you mean 'backbone'\?\)"),
        ({}, {"LADR_SET": "steps=8"}, r'LADR_SET: is not read here, .*; snakemake --config set="KEY=VALUE'),
        ({}, {"LADR_PARAMS": "paper.yaml"}, "LADR_PARAMS: is not read here, .* --config params=FILE"),
    ],
)
def test_what_snakemake_would_pass_over_is_refused(tmp_path, monkeypatch, config, variables, says):
    tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"^ladr: {says}"):
        planned(config, ["snakemake", "-n"])
    assert not Path("results").exists()


def test_a_plan_obeys_what_it_told_itself(tmp_path, monkeypatch):
    tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    for steps in (5, 6):
        cells = planned({"set": f"steps={steps}"}, ["snakemake", "-n"]).grid.cells
        assert any(f"scheduled{steps}-" in cell for cell in cells)


def test_the_plan_puts_what_is_missing_into_jobs(tmp_path, monkeypatch):
    _, grid = tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    plan = Plan.read({"set": "backbones.field.job_minutes=0.0019"}, ["-n"])
    batches = plan.decoding
    assert [len(b.cells) for b in batches] == [1, 3, 3]
    assert all(b.name != "there" for b in batches)
    ladr = f"results/cells/{cell_of(grid, 'ladr').id}/cell.json"
    assert any(ladr in b.needs for b in batches[1:])
    assert ladr not in batches[0].needs
    assert set(plan.records("cell.json")) <= set(plan.all)
    assert json.loads(Path("results/grid.json").read_text())["cells"] == list(grid.cells)
    before = Path("results/grid.json").stat().st_mtime_ns
    Plan.read({}, ["-n"])
    assert Path("results/grid.json").stat().st_mtime_ns == before


def test_a_job_elsewhere_sees_the_batches_that_the_run_began_with(tmp_path, monkeypatch):
    params, grid = tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = Plan.read({}, ["snakemake", "--cores", "1"])
    names = {b.name: [c.id for c in b.cells] for b in before.decoding}
    run([cell_of(grid, "cosine")], part=params.part, say=lambda text: None)
    assert {b.name: [c.id for c in b.cells] for b in Plan.read({}, ["-n"]).decoding} != names
    remote = Plan.read({}, ["snakemake", "--mode", "remote"])
    assert {b.name: [c.id for c in b.cells] for b in remote.decoding} == names


def test_a_backbone_from_the_command_line_runs_alone(tmp_path, monkeypatch):
    tiny(tmp_path, TEXT + "seed: 3\n")
    monkeypatch.chdir(tmp_path)
    assert Plan.read({"backbone": "field"}, ["-n"]).params.use == ["field"]


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """An undisturbed run."""
    folder = laid_out(tmp_path_factory.mktemp("calm") / "w")
    snakemake(folder)
    return folder, tiny(folder)[1]


@slow
def test_a_second_run_does_nothing_and_a_dry_run_is_clean(calm):
    folder, _ = calm
    assert "Nothing to be done" in snakemake(folder).stderr
    assert jobs(snakemake(folder, "-n")) == []


@slow
def test_one_changed_alpha_runs_that_samplers_cells_even_without_metadata(calm, tmp_path):
    folder, _ = calm
    other = tmp_path / "clone"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns(".snakemake", ".locks"))
    _, grid = tiny(other, TEXT.replace("structure: {alpha: 0.3}", "structure: {alpha: 0.9}"))
    before = {p: p.stat().st_mtime_ns for p in (other / "results/cells").rglob("cell.json")}
    snakemake(other)
    after = {p: p.stat().st_mtime_ns for p in (other / "results/cells").rglob("cell.json")}
    assert all(after[p] == t for p, t in before.items()), "a cell that had not changed was made again"
    new = {p.parent.name for p in after.keys() - before.keys()}
    assert new == {cell_of(grid, n).id for n in ("ladr", "matched", "near", "far")}
    tiny(other, TEXT)
    table = (folder / "results/table.parquet").read_bytes()
    assert set(jobs(snakemake(other))) <= {"table", "draw_scores", "draw_traces", "figures", "track", "all"}
    assert (other / "results/table.parquet").read_bytes() == table, "the table did not go back"


@slow
@pytest.mark.parametrize("moment", ["decoding", "between"])
@pytest.mark.parametrize("victim", ["worker", "snakemake", "interrupt"])
def test_a_run_that_was_ended_is_finished_by_the_next(calm, tmp_path, victim, moment):
    calm_folder, grid = calm
    folder = laid_out(tmp_path / "w")
    process = started(folder)
    cells = folder / "results/cells"
    sign = "*/parts/[0-9]*.safetensors" if moment == "decoding" else "*/cell.json"
    while not any(cells.glob(sign)):
        assert process.poll() is None
        time.sleep(0.02)
    if victim == "worker":
        for pid in children(process.pid):
            os.kill(pid, signal.SIGKILL)
    elif victim == "snakemake":
        os.kill(process.pid, signal.SIGKILL)
    else:
        os.killpg(process.pid, signal.SIGINT)
    process.wait()
    snakemake(folder)
    assert same(calm_folder, folder, grid)


@slow
def test_damage_is_mended_by_the_next_run(calm, tmp_path):
    calm_folder, grid = calm
    folder = tmp_path / "w"
    shutil.copytree(calm_folder, folder, ignore=shutil.ignore_patterns(".locks"))
    place = folder / "results/cells"
    damage(place / cell_of(grid, "ladr").id / "tokens.safetensors")
    os.truncate(place / cell_of(grid, "cosine").id / "trace.parquet", 40)
    damage(place / cell_of(grid, "halton").id / "scores.jsonl")
    os.truncate(folder / "results/table.parquet", 100)
    words = [str(BIN / "ladr"), "doctor"]
    told = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True)
    assert told.returncode == 1
    for name in ("tokens.safetensors", "trace.parquet", "scores.jsonl", "table.parquet"):
        assert name in told.stderr
    snakemake(folder)
    assert same(calm_folder, folder, grid)
    assert subprocess.run(words, cwd=folder, env=environment(), capture_output=True).returncode == 0


@slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_ends_the_run_and_the_next_one_finishes(calm, tmp_path):
    calm_folder, grid = calm
    folder = laid_out(tmp_path / "w")
    small = folder / "results"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        ended = snakemake(folder, check=False)
        assert ended.returncode != 0
        assert "cannot be written (No space left on device)" in ended.stdout + ended.stderr
        assert len(list(small.glob("cells/*/score.json"))) < len(grid.cells)
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        snakemake(folder)
        assert same(calm_folder, folder, grid)
    finally:
        subprocess.run(["umount", small], check=True)


@slow
def test_two_runs_in_one_folder_the_second_says_so(calm, tmp_path):
    calm_folder, grid = calm
    folder = laid_out(tmp_path / "w")
    first = started(folder)
    while not any((folder / "results/cells").glob("*/parts")):
        assert first.poll() is None
        time.sleep(0.02)
    second = snakemake(folder, check=False)
    assert second.returncode != 0
    assert f"process {first.pid} runs the workflow in this folder" in second.stdout + second.stderr
    assert first.wait(1500) == 0
    assert same(calm_folder, folder, grid)


@slow
def test_mistakes_are_told_before_anything_runs(tmp_path):
    folder = laid_out(tmp_path / "w")
    (folder / "params.yaml").write_text(TEXT.replace("part: 4", "prt: 4").replace("halton}", "haltn}"))
    done = snakemake(folder, check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "params.yaml: 2 mistakes" in said
    assert "Traceback" not in said
    assert 'File "' not in said
    assert not (folder / "results").exists()


@slow
def test_figures_are_drawn_from_results_and_those_without_cells_are_told(calm):
    folder, _ = calm
    figures = {p.name for p in (folder / "figures/latest").rglob("*")}
    assert {"table-field-exact-field.md", "quality-field-exact-field.svg", "audit.csv"} <= figures
    assert {"fig-field-exact-field.svg", "alpha-field-exact-field.svg"} <= figures
    done = snakemake(folder, "-n", "--forcerun", "table", "--", "figures")
    assert jobs(done) == ["draw_scores", "draw_traces", "figures", "table"]
    assert "figure divergence is not drawn: no `theory`" in done.stderr
    assert not [name for name in figures if name.startswith(("divergence", "gallery", "films"))]


@slow
def test_the_embedded_model_is_retrained_on_request_alone(calm):
    folder, _ = calm
    steps = ["retrain", "train_exam", "train_export", "train_model", "train_vq"]
    assert jobs(snakemake(folder, "-n", "--", "retrain")) == steps
    assert not set(steps) & set(jobs(snakemake(folder, "-n", "--forceall")))
    assert "models/shapes" not in (folder / "workflow/rules/train.smk").read_text()


def test_the_rules_pass_the_lint_of_snakemake(tmp_path):
    folder = laid_out(tmp_path / "w", TEXT.replace("tracking: false", "tracking: true"))
    done = snakemake(folder, "--lint", check=False)
    assert done.returncode == 0, done.stderr


@slow
def test_the_report_is_one_page_that_needs_no_network(calm):
    folder, _ = calm
    snakemake(folder, "--report", "results/report.html")
    page = (folder / "results/report.html").read_text(encoding="utf-8")
    assert "scores.csv" in page
    assert "quality-field-exact-field.svg" in page
    assert "Quality against passes: field-exact on field" in page
    assert "LADR takes fewer passes" in page
    assert 'src="http' not in page


def test_either_embedded_model_is_made_anew_by_one_command(tmp_path):
    folder = laid_out(tmp_path / "w")
    shapes = jobs(snakemake(folder, "-n", "--", "retrain"))
    assert "train_model" in shapes
    assert "train_data" not in shapes
    pictures = jobs(snakemake(folder, "-n", "--config", "train=pictures", "--", "retrain"))
    assert {"train_data", "train_vq", "train_model", "train_export", "train_exam"} <= set(pictures)
    wrong = snakemake(folder, "-n", "--config", "train=picture", "--", "retrain", check=False)
    assert wrong.returncode != 0
    said = "ladr: --config train: 'picture' is unknown (did you mean 'pictures'?)"
    assert said in wrong.stderr + wrong.stdout
