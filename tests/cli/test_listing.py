"""`ladr grid`: one line a row that fits the terminal, fields between tabs in a pipe, and what is missing."""

import json
import shutil
from pathlib import Path

import pytest

from ladr.base.errors import FEW, LadrError, nearest
from ladr.cli.listing import print_cells, print_rows
from ladr.cli.main import answer
from ladr.experiment.cells.overview import overview, rows_of
from ladr.experiment.grid import grid
from ladr.experiment.params import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the smoke experiment, one of whose cells is decoded and scored."""
    shutil.copy(ROOT / "smoke.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    assert answer(["run", "samplers/cosine"]) == 0
    assert answer(["score", "samplers/cosine", "--processes", "1"]) == 0
    return tmp_path


def test_rows_and_cells_fit_80_columns_and_ids_stay_whole(monkeypatch, capsys):
    experiment = grid(load(ROOT / "params.yaml"))
    cells = overview(experiment, Path("nowhere"))
    monkeypatch.setenv("COLUMNS", "80")
    for listed, show in ((rows_of(experiment, cells), print_rows), (cells, print_cells)):
        show(listed, cells)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        starts = {line[:8] for line in lines}
        for entry in listed:
            alone = "cell" in entry or len(entry["cells"]) == 1
            ident = entry["cell"] if "cell" in entry else entry["cells"][0]
            assert (ident[-8:] if alone else f"{len(entry['cells'])} cells".ljust(8)) in starts
    rows = rows_of(experiment, cells)
    assert len({(r["row"], r["backbone"], r["benchmark"]) for r in rows}) == len(rows) < len(experiment.lines)
    assert {i for row in rows for i in row["cells"]} == {line.cell for line in experiment.lines}


def test_a_pipe_gets_fields_between_tabs(here, capsys):
    capsys.readouterr()
    assert answer(["grid"]) == 0
    head, *lines = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert {len(line) for line in lines} == {len(head)}
    rows = {line[head.index("row")]: dict(zip(head, line, strict=True)) for line in lines}
    done, other = rows["samplers/cosine"], rows["samplers/ladr"]
    assert (done["state"], other["state"]) == ("done", "missing")
    assert float(done["passes"]) > 0
    assert 0 <= float(done["score"]) <= 100
    assert other["passes"] == other["score"] == ""
    assert done["cells"].rsplit("-", 1)[-1].isalnum()


@pytest.mark.parametrize("words", [[], ["--cells"]])
def test_times_have_few_decimals_in_a_pipe_and_in_json(words, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert answer(["grid", "--json", *words]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert answer(["grid", *words]) == 0
    head, *lines = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    exact = overview(grid(load("params.yaml")))
    assert sum(e["hours"] for e in entries) == pytest.approx(sum(e["hours"] for e in exact), abs=0.1)
    for name, most in {"seconds": 1, "hours": 3, "wall": 1, "passes": 2, "score": 2}.items():
        printed = [line[head.index(name)] for line in lines]
        shown = [str(e[name]) for e in entries if e[name] is not None]
        assert all(len(text.partition(".")[2]) <= most for text in printed + shown)


def test_missing_leaves_out_what_is_done_and_cells_lists_all(here, capsys):
    answers = {}
    for words in ([], ["--missing"], ["--cells"], ["--cells", "--missing"]):
        capsys.readouterr()
        assert answer(["grid", "--json", *words]) == 0
        answers[" ".join(words)] = json.loads(capsys.readouterr().out)
    done = [row for row in answers[""] if row["state"] == "done"]
    assert {row["row"] for row in done} == {"samplers/cosine"}
    assert len(answers["--missing"]) == len(answers[""]) - len(done)
    experiment = grid(load("params.yaml"))
    assert {cell["cell"] for cell in answers["--cells"]} == set(experiment.cells)
    assert len(answers["--cells --missing"]) == len(experiment.cells) - 1


def test_an_error_lists_few_names(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in ("12345678", "zzz", "mixture-mini-x-00000000", "x" * 5000):
        assert answer(["run", name]) == 2
        assert len(capsys.readouterr().err) < 500
    assert nearest("zz", ["a", "b"]) == " (known: a, b)"
    many = [f"name{n}" for n in range(200)]
    assert nearest("q", many).count("name") == FEW
    assert nearest("q", many).endswith(" and 195 more)")
    with pytest.raises(LadrError, match=r"known: ([0-9a-f]{8}, ){4}[0-9a-f]{8} and"):
        grid(load("params.yaml")).find(["12345678"])


def test_the_theory_runs_in_one_thread(monkeypatch, capsys):
    import torch

    from ladr.paper.theory import report

    section = report.Section("x", "x", lambda quick: [{"threads": torch.get_num_threads()}], lambda rows: "")
    monkeypatch.setattr(report, "SECTIONS", [section])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    assert answer(["theory", "--quick", "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)["x"]["rows"]
    assert seen == [{"threads": 1}]
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_hours_are_measured_where_a_cell_is_decoded_and_guessed_elsewhere(here, capsys):
    capsys.readouterr()
    assert answer(["grid", "--json", "--cells", "--at-once", "4"]) == 0
    cells = json.loads(capsys.readouterr().out)
    done = next(cell for cell in cells if cell["state"] == "done")
    assert done["measured"]
    assert done["source"].startswith(f"from {done['images']} images on ")
    assert done["wall"] == pytest.approx(done["seconds"] / 4, abs=0.1)
    assert done["hours"] == pytest.approx(done["seconds"] / 3600, abs=0.001)
    assert all(cell["measured"] for cell in cells), "cells of the same backbone take its pace"
    experiment = overview(grid(load(ROOT / "params.yaml")), Path("nowhere"))
    assert not any(cell["measured"] for cell in experiment)
    assert {"guessed" in cell["source"] for cell in experiment} == {True}
    assert all(cell["seconds"] > 0 for cell in experiment)


def test_a_measured_device_sets_the_guess_and_is_named(tmp_path):
    experiment = grid(load(ROOT / "params.yaml", {"use": ["shapes"]}))
    nominal = overview(experiment, tmp_path)[0]
    device = {"hardware": {"gpu": None}, "matrix_tflops": 0.2, "pass_tflops": 0.1}
    (tmp_path / "device.json").write_text(json.dumps(device))
    measured = overview(experiment, tmp_path)[0]
    assert measured["seconds"] == pytest.approx(nominal["seconds"] / 2), "0.05 is nominal"
    assert "device.json" in measured["source"]
    device["hardware"]["gpu"] = "a card"
    (tmp_path / "device.json").write_text(json.dumps(device))
    assert overview(experiment, tmp_path)[0] == nominal, "a GPU's rate says nothing about a CPU"
