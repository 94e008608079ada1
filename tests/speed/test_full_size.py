"""A checkpoint in the hub's layout is written, run and removed, whatever happens meanwhile."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from safetensors import safe_open

from ladr.backbones.checkpoint.fits import GB, free
from ladr.backbones.random.blank import public_checkpoint
from ladr.base.errors import LadrError
from ladr.cli.main import answer
from ladr.speed.full_size import full_size_speed, scratch_folder
from ladr.speed.upstream import FOLDERS

TINY = {"shape": "lumina-tiny", "size": (32, 48)}
HANDLERS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
PROGRAM = 0.8  # gigabytes of the interpreter and its libraries


@pytest.fixture
def scratch(tmp_path):
    """A folder in which something of somebody else lies."""
    (tmp_path / "lumina-mine").mkdir()
    (tmp_path / "lumina-mine" / "note").write_text("keep")
    yield tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["lumina-mine"]
    assert (tmp_path / "lumina-mine" / "note").read_text() == "keep"


def test_the_command_runs_and_leaves_nothing(scratch, capsys):
    words = ["--shape", "lumina-tiny", "--size", "32x48", "--sampler", "cosine@3", "--scratch", str(scratch)]
    assert answer(["speed", "device", "--device", "cpu", *words]) == 0
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert [line.split()[0] for line in lines] == ["checkpoint", "loaded", "pass", "pass", "pass"]
    assert lines[-1].startswith("pass 3: ")
    assert lines[-1].endswith("s, 0 cells are masked after it")
    result = json.loads(printed.out)
    assert (result["passes"], result["grid"], result["dtype"]) == (3, [2, 3], "bfloat16")
    assert 2 * result["parameters"] < result["folder_gb"] * GB < 2 * result["parameters"] + 5e6
    assert result["roofline"] == pytest.approx(result["pass_tflops"] / result["matrix_tflops"])
    for name in ("pass_s", "busy_s_per_pass", "write_s", "load_s"):
        assert result[name] > 0, name
    assert 0.1 < result["peak_memory_gb"] < 30


@pytest.mark.parametrize("number", HANDLERS)
def test_a_signal_in_the_middle_removes_the_folder(scratch, number):
    def stopped(view):
        assert len(list(scratch.iterdir())) == 2
        os.kill(os.getpid(), number)
        time.sleep(60)  # the handler ends it

    before = HANDLERS[number]
    signal.signal(number, before)  # who runs tests in the background may have it ignored
    with pytest.raises((KeyboardInterrupt, SystemExit)) as end:
        full_size_speed(**TINY, sampler=(stopped, 2), scratch=scratch)
    assert getattr(end.value, "code", 128 + signal.SIGINT) == 128 + number
    assert signal.getsignal(number) is before


def test_an_error_in_the_middle_removes_the_folder(scratch):
    def broken(view):
        raise RuntimeError("broken")

    with pytest.raises(LadrError, match="broken"):
        full_size_speed(**TINY, sampler=(broken, 2), scratch=scratch)


def test_a_disk_without_room_is_refused_before_anything_is_written(scratch):
    with (
        pytest.raises(LadrError, match=r"1000000000\.\d GB are needed for the checkpoint, .* GB are free"),
        scratch_folder(scratch, 1e18),
    ):
        pass


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--shape", "lumina-tiny", "--compile", "default"], "compile: shape lumina-tiny does not read it"),
        (["--shape", "tiny", "--size", "32x32"], "size: shape tiny does not read it; shapes lumina and"),
        (["--shape", "lumina-tiny", "--size", "32"], "size: '32' is not allowed; HEIGHTxWIDTH"),
        (["--shape", "lumina-tiny", "--size", "32x40"], "size: width 40 is not allowed"),
        (["--shape", "lumina-tiny", "--sampler", "cosin"], "did you mean 'cosine'"),
        (["--shape", "lumina-tiny", "--sampler", "cosine@3", "--steps", "4"], "--steps 4: both say how many"),
        (["--shape", "lumena"], "shape: 'lumena' is not known (did you mean 'lumina'?)"),
    ],
)
def test_wrong_options_are_named_in_one_line(words, line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert answer(["speed", "device", "--device", "cpu", *words]) == 2
    assert list(tmp_path.glob("*/*")) == []
    assert line in capsys.readouterr().err


def test_weights_come_from_the_seed_however_they_are_cut(tmp_path):
    def tensors(folder):
        held = {}
        for path in folder.glob("model-*.safetensors"):
            with safe_open(path, framework="pt") as file:
                held |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return held

    config = FOLDERS["lumina-tiny"]
    two, four = (
        tensors(public_checkpoint(tmp_path / str(shards), config, shards=shards)) for shards in (2, 90)
    )
    other = tensors(public_checkpoint(tmp_path / "other", config, seed=1))
    assert two.keys() == four.keys() == other.keys()
    assert all(two[name].equal(four[name]) for name in two)
    matrices = [name for name in two if two[name].ndim == 2]
    assert not any(two[name].equal(other[name]) for name in matrices)
    first = [two[name].flatten()[:8].tolist() for name in matrices]
    assert len({tuple(numbers) for numbers in first}) == len(matrices)


def run(tmp_path, *words):
    """What the command prints, in a process of its own."""
    words = ["device", "--device", "cpu", "--shape", "lumina", "--scratch", str(tmp_path), *words]
    done = subprocess.run(
        [sys.executable, "-m", "ladr.cli.main", "speed", *words], capture_output=True, text=True, check=True
    )
    assert list(tmp_path.iterdir()) == []
    return json.loads(done.stdout)


def room(disk, memory):
    """Are that many gigabytes of disk and of memory free?"""
    return shutil.disk_usage(".").free > disk * GB and (free("cpu") or 0) > memory * GB


@pytest.mark.slow
@pytest.mark.skipif(not room(5, 5), reason="needs 5 GB of disk and of memory")
def test_memory_holds_the_weights_once(tmp_path):
    result = run(tmp_path, "--layers", "4", "--size", "64x64")
    assert result["shards"] > 2
    weights = 2 * result["parameters"] / GB
    assert weights < result["peak_memory_gb"] < weights + PROGRAM


@pytest.mark.slow
@pytest.mark.full_size
@pytest.mark.skipif(not room(20, 18), reason="needs 20 GB of disk and 18 GB of memory")
def test_the_true_size_fits_where_the_documentation_says(tmp_path):
    result = run(tmp_path, "--size", "256x256")
    assert result["parameters"] == pytest.approx(8.08e9, rel=1e-3)
    assert (result["shards"], round(result["folder_gb"], 1)) == (9, 16.2)
    assert result["peak_memory_gb"] < 2 * result["parameters"] / GB + PROGRAM
