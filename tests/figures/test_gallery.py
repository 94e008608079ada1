"""The gallery, as a file and in a real browser: it stands alone, plays, obeys keys, fits a phone."""

import json
import re

import numpy as np
import pytest

import browser
from ladr.figures import gallery
from ladr.figures.frame.illustrations import GREY, Illustration

RED, BLUE = (200, 30, 30), (30, 30, 200)
PASSES = {"Cosine": 4, "LADR": 2}
NASTY = "a </script> of <b> & <!-- \"it\" 'is'"


def pictures(backbone="tiny", prompts=2):
    """Prompts with two samplers, 2x2 cells of 8 pixels; LADR rescues the first cell in its first pass."""
    images = np.empty((2, 2, 16, 16, 3), np.uint8)
    images[0], images[1] = RED, BLUE
    settled = np.array([[[0, 1], [2, 3]], [[0, 1], [0, 1]]])
    rescued = np.array([np.zeros((2, 2), bool), [[True, False], [False, False]]])
    thing = {"what": "red square", "box": [4, 4, 8, 8]}
    seen = [
        {"things": [thing], "verdicts": [{"asked": "a red square", "found": "found", "value": 1.0}]},
        {"things": [], "verdicts": [{"asked": "a red square", "found": "no square", "value": 0.0}]},
    ]
    record = {
        "prompts": [
            {"id": "first/1", "text": NASTY, "column": "Colors"},
            {"id": "second/2", "text": "a long prompt " * 12, "column": "Counting"},
        ][:prompts],
        "samplers": [{"name": n.lower(), "label": n, "cell": n} for n in PASSES],
        "detected": [seen, seen][:prompts],
    }
    arrays = {"images": images, "settled": np.stack([settled] * 2), "rescued": np.stack([rescued] * 2)}
    arrays["passes"] = np.array([[*PASSES.values()]] * 2)
    arrays = {name: array[:prompts] for name, array in arrays.items()}
    benchmark = {"name": "mini", "version": 1, "count": 9, "seed": 3}
    return Illustration(backbone, record, arrays, "A caption with <b> and {{data}}.", benchmark)


def page():
    return gallery.page([gallery.content(pictures(b)) for b in ("tiny", "other")])


def test_it_stands_alone():
    text = page()
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|https?://|@import|fetch\(""", text)
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    one, other = json.loads(held)
    assert (one["backbone"], other["backbone"]) == ("tiny", "other")
    assert one["prompts"][0]["text"] == NASTY
    assert one["prompts"][0]["samplers"][1]["rescued"] == [[1, 0], [0, 0]]
    assert one["prompts"][0]["samplers"][0]["size"] == [16, 16]
    assert "A caption with &lt;b&gt;" in text
    assert text == page()


def test_it_opens_with_a_prompt_that_samplers_answer_differently():
    right, wrong = ({"verdicts": [{"value": value}]} for value in (1.0, 0.0))
    assert gallery.opening_of([[right, right], [wrong, wrong], [right, wrong], [wrong, right]], 0) == 2
    assert gallery.opening_of([[right, right], [wrong, wrong]], 0) == 0


def test_it_opens_where_the_quickest_sampler_is_wrong():
    """Scattered tokens may hold what was asked for: that is no example of a good picture."""
    right, wrong = ({"verdicts": [{"value": value}]} for value in (1.0, 0.0))
    assert gallery.opening_of([[right, right, wrong], [wrong, right, wrong], [right, wrong, right]], 1) == 2
    assert gallery.opening_of([[right, right, wrong], [right, right, right]], 1) == 0


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    program = browser.found()
    if program is None:
        pytest.skip("no Chromium or Chrome is installed (LADR_CHROMIUM may name one): the page is not opened")
    one = browser.Browser(program, tmp_path_factory.mktemp("profile"))
    yield one
    one.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """The page, freshly opened from a file."""
    path = tmp_path / "gallery.html"
    path.write_text(page(), encoding="utf-8")
    chromium.complaints.clear()
    chromium.address = path.as_uri()
    chromium.open(chromium.address)
    chromium.wait("shown.length === 2 && shown.every(one => one.image.complete)")
    yield chromium
    assert chromium.complaints == []


def pixel(sampler, x, y):
    """JavaScript for the colour of a canvas at this share of its width and height."""
    return (
        f"(() => {{ const c = document.querySelectorAll('canvas')[{sampler}]; return Array.from("
        f"c.getContext('2d').getImageData({x} * c.width, {y} * c.height, 1, 1).data) }})()"
    )


def colour(opened, sampler, x, y):
    return tuple(opened.js(pixel(sampler, x, y))[:3])


def place(opened):
    return opened.js("[backbone.selectedIndex, prompt.selectedIndex, Number(time.value)]")


def captions(opened):
    return opened.js("Array.from(document.querySelectorAll('figcaption')).map(f => f.innerText)")


def test_it_opens_at_the_end_and_says_what_it_shows(opened):
    assert place(opened) == [0, 0, 4]
    assert colour(opened, 0, 0.1, 0.1) == RED
    first, second = captions(opened)
    assert "Cosine" in first
    assert "4 of 4 passes" in first
    assert "✓ a red square: found" in first
    assert "2 of 2 passes" in second
    assert "✗ a red square: no square" in second
    assert NASTY in opened.js("document.getElementById('text').innerText")
    assert "first/1, image 3" in opened.js("document.getElementById('identity').innerText")


