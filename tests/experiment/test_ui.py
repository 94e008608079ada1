"""MLflow's page as `ladr ui` serves it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

import browser
from ladr.experiment.cells.decode import run
from ladr.experiment.cells.score import score
from ladr.experiment.track import track
from tiny import TEXT, cell_of, tiny, write_grid

HEADS = "Array.from(document.querySelectorAll('[role=columnheader]')).map(e => e.innerText.trim())"


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


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """`ladr ui` on a small tracked experiment: (process, port, the file with what it says)."""
    folder = tmp_path_factory.mktemp("ui")
    params, grid = tiny(folder, TEXT)
    cells, results = [cell_of(grid, name) for name in ("cosine", "ladr")], folder / "results"
    run(cells, results=results)
    score(cells, results=results)
    write_grid(grid, results / "grid.json")
    track(grid, params.baseline, results)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-c", "from ladr.cli.main import main; main()", "ui", "--port", str(port)]
    with open(folder / "said.txt", "wb") as said:
        server = subprocess.Popen(words, cwd=folder, stdout=said, stderr=said, start_new_session=True)
    try:
        until(lambda: server.poll() is not None or status(port) == 200, 600)
        yield server, port, folder / "said.txt"
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)


@pytest.fixture
def tab(tmp_path):
    one = browser.Browser(browser.found(), tmp_path / "profile")
    yield one
    one.close()


@pytest.mark.slow
@pytest.mark.skipif(browser.found() is None, reason="no Chromium is installed")
def test_list_run_and_compare_page_show_score_and_passes(served, tab, tmp_path):
    """LADR_SCREENSHOTS=FOLDER keeps the pictures of the three pages."""
    server, _, said = served
    assert server.poll() is None, said.read_text()
    page = next(line for line in said.read_text().splitlines() if "/#/experiments/" in line)
    kept = Path(os.environ.get("LADR_SCREENSHOTS") or tmp_path)

    tab.open(page, 1600, 900)
    tab.wait(f"{HEADS}.includes('score') && {HEADS}.includes('passes')")
    tab.wait("document.querySelectorAll('.ag-center-cols-container [role=row]').length === 2")
    tab.picture(kept / "list.png")

    runs = tab.js("Array.from(document.querySelectorAll('a[href*=\"/runs/\"]')).map(a => a.href)")
    tab.open(runs[0], 1600, 900)
    tab.wait("document.body.innerText.includes('score/Likelihood')")
    tab.picture(kept / "run.png")

    place, ids = page.partition("/#/experiments/")[2].partition("/")[0], [one.split("/")[-1] for one in runs]
    pair = quote(json.dumps(list(dict.fromkeys(ids))))
    tab.open(f"{page.partition('#')[0]}#/compare-runs?runs={pair}&experiments={quote(json.dumps([place]))}")
    tab.wait("document.querySelector('.js-plotly-plot, .js-plotly-plot svg') !== null")
    tab.wait("document.body.innerText.includes('score')")
    tab.picture(kept / "compare.png")


@pytest.mark.slow
def test_the_page_is_there_and_goes_with_its_process(served):
    server, port, said = served
    assert server.poll() is None, said.read_text()
    server.terminate()
    server.wait(120)
    until(lambda: status(port) is None, 120)
