"""Files, servers and runs that are not as they should be: one line, the right exit code, no frames."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ladr.base.errors import LadrError
from ladr.experiment.track.server import require_answer
from tiny import write
from trust.refusals import refused

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LADR_SET", raising=False)
    write(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone" / "x")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


PLACES = [
    (["params", "--params", "folder"], "no regular file"),
    (["params", "--params", "pipe"], "no regular file"),
    (["params", "--params", "dangling"], "cannot be read"),
    (["params", "--params", "circle"], "circle"),
    (["params", "--params", "latin"], "not UTF-8 text"),
    (["params", "--params", "file/x"], "cannot be read"),
    (["params", "--params", "x" * 300], "too long"),
    (["params", "--params", "a\0b"], "null byte"),
    (["params", "--params", "\x1b[31mred"], r"\x1b[31mred"),
    (["run", "\x1b[31mred"], "not in the grid"),
    (["audit", "--out", "file"], "file"),
    (["score", "file", "--benchmark", "mini-geneval"], "file"),
]


@pytest.mark.parametrize(("words", "says"), PLACES, ids=lambda x: ascii(x)[:40])
def test_a_wrong_place_is_one_line(here, capsys, words, says):
    assert says in refused(words, capsys)


def test_a_server_that_is_not_there_is_asked_once(here, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    began = time.perf_counter()
    with pytest.raises(LadrError, match=r"127.0.0.1:9 does not answer .*start the server, or correct"):
        require_answer("http://127.0.0.1:9")
    assert time.perf_counter() - began < 5
    for address in ("http://", "http://[::1", "http://a:b", "http://\x1b"):
        with pytest.raises(LadrError, match=r"is no address|does not answer"):
            require_answer(address)
    require_answer("sqlite:///mlflow.db")


def workflow(folder, *words):
    for name in ("Snakefile", "workflow", "profiles"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    command = [sys.executable, "-m", "snakemake", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_snakemake_says_a_mistake_without_frames(here):
    done = workflow(here, "-n", "--config", "set=backbones.field.settings.codes=three")
    assert done.returncode == 1
    assert "backbones.field.settings.codes = 'three': is not allowed" in done.stderr
    for frame in ("Traceback", "LadrError", 'File "'):
        assert frame not in done.stdout + done.stderr
