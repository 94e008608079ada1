"""What commands write after a long time: where it cannot stand, they say so before they begin."""

import numpy as np
import pytest
from PIL import Image

from ladr.cli.main import answer

REFUSED = "ladr: /proc: no file can be written there ("


@pytest.fixture
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save("black.png")


@pytest.mark.parametrize(
    "words",
    [
        ["speed", "device", "--shape", "8b", "--device", "nowhere", "--out", "/proc/x.json"],
        ["evaluate", "no.png", "--benchmark", "mini-geneval", "--prompt", "PROMPT", "--out", "/proc/x.png"],
        ["prompts", "mini-geneval", "--render", "/proc/x.png"],
        ["score", ".", "--benchmark", "mini-geneval", "--out", "/proc/x.jsonl"],
        ["train", "exam", "--folder", "nowhere", "--out", "/proc/x.json"],
        ["train", "sheet", "--folder", "nowhere", "--to", "/proc/x.png"],
        ["train", "export", "--folder", "nowhere", "--to", "/proc/x"],
        ["benchmark", "chunks", "/proc/x.json", "--prompts", "nowhere"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_place_that_takes_no_file_is_the_first_thing_said(words, picture, a_prompt, capsys):
    assert answer([a_prompt if word == "PROMPT" else word for word in words]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(REFUSED)
    assert shown.out == ""


@pytest.fixture(scope="module")
def a_prompt():
    from ladr.benchmarks.mini import suite_named

    return suite_named("mini-geneval").prompts("smoke")[0].id


def test_folders_of_pictures_are_made(picture, a_prompt, tmp_path, capsys):
    words = ["evaluate", "black.png", "--benchmark", "mini-geneval", "--prompt", a_prompt]
    assert answer([*words, "--out", "new/read.png"]) == 0
    assert answer(["prompts", "mini-geneval", "--render", "other/all.png"]) == 0
    capsys.readouterr()
    assert (tmp_path / "new" / "read.png").is_file()
    assert (tmp_path / "other" / "all.png").is_file()


def test_a_picture_that_sample_enlarged_is_told_how_it_would_fit(picture, a_prompt, capsys):
    words = ["--benchmark", "mini-geneval", "--prompt", a_prompt]
    for size in (256, 100):
        Image.new("RGB", (size, size)).save(f"{size}.png")
    assert answer(["evaluate", "256.png", *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ladr: 256.png: size is 256x256, allowed is 64x64; `ladr sample --scale 1` writes")
    assert answer(["evaluate", "100.png", *words]) == 2
    assert capsys.readouterr().err == "ladr: 100.png: size is 100x100, allowed is 64x64\n"
