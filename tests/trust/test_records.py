"""A small part of the faults: damage of every kind is named, mended, and made again as it was."""

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ladr.base.errors import LadrError
from ladr.base.locks import take
from ladr.cli.main import build
from ladr.experiment.cells import ceiling, doctor, record
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.decoded import read_tokens, read_trace
from ladr.experiment.cells.rows import scored
from tiny import cell_of, resealed
from trust.faulty import WAYS, content, numbers, quiet
from trust.refusals import refused


def ladr(*words):
    done = CliRunner().invoke(build(words[0]), list(words))
    return done.exit_code, done.output + str(done.exception or "")


def named(findings, name):
    return any(str(name) in finding.message for finding in findings)


def test_an_undisturbed_world_has_no_findings(world):
    assert list(doctor.examine()) == []
    assert ladr("doctor") == (0, "every checksum holds\n")


def test_every_file_spoilt_in_every_way_is_named_by_the_doctor(world, tmp_path):
    """One file after another, each put back before the next."""
    unnamed = []
    others = {cell for cell in world.grid.cells if cell != cell_of(world.grid, "matched").id}
    for name in (name for name in world.files() if not others & set(name.parts)):
        path = Path("results") / name
        for way in WAYS:
            shutil.copy2(path, tmp_path / "kept")
            way(path, world)
            same = path.is_file() and path.read_bytes() == (tmp_path / "kept").read_bytes()
            if not same and not named(doctor.examine(), path):
                unnamed.append((way.__name__, str(name)))
            if path.is_dir():
                shutil.rmtree(path)
            shutil.copy2(tmp_path / "kept", path)
    assert unnamed == []
    assert list(doctor.examine()) == []


def test_what_is_mended_is_made_again_as_it_was(calm, world):
    names = [name for name in world.files() if name.parts[0] != "cells"]
    cell = Path("cells", cell_of(world.grid, "ladr").id)
    names += [cell / "cell.json", cell / "scores.jsonl"]
    for name, way in zip(names, WAYS * len(names), strict=False):
        way(Path("results") / name, world)
    findings = world.mend()
    vouched = [
        name for name in names if name.name not in record.BESIDE
    ]  # by table.json, which is damaged too
    assert [str(name) for name in vouched if not named(findings, name)] == []
    world.complete()
    assert content(world) == calm[1]
    assert list(doctor.examine()) == []


@pytest.mark.parametrize(
    "text",
    ["[]", "3", "null", '"x"', "{}", '{"files": {}}', '{"files": []}', '{"files": {"a": 3}}', "{", "",
     "[" * 100_000, '{"files": NaN}', '{"id": 10}', b"\xff\xfe", b"\0" * 100, '{"files": {"\\ud800": 1}}'],
)  # fmt: skip
def test_what_is_no_record_is_a_finding_and_no_exception(world, text):
    cell = Path("results/cells") / cell_of(world.grid, "cosine").id
    names = [cell / "cell.json", cell / "score.json", Path("results/table.json"), Path("results/grid.json")]
    names += [*Path("results/latency").glob("*.json"), *Path("results/ceilings").glob("*")]
    for path in names:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    findings = list(doctor.examine())
    assert all(named(findings, path) for path in names)
    assert ladr("doctor")[0] == 1
    assert ladr("grid", "--missing", "--json")[0] == 0
    plan = world.plan
    assert cell.name not in plan.state()["decoded"]
    plan.claim()
    assert list(doctor.examine()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {}},
        {"files": {"tokens.safetensors": 3, "trace.parquet": {}}},
        {"files": 4},
        {"spec": []},
        {"images": "9"},
        {"images": True},
        {"summary": [1]},
        {"summary": {"passes": float("nan")}},
        {"id": ["x"]},
        {"id": "field-other-01234567"},
    ],
)
def test_a_sealed_record_of_the_wrong_form_is_a_finding(world, changes):
    path = Path("results/cells") / cell_of(world.grid, "cosine").id / "cell.json"
    resealed(path, **changes)
    assert named(doctor.examine(), path)


