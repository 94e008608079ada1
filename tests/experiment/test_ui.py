"""MLflow's page as `ladr ui` serves it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from ladr.experiment.cells.decode import run
from ladr.experiment.cells.score import score
from ladr.experiment.track import track
from tiny import TEXT, cell_of, tiny


def status(port):
    """What the server answers, None without one."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            return page.status
    except (urllib.error.URLError, OSError):
        return None


def until(there, seconds):
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.5)


@pytest.mark.slow
def test_the_page_is_there_and_goes_with_its_process(tmp_path):
    params, grid = tiny(tmp_path, TEXT)
    cells, results = [cell_of(grid, "cosine")], tmp_path / "results"
    run(cells, results=results)
    score(cells, results=results)
    track(grid, params.baseline, results)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-c", "from ladr.cli.main import main; main()", "ui", "--port", str(port)]
    with open(tmp_path / "said.txt", "wb") as said:
        server = subprocess.Popen(words, cwd=tmp_path, stdout=said, stderr=said, start_new_session=True)
    try:
        until(lambda: server.poll() is not None or status(port) == 200, 600)
        assert server.poll() is None, (tmp_path / "said.txt").read_text()
        server.terminate()
        server.wait(120)
        until(lambda: status(port) is None, 120)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
