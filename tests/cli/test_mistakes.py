"""Every class of error is one line with what to do. Exit code 2 is a mistake of the user, 1 is a failure."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pydantic
import pytest
import torch
import yaml
from mlflow.exceptions import MlflowException
from safetensors import SafetensorError, safe_open
from sqlalchemy import create_engine, text
from torch._dynamo.exc import BackendCompilerFailed
from torch._inductor.exc import InvalidCxxCompiler

from ladr.base.errors import FailedError, LadrError
from ladr.base.escape import printable
from ladr.base.files import appearing
from ladr.base.version import VERSION
from ladr.cli import commands
from ladr.cli.main import answer
from ladr.cli.mistakes import explained
from ladr.experiment.cells.stop import StoppedError
from tiny import write

LADR = [sys.executable, "-c", "from ladr.cli.main import main; main()"]


def raised(call, *args):
    """The error that a call really raises."""
    try:
        call(*args)
    except Exception as error:
        return error
    raise AssertionError("no error")


def endless():
    return endless()


def deep():
    return json.loads("[" * 100_000)


def stopped():
    subprocess.run([sys.executable, "-c", "raise SystemExit(3)"], check=True)


class Row(pydantic.BaseModel):
    steps: int


def files(folder):
    """(what is done with files, what is said of it, exit code): what a system really answers."""
    (folder / "file").write_text("x")
    (folder / "link").symlink_to(folder / "gone" / "x")
    (folder / "circle").symlink_to(folder / "circle")
    latin = folder / "latin"
    latin.write_bytes(b"caf\xe9")
    return [
        (lambda: (folder / "no").read_text(), "there is no such file or folder; check", 2),
        (lambda: (folder / "link").write_text("x"), "is a link to nothing; remove it", 2),
        (lambda: (folder / "circle").read_text(), "is a link that leads to itself; remove", 2),
        (lambda: folder.read_text(), "is a folder; name a file", 2),
        (lambda: (folder / "file" / "x").write_text("x"), "a part of this path is a file", 2),
        (lambda: (folder / "file").mkdir(), "is there already and is no folder", 2),
        (lambda: (folder / ("x" * 300)).write_text("x"), "this name is too long", 2),
        (lambda: latin.read_text(encoding="utf-8"), "not UTF-8 text", 2),
    ]


def test_files_are_told_with_their_path(tmp_path):
    for call, says, code in files(tmp_path):
        message, status = explained(raised(call))
        assert says in message
        assert status == code, message
        assert str(tmp_path) in message or "UTF-8" in message
        assert "\n" not in message


@pytest.mark.parametrize(
    ("number", "says", "code"),
    [
        (errno.EACCES, "access is denied; change the permissions", 2),
        (errno.EROFS, "this file system is read-only; choose another", 2),
        (errno.ENOSPC, "No space left on device); what is finished is kept", 1),
        (errno.EIO, "Input/output error", 1),
    ],
)
def test_what_the_system_refuses_has_its_reason(number, says, code):
    message, status = explained(OSError(number, "Input/output error", "some/file"))
    assert message.startswith("some/file: ")
    assert says in message
    assert status == code


def full():
    with appearing(Path("full")):
        raise OSError(errno.ENOSPC, "No space left on device")


def barred():
    with appearing(Path("/dev/null/x")):
        pass


def other_errors(folder):
    broken = folder / "broken.safetensors"
    broken.write_bytes(b"x" * 20)
    engine = create_engine(f"sqlite:///{broken}")
    return [
        (raised(endless), RecursionError, "nested too deeply", 2),
        (raised(deep), RecursionError, "nested too deeply", 2),
        (MemoryError(), MemoryError, "decode fewer images at once", 1),
        (raised(torch.empty, 1 << 50), RuntimeError, "decode fewer images at once", 1),
        (torch.OutOfMemoryError("CUDA out of memory"), RuntimeError, "decode fewer images at once", 1),
        (raised(lambda: Row(steps="x")), pydantic.ValidationError, "a value has the wrong form (1 val", 2),
        (raised(yaml.safe_load, "a: [1, 2"), yaml.YAMLError, "not valid YAML (while parsing", 2),
        (raised(json.loads, "{"), json.JSONDecodeError, "not valid JSON; `ladr doctor`", 2),
        (raised(safe_open, broken, "pt"), SafetensorError, "no valid safetensors file", 2),
        (MlflowException("x"), MlflowException, "check MLFLOW_TRACKING_URI and the server (x)", 1),
        (raised(sqlite3.connect(broken).execute, "select 1 from x"), sqlite3.Error, "mlflow.db", 1),
        (raised(lambda: engine.connect().execute(text("select 1 from x"))), Exception, "mlflow.db", 1),
        (raised(stopped), subprocess.CalledProcessError, "a program that was called failed (Command", 1),
        (InvalidCxxCompiler(), RuntimeError, "install a C++ compiler, or compile nothing", 1),
        (BackendCompilerFailed(full, LadrError("x"), None), RuntimeError, "torch.compile failed; install", 1),
        (BrokenProcessPool("x"), RuntimeError, "a process was killed, perhaps as memory was short", 1),
        (ConnectionRefusedError(111, "refused"), OSError, "the network failed", 1),
        (TimeoutError("x"), OSError, "no answer in time", 1),
        (LadrError("what, where"), ValueError, "what, where", 2),
        (FailedError("who, where"), LadrError, "who, where", 1),
        (StoppedError("by whom"), LadrError, "by whom", 143),
        (raised(full), LadrError, "(No space left on device); what is finished is kept", 1),
        (raised(barred), LadrError, "cannot be written (File exists)", 2),
        (ZeroDivisionError("x"), Exception, "a fault of this program, ZeroDivisionError (x); --debug", 1),
    ]


def test_every_class_of_error_is_one_line(tmp_path):
    for error, kind, says, code in other_errors(tmp_path):
        assert isinstance(error, kind)
        message, status = explained(error)
        assert says in message, (type(error), message)
        assert status == code, message
        assert "\n" not in message
        assert len(message) < 500


def fails(error):
    """A command that raises the error, in the place of `ladr params`."""

    def params() -> None:
        raise error

    return params


def test_debug_shows_the_frames(capsys, monkeypatch):
    monkeypatch.setattr("ladr.cli.experiment.params", fails(OSError(errno.EROFS, "read-only", "results")))
    assert answer(["params"]) == 2
    assert capsys.readouterr().err == "ladr: results: this file system is read-only; choose another path\n"
    assert answer(["params", "--debug"]) == 2
    frames = capsys.readouterr().err
    assert "Traceback" in frames
    assert frames.endswith("ladr: results: this file system is read-only; choose another path\n")


ESCAPES = "\x1b[31mred\x07\x9b31m\u202etxt"


@pytest.mark.parametrize(
    "words",
    [
        [ESCAPES],
        ["run", "x", f"--{ESCAPES}"],
        ["run", "x", "--params", ESCAPES],
        ["run", ESCAPES, "--params", "smoke.yaml"],
        ["params", "--params", "smoke.yaml", "--set", f"{ESCAPES}=1"],
        ["params", "--params", "smoke.yaml", "--set", f"steps={ESCAPES}"],
        ["prompts", ESCAPES],
        ["figures", ESCAPES],
        ["sample", "x", "--backbone", ESCAPES],
        ["sample", "x", "--backbone", "field", "--out", f"{ESCAPES}/x.nope"],
        ["sample", "x", "--backbone", "field", "--with", f"{ESCAPES}=1"],
        ["score", ESCAPES, "--benchmark", "mini-geneval"],
        ["benchmark", "geneval", "--prompts", ESCAPES, "--check", "x"],
    ],
)
def test_no_control_character_reaches_the_terminal(words, capsys, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    assert answer(words) == 2
    shown = capsys.readouterr()
    assert not set("\x1b\x07\x9b\u202e") & set(shown.out + shown.err), shown
    assert "Traceback" not in shown.err


def test_printable_keeps_text_and_lines():
    assert printable("a\tb\nc é 日本") == "a\tb\nc é 日本"
    assert printable("\x1b[2J\ud800") == "\\x1b[2J\\ud800"


def test_bad_input_is_one_message_and_status_2():
    done = subprocess.run([*LADR, "prompts", "mini-genevall"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "mini-geneval" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_message_and_status_1(tmp_path):
    sheet = tmp_path / "sheet.png"
    sheet.symlink_to("/dev/full")
    words = ["prompts", "mini-geneval", "--size", "smoke", "--render", str(sheet)]
    done = subprocess.run([*LADR, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_form_is_a_mistake_in_every_family():
    """Every command answers an option that it does not have with one line and exit code 2."""
    for name in commands.COMMANDS:
        assert answer([name, "--no-such-option"]) == 2


def test_damage_is_a_failure_and_mended_damage_is_none(tmp_path, capsys, monkeypatch):
    (tmp_path / "params.yaml").write_text((Path(__file__).parents[2] / "smoke.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    assert answer(["run", "samplers/cosine"]) == 0
    assert answer(["doctor"]) == 0
    (tokens,) = tmp_path.glob("results/cells/*/tokens.safetensors")
    tokens.write_bytes(tokens.read_bytes() + b"x")
    capsys.readouterr()
    assert answer(["doctor"]) == 1
    assert tokens.name in capsys.readouterr().err
    assert answer(["doctor", "--mend"]) == 0
    assert answer(["doctor"]) == 0


def test_a_figure_without_results_is_a_mistake(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert answer(["figures", "tables"]) == 2
    assert capsys.readouterr().err.startswith("ladr: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["prompts", "mini-geneval"], ["--help"], ["params", "--schema"]])
def test_a_full_standard_output_is_named(words, unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*LADR, *words], stdout=full, stderr=subprocess.PIPE, text=True, env=environment
        )
    assert done.returncode == 1
    assert done.stderr.startswith("ladr: standard output: cannot be written (No space left on device)")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_standard_output_is_what_it_was(unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONIOENCODING": "ascii:replace"}
    done = subprocess.run([*LADR, "--version"], capture_output=True, check=False, env=environment)
    assert done.stdout == f"ladr {VERSION}\n".encode()
    closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *LADR, "--version"], check=False, env=environment)
    assert closed.returncode == 0


def test_a_server_that_does_not_answer_is_a_failure(tmp_path, capsys, monkeypatch):
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert answer(["track", "--set", "tracking=true"]) == 1
    assert "http://127.0.0.1:9 does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a-cell --size 8", "--size: is for a folder of images; add --benchmark NAME, or leave --size out"),
        ("a-cell --images 2", "--images: is for a folder"),
        ("a-cell --out x.jsonl", "--out: is for a folder"),
        ("a-cell --ceiling x.jsonl", "--ceiling: is for a folder"),
        ("a-cell --json", "--json: is for a folder"),
        (". --benchmark mini-geneval --again", "--again: is for cells; a folder of images is scored anew"),
    ],
)
def test_score_refuses_options_that_nothing_would_read(words, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert answer(["score", *words.split()]) == 2
    assert capsys.readouterr().err.startswith(f"ladr: {says}")
