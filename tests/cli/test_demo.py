"""`ladr demo`: what it shows, its mistakes, and the page itself in a browser where Gradio is installed."""

import contextlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest

import browser
from ladr.backbones.exact.mixture import Mixture
from ladr.base.errors import LadrError
from ladr.cli import demo
from ladr.cli.main import answer
from ladr.cli.sampler import NamedSampler

SAMPLERS = [NamedSampler.parse("cosine@6", 64), NamedSampler.parse("ladr@6", 64)]
slow = pytest.mark.slow
needs_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="Gradio is not installed: pip install 'ladr[demo]'"
)


def grey(picture):
    return int((picture == 128).all(-1).sum())


def test_frames_fill_the_mask_and_end_with_the_picture(monkeypatch):
    monkeypatch.setattr(demo, "PAUSE", 0)
    model = Mixture(scenes=32, cache=False)
    shown = list(demo.frames(model, SAMPLERS, "a red circle", 0))
    pictures, lines = [step[::2] for step in shown], [step[1::2] for step in shown]
    assert all(len(step) == 2 for step in pictures)
    first = [grey(step[0]) for step in pictures]
    assert first[0] == 256 * 256
    assert first == sorted(first, reverse=True)
    last = demo.drawn(model, SAMPLERS[0], "a red circle", 0)
    assert np.array_equal(pictures[-1][0][::2, ::2], last.film.frame(0, last.passes))
    assert lines[-1][0].startswith("**cosine@6**: 6 of 6 passes, ")
    passes = int(re.search(r"(\d+) of \1 passes", lines[-1][1])[1])
    assert max(6, passes) + 1 == len(shown)


@pytest.mark.parametrize("samplers", ["cosine,ladr,halton,raster", "cosinus"])
def test_mistakes_are_one_line(samplers, capsys):
    assert answer(["demo", "--samplers", samplers]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("number", [None, -1, 1e30, 0.5, float("nan")])
def test_a_seed_that_is_none_is_named_on_the_page(number):
    with pytest.raises(LadrError, match=r"^seed: .* is not allowed; a whole number from 0 on$"):
        demo.seed_of(number)
    assert demo.seed_of(7.0) == 7


def test_a_port_that_another_server_has_is_named_before_a_model_is_loaded(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for command in ("demo", "ui"):
            assert answer([command, "--port", port]) == 2
            said = capsys.readouterr().err
            assert said.startswith(
                f"ladr: port: {port} of 127.0.0.1 cannot be served on (Address already in use)"
            )
            assert said.count("\n") == 1


def test_without_gradio_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert answer(["demo", "--port", "0"]) == 2
    assert "the package gradio is not installed; pip install 'ladr[demo]'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a running demo of the exact model."""
    command = [sys.executable, "-m", "ladr.cli.main", "demo", "--backbone", "mixture", "--port", "0"]
    command += ["--samplers", "cosine@6,ladr@6"]
    surroundings = {**os.environ, "LADR_CACHE": str(tmp_path_factory.mktemp("cache"))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=surroundings) as process:
        try:
            line = process.stdout.readline()
            yield re.match(r"(http://127\.0\.0\.1:\d+)/ ", line)[1]
        finally:
            process.terminate()


@slow
@needs_gradio
def test_the_page_is_served_on_loopback_and_names_no_other_host(address):
    page = urllib.request.urlopen(address).read().decode()
    loaded = re.findall(r'(?:src|href)="(https?://[^"]*)"', page)
    assert not [url for url in loaded if not url.startswith(address) and "gradio.app" not in url]
    assert "fonts.googleapis" not in page


@pytest.fixture
def opened(address, tmp_path):
    program = browser.found()
    if program is None:
        pytest.skip("no Chromium or Chrome is installed (LADR_CHROMIUM may name one): the page is not opened")
    with contextlib.closing(browser.Browser(program, tmp_path)) as one:
        yield one


@slow
@needs_gradio
@pytest.mark.parametrize(("width", "phone"), [(1280, False), (390, True)])
def test_a_person_draws_a_prompt(opened, address, width, phone, tmp_path):
    opened.open(address, width=width, height=900, phone=phone)
    opened.wait("document.querySelector('#draw')")
    opened.click("#draw")
    for number in (0, 1):
        line = f"document.querySelector('#line-{number}').innerText"
        opened.wait(f"/@6: (\\d+) of \\1 passes/.test({line})")
    opened.wait("document.querySelectorAll('#picture-0 img, #picture-1 img').length === 2")
    lines = [opened.js(f"document.querySelector('#line-{n}').innerText") for n in (0, 1)]
    assert lines[0].startswith("cosine@6: 6 of 6 passes, ")
    assert opened.js("document.documentElement.scrollWidth <= innerWidth")
    assert opened.js("document.querySelector('#prompt textarea').scrollHeight") < 60  # pixels: one line
    loaded = opened.js("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [url for url in loaded if not url.startswith((address, "data:", "blob:"))]
    if folder := os.environ.get("LADR_SCREENSHOTS"):
        from pathlib import Path

        opened.picture(Path(folder) / f"demo-{width}.png", whole=True)
