"""`ladr sample` as it is typed, in a terminal of its own: the bar, the mask, the comparison, the error."""

import os
import pty
import re
import struct
import sys
import termios
from fcntl import ioctl

import numpy as np
from PIL import Image

from ladr.backbones.random.blank import random_checkpoint
from ladr.backbones.random.blank_amused import random_amused

CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def typed(folder, *words, rows=24, columns=80):
    """Run `ladr WORDS` in a terminal of that size, in `folder`: its exit status, and all that was written."""
    child, screen = pty.fork()
    if child == 0:
        os.chdir(folder)
        told = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        told |= {"TERM": "xterm-256color", "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(folder / "hub")}
        code = "from ladr.cli.main import main; main()"
        os.execve(sys.executable, [sys.executable, "-c", code, *map(str, words)], told)
    ioctl(screen, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
    written = bytearray()
    while True:
        try:
            if not (part := os.read(screen, 1 << 16)):
                break
        except OSError:  # the terminal is closed
            break
        written += part
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), written.decode()


def test_amused_is_watched_and_compared(tmp_path):
    folder = random_amused(tmp_path / "model", grid=32)
    words = "a red cup on a table", "--backbone", "amused", "--model", folder, "--device", "cpu", "--steps", 3
    status, written = typed(
        tmp_path, "sample", *words, "--watch", "--compare", "cosine,ladr", "--out", "x.png", rows=12
    )
    plain = CODES.sub("", written)
    assert status == 0, plain
    assert "cosine: pass 3, " in plain
    assert ", 0 masked" in plain
    for name in ("cosine", "ladr"):
        assert re.search(rf"{name}: \d passes, \d+\.\d\d s", plain)
    assert "\x1b[93" in written, "no cell is shown as new"
    lines = plain.replace("\r", "").split("\n")
    assert not [line for line in lines if line.count("▀") > 16], "32 cells do not fit into 12 lines"
    frame = lines[lines.index(next(line for line in lines if "cosine: pass 3" in line)) :]
    assert [line.count("▀") for line in frame[1:9]] == [16] * 8
    assert "..." not in plain
    assert np.asarray(Image.open(tmp_path / "x.png")).shape == (256 + 18, 2 * 256 + 4, 3)


def test_a_sharded_lumina_folder_shows_a_bar(tmp_path):
    folder = random_checkpoint(tmp_path / "model", parts=3)
    assert (folder / "model.safetensors.index.json").is_file()
    words = "a red circle", "--backbone", "lumina-dimoo", "--model", folder, "--device", "cpu", "--steps", 4
    status, written = typed(tmp_path, "sample", *words, "--sampler", "ladr", "--out", "x.png")
    plain = CODES.sub("", written)
    assert status == 0, plain
    assert "loading lumina-dimoo" in plain
    assert re.search(r"ladr ━+.* \d passes", plain), "no bar"
    assert re.search(r"ladr: \d passes, \d+\.\d\d s\r\nx\.png", plain)
    assert Image.open(tmp_path / "x.png").size == (256, 256)


def test_weights_that_are_nowhere_end_in_one_message(tmp_path):
    status, written = typed(tmp_path, "sample", "a dog", "--backbone", "lumina-dimoo")
    assert status == 2
    assert "online: hf download Alpha-VLLM/Lumina-DiMOO" in written
    assert "Traceback" not in written
