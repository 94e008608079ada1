"""DPG-Bench's questions to a judge: tiles cut out, yes or no, every answer kept, a name of its own."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from judge_server import Server
from ladr.base.errors import LadrError
from ladr.benchmarks.official import dpg, dpg_judge
from ladr.benchmarks.official.judge import Judge
from ladr.benchmarks.official.message import JudgeQuestion

pytest.importorskip("tenacity", reason="the judge extra is not installed")
LINES = """\
item_id,proposition_id,dependency,tuple,question_natural_language
fox,1,0,entity - whole (fox),Is there a fox?
fox,2,1,"attribute - color (fox, red)",Is it red?
fox,3,2,global - ,Is it a photo?
"""
TILES = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


@pytest.fixture
def server():
    server = Server()
    server.reply = lambda text: "No." if "fox" in text else "Yes, it is."
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def world(tmp_path):
    suite = dpg.suite({"fox": "a red fox"}, 4)
    pixels = np.zeros((16, 16, 3), np.uint8)
    for k, colour in enumerate(TILES):
        pixels[k // 2 * 8 :, k % 2 * 8 :][:8, :8] = colour
    Image.fromarray(pixels).save(tmp_path / "fox.png")
    return suite, dpg.parse_questions(LINES, suite), tmp_path


def judge(server, folder, **changes):
    return Judge(server.url, "owl-7b", folder / "book", pause=0.001, longest=0.002, attempts=2, **changes)


def shown(body):
    """The mean colour of the image that was sent."""
    url = body["messages"][0]["content"][0]["image_url"]["url"]
    image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert image.size == (8, 8)
    return np.asarray(image).reshape(-1, 3).mean(0)


def test_each_tile_is_asked_each_question_and_no_zeroes_all_generations(server, world):
    suite, questions, folder = world
    scores = dpg_judge.score(suite, questions, folder, judge(server, folder, concurrency=1))
    assert scores.scorer == "dpg-owl-7b"
    assert scores.columns["Overall"] == 0.0  # no fox, so nothing of it, two generations down
    assert scores.columns["Attribute"] == 1.0
    assert scores.others["zeroed"]["Global"] == 0.0
    assert sum(server.calls.values()) == 12
    for tile, colour in enumerate(TILES):
        assert np.abs(shown(server.bodies[3 * tile]) - colour).max() < 30


def test_what_was_answered_is_kept_and_only_the_rest_is_asked_again(server, world):
    suite, questions, folder = world
    red = dpg_judge.WORDING.format(question="Is it red?")
    server.faults = {red: ["500"] * 8}
    with pytest.raises(LadrError, match=r"dpg-owl-7b: 4 of 12 questions have no answer"):
        dpg_judge.score(suite, questions, folder, judge(server, folder))
    before = sum(server.calls.values())
    dpg_judge.score(suite, questions, folder, judge(server, folder))
    assert sum(server.calls.values()) - before == 4


def test_only_yes_or_no_is_an_answer():
    assert dpg_judge.parse("Yes.") is True
    assert dpg_judge.parse("  **no**, there is none") is False
    for text in ("", "maybe", "yesterday", "The answer is yes", "nothing"):
        with pytest.raises(ValueError, match="neither"):
            dpg_judge.parse(text)


def test_a_part_of_an_image_is_another_question_than_the_whole(server, world):
    _, _, folder = world
    whole = JudgeQuestion("q", folder / "fox.png", "t", str)
    keys = {
        judge(server, folder).key(q) for q in (whole, JudgeQuestion("q", whole.image, "t", str, (0, 0, 8, 8)))
    }
    assert len(keys) == 2


def test_a_missing_image_is_named(server, world):
    suite, questions, folder = world
    (folder / "fox.png").unlink()
    with pytest.raises(LadrError, match=r"fox\.png is missing"):
        dpg_judge.asks(suite, questions, folder)