def test_a_record_of_a_hundred_megabytes_is_not_read(world):
    path = Path("results/latency/field-large-01234567.json")
    with open(path, "wb") as file:
        file.truncate(100 << 20)
    assert named(doctor.examine(), path)


def test_passes_that_somebody_changed_reach_no_table_and_no_other_cell(world):
    """Also where the digest was made to fit: the trace says how many passes there were."""
    path = Path("results/cells") / cell_of(world.grid, "ladr").id / "cell.json"
    summary = json.loads(path.read_text())["summary"]
    numbers(path, world)
    assert not record.done(path)
    assert not scored(path.parent)
    assert ladr("table")[0] != 0
    assert ladr("run", cell_of(world.grid, "matched").id)[0] == 0
    world.mend()
    world.complete()
    assert json.loads(path.read_text())["summary"]["passes"] == summary["passes"]
    resealed(path, summary={**summary, "passes": 1.0})
    assert named(doctor.examine(), path)


def test_a_cell_copied_over_another_is_a_finding(world):
    one, other = (Path("results/cells") / cell_of(world.grid, name).id for name in ("ladr", "cosine"))
    shutil.rmtree(one)
    shutil.copytree(other, one)
    assert not record.done(one / "cell.json")
    assert named(doctor.examine(), one / "cell.json")
    assert named(doctor.examine(), one / "score.json")


def exchanged(world, *names):
    """Files of two cells, each in the place of the other."""
    one, other = (Path("results/cells") / cell_of(world.grid, name).id for name in ("ladr", "cosine"))
    for name in names:
        (one / name).rename(one / "aside")
        (other / name).rename(one / name)
        (one / "aside").rename(other / name)


@pytest.mark.parametrize(
    ("figure", "names"),
    [
        ("tables", ["cell.json"]),
        ("tables", ["cell.json", "tokens.safetensors", "trace.parquet"]),
        ("phases", ["cell.json", "tokens.safetensors", "trace.parquet"]),
        ("phases", ["trace.parquet"]),
    ],
)
def test_no_figure_is_drawn_from_a_cell_in_the_place_of_another(world, capsys, figure, names):
    exchanged(world, *names)
    line = refused(["figures", figure, "--out", "figures"], capsys)
    assert names[0] in line
    assert "see `ladr doctor`" in line


@pytest.mark.parametrize(
    ("name", "figure"),
    [("scores.parquet", "tables"), ("table.parquet", "findings"), ("table.json", "tables")],
)
def test_no_figure_is_drawn_from_a_table_that_has_changed(world, capsys, name, figure):
    numbers(Path("results") / name, world)
    line = refused(["figures", figure, "--out", "figures"], capsys)
    assert f"results/{name}: " in line
    assert "its content has changed" in line or "bytes" in line
    assert "see `ladr doctor`" in line


@pytest.mark.parametrize("name", ["tokens.safetensors", "trace.parquet"])
def test_tokens_and_traces_of_another_cell_are_not_read(world, name):
    exchanged(world, name)
    folder = Path("results/cells") / cell_of(world.grid, "ladr").id
    read = read_tokens if name.startswith("tokens") else read_trace
    with pytest.raises(LadrError, match=rf"{name}: .*; `ladr doctor --mend`, then run again"):
        read(folder)


def test_a_record_that_is_missing_says_so_and_what_to_run(world, capsys):
    path = Path("results/cells") / cell_of(world.grid, "ladr").id / "cell.json"
    path.unlink()
    line = refused(["figures", "tables", "--out", "figures"], capsys)
    assert f"{path} is not there; run `ladr run {path.parent.name}`, or `snakemake`" in line
    with pytest.raises(LadrError) as error:
        record.read(path)
    assert str(error.value) == f"{path}: cannot be read (No such file or directory)"