def test_answers_show_when_the_picture_is_finished(opened):
    opened.key("Home")
    assert not any("red square" in text for text in captions(opened))
    for _ in range(2):
        opened.key("ArrowRight")
    unfinished, finished = captions(opened)
    assert "red square" not in unfinished
    assert "✗ a red square: no square" in finished


def test_keys_go_by_passes_and_prompts(opened):
    for _ in range(3):
        opened.key("ArrowLeft")
    assert place(opened) == [0, 0, 1]
    assert colour(opened, 0, 0.1, 0.1) == RED
    assert colour(opened, 0, 0.9, 0.1) == (GREY,) * 3
    assert colour(opened, 1, 0.1, 0.9) == RED
    opened.key("Home")
    assert colour(opened, 1, 0.1, 0.9) == (GREY,) * 3
    opened.key("ArrowLeft")
    assert place(opened) == [0, 0, 0]
    opened.key("End")
    opened.key("ArrowDown")
    assert place(opened) == [0, 1, 4]
    opened.wait(f"({pixel(1, 0.5, 0.1)})[2] === {BLUE[2]}")  # drawn some time after its image has come
    assert colour(opened, 1, 0.5, 0.1) == BLUE
    opened.key("ArrowDown")
    opened.key("ArrowUp")
    assert place(opened) == [0, 1, 4]


def test_space_plays_to_the_end_and_pauses(opened):
    opened.key(" ")
    assert opened.js("play.textContent") == "Pause"
    opened.wait("Number(time.value) >= 1")
    opened.key(" ")
    here = place(opened)[2]
    assert opened.js("timer") is None
    assert 1 <= here <= 4
    opened.key("Home")
    opened.key(" ")
    opened.wait("play.textContent === 'Play' && time.value === time.max")
    assert place(opened) == [0, 0, 4]


def test_controls_in_focus_keep_their_own_keys(opened):
    opened.js("play.focus()")
    opened.key(" ")
    assert opened.js("play.textContent") == "Pause"
    opened.key(" ")
    assert opened.js("play.textContent") == "Play"
    opened.js("marks.focus()")
    opened.key(" ")
    assert opened.js("marks.checked") is True
    assert opened.js("timer") is None
    opened.js("prompt.focus()")
    opened.key("ArrowDown")
    assert place(opened)[:2] == [0, 1]


def test_every_control_is_reached_by_tab(opened):
    seen = []
    for _ in range(8):
        opened.key("Tab")
        seen.append(opened.js("document.activeElement.id"))
    assert seen == ["backbone", "prompt", "play", "back", "time", "on", "marks", "boxes"]


def test_the_overlays(opened):
    plain = [colour(opened, s, x, y) for s, x, y in ((0, 0.25, 0.5), (1, 0.25, 0.25), (1, 0.1, 0.1))]
    opened.click("#marks")
    opened.click("#boxes")
    assert colour(opened, 1, 0.25, 0.25) == (0xD5, 0x5E, 0)
    assert colour(opened, 1, 0.25, 0.25) != plain[1]
    assert colour(opened, 1, 0.1, 0.1) == plain[2], "the mark leaves most of the cell visible"
    assert colour(opened, 0, 0.25, 0.5) == (0, 0x72, 0xB2)
    assert "detected: red square" in captions(opened)[0]
    assert "detected: nothing" in captions(opened)[1]
    opened.key("ArrowLeft")
    assert colour(opened, 0, 0.25, 0.5) == plain[0]
    assert "detected" not in captions(opened)[0]
    assert "detected: nothing" in captions(opened)[1]


def test_an_address_leads_back(opened):
    opened.js("backbone.focus()")
    opened.key("ArrowDown")
    opened.js("play.focus()")
    opened.key("ArrowDown")
    opened.key("ArrowLeft")
    opened.click("#boxes")
    address = opened.js("location.href")
    assert place(opened) == [1, 1, 3]
    opened.open("about:blank")
    opened.open(address)
    opened.wait("typeof shown === 'object' && shown.length === 2")
    assert place(opened) == [1, 1, 3]
    assert opened.js("[marks.checked, boxes.checked]") == [False, True]
    opened.open(opened.address + "#backbone=no&prompt=no&pass=x")
    assert place(opened) == [0, 0, 4]


def test_a_backbone_with_fewer_prompts_is_shown_too(opened, tmp_path):
    path = tmp_path / "fewer.html"
    both = [gallery.content(pictures("tiny")), gallery.content(pictures("other", prompts=1))]
    path.write_text(gallery.page(both), encoding="utf-8")
    opened.open(path.as_uri() + "#backbone=tiny&prompt=second/2")
    opened.wait("typeof shown === 'object' && shown.length === 2")
    opened.js("backbone.value = 1; backbone.onchange()")
    assert place(opened)[:2] == [1, 0]
    assert "backbone=other&prompt=first%2F1" in opened.js("location.hash")


@pytest.mark.parametrize(("width", "columns"), [(1280, 2), (390, 2), (320, 1)])
def test_nothing_is_wider_than_the_window(opened, width, columns):
    opened.open(opened.address, width=width, height=800, phone=width < 500)
    opened.wait("shown.length === 2")
    opened.key("ArrowDown")
    assert opened.js("document.documentElement.scrollWidth") <= width
    tops = opened.js(
        "Array.from(document.querySelectorAll('canvas')).map(c => c.getBoundingClientRect().top)"
    )
    assert len(set(tops)) == 2 // columns