def test_a_part_of_another_cell_is_a_finding_and_is_not_joined(calm, world):
    cells = [cell_of(world.grid, name) for name in ("cosine", "ladr")]
    for cell in cells:
        shutil.rmtree(world.results / "cells" / cell.id)
    run(cells, part=4, wait=True, say=quiet)
    theirs, ours = (Path("results/cells") / cell.id for cell in cells)
    part = min((theirs / "parts").glob("*.safetensors"))
    shutil.copy(part, ours / "parts" / part.name)
    (ours / "cell.json").unlink()
    assert named(doctor.examine(), ours / "parts" / part.name)
    with pytest.raises(LadrError, match="belongs to cell"):
        run([cells[1]], say=quiet)
    world.mend()
    world.complete()
    assert content(world) == calm[1]


def test_a_cell_of_before_says_what_to_do(world):
    path = Path("results/cells") / cell_of(world.grid, "ladr").id / "cell.json"
    content = {key: value for key, value in json.loads(path.read_text()).items() if key != "digest"}
    path.write_text(json.dumps(content))
    (finding,) = doctor.examine()
    assert "is not sealed; `ladr doctor --mend`" in finding.message


def test_a_cut_ceiling_is_no_ceiling(world):
    path = next(Path("results/ceilings").glob("*.jsonl"))
    assert len(ceiling.read_ceiling(path)) == 2
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(LadrError, match="has changed"):
        ceiling.read_ceiling(path)


def test_halves_that_dead_processes_left_go_and_those_of_the_living_stay(world):
    cell = Path("results/cells") / cell_of(world.grid, "ladr").id
    dead, alive = (cell / f".cell.json.{pid}.part" for pid in (4194305, os.getpid()))
    for path in (dead, alive):
        path.write_text("{")
    assert [finding.remove for finding in doctor.examine()] == [(dead,)]
    world.mend()
    assert (dead.exists(), alive.exists()) == (False, True)


def test_a_folder_that_holds_something_is_put_aside(world):
    path = Path("results/table.json")
    path.unlink()
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    world.mend()
    assert (path.with_name("table.json.aside") / "thesis.txt").read_text() == "years of work"
    assert not path.exists()


def test_a_folder_in_the_place_of_a_file_that_is_not_written_yet_goes(calm, world):
    cell = Path("results/cells") / cell_of(world.grid, "ladr").id
    for record_, name in (
        (cell / "cell.json", "tokens.safetensors"),
        (Path("results/table.json"), "scores.csv"),
    ):
        record_.unlink()
        place = record_.with_name(name)
        place.unlink()
        place.mkdir()
        assert named(doctor.examine(), place)
    world.mend()
    world.complete()
    assert content(world) == calm[1]


def test_what_somebody_else_put_there_is_left_alone(world):
    others = ["latency/notes.json", "ceilings/mine.jsonl", "cells/mine/cell.json", "pictures/my.json"]
    for name in others:
        (world.results / name).parent.mkdir(parents=True, exist_ok=True)
        (world.results / name).write_text("{}")
    assert list(doctor.examine()) == []


def test_mending_leaves_an_object_of_others_under_a_name_of_ours(world):
    others = ["latency/thesis-20310102.json", "thesis/table.json", "thesis/scores.csv", "thesis/main.json"]
    for name in others:
        (world.results / name).parent.mkdir(exist_ok=True)
        (world.results / name).write_text('{"mine": 1}')
    assert world.mend() == []
    assert [name for name in others if not (world.results / name).is_file()] == []


def test_a_cell_that_is_worked_on_is_neither_examined_nor_removed(world):
    cell = cell_of(world.grid, "ladr").id
    (world.results / "cells" / cell / "cell.json").write_text("{")
    handle = take(world.results / ".locks" / f"{cell}.lock")
    assert list(doctor.examine()) == []
    assert cell not in doctor.prune([])
    os.close(handle)
    assert named(doctor.examine(), cell)


@pytest.mark.parametrize("words", [("prune",), ("doctor", "--mend")])
def test_pruning_and_mending_wait_for_the_workflow(world, words):
    handle = take(Path("results/.locks/snakemake.lock"))
    code, output = ladr(*words)
    os.close(handle)
    assert code != 0
    assert f"process {os.getpid()} runs the workflow in this folder" in output
