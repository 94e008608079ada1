"""What the illustrations are worked out from: frames, phases, judgements in words; a small run of it all."""

import json
import re

import numpy as np
import pytest
from matplotlib.text import Text

from ladr.base.errors import LadrError
from ladr.benchmarks.mini.geneval import SUITE
from ladr.benchmarks.mini.prompts import truth
from ladr.cli.figures import draw
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import run
from ladr.experiment.illustrations import illustration as worked_out
from ladr.experiment.illustrations.verdicts import verdicts
from ladr.experiment.plan import figures as figure_plan
from ladr.figures import films
from ladr.figures.frame.illustrations import GREY, Illustration, illustrations, moments
from ladr.figures.frame.phases import split
from ladr.figures.frame.results import Results
from ladr.figures.samples import longest
from ladr.shapes.detect import read
from tiny import tiny, write_grid

PIXELS = """\
use: [mixture]
steps: 4
backbones: {mixture: {settings: {scenes: 32}, benchmarks: {mini-geneval: 1}}}
samplers:
  cosine: {policy: cosine, label: Cosine}
  cosine_matched: {policy: cosine, match: ladr, label: "Cosine, LADR's passes"}
  ladr: {policy: ladr, label: LADR}
  doubt: {policy: doubt, label: Doubt budget}
  tries: {policy: tries, of: {policy: cosine}, label: Two tries}
"""


def pictures():
    """Two by two cells of two pixels: one prompt, one sampler that took two passes."""
    arrays = {
        "images": np.full((1, 1, 4, 4, 3), 7, np.uint8),
        "settled": np.array([[[[0, 1], [1, 1]]]]),
        "rescued": np.array([[[[False, True], [False, False]]]]),
        "passes": np.array([[2]]),
    }
    told = {
        "prompts": [{"id": "p", "text": "a </script> of <b>", "column": "Colors"}],
        "samplers": [{"name": "ladr", "label": "LADR", "cell": "c"}],
        "detected": [[{"things": [], "verdicts": [{"asked": "it", "found": "found", "value": 1.0}]}]],
    }
    benchmark = {"name": "mini", "version": 1, "count": 9, "seed": 0}
    return Illustration("tiny", told, arrays, "A caption.", benchmark)


def test_frames_grey_what_is_masked():
    found = pictures()
    assert found.passes(0, 0) == 2
    assert (found.frame(0, 0, 0) == GREY).all()
    first = found.frame(0, 0, 1)
    assert (first[:2, :2] == 7).all()
    assert (first[2:] == GREY).all()
    assert (found.frame(0, 0, 2) == 7).all()


def test_moments_go_from_the_beginning_to_the_end():
    assert moments(1) == [0, 1]
    assert moments(4) == [0, 1, 2, 3, 4]
    assert moments(64) == [0, 16, 32, 48, 64]


def test_a_phase_does_not_hold_its_end():
    import pandas as pd

    found = split(pd.DataFrame({"t": [0.0, 0.2, 0.69, 0.7, 1.0]}), {"a": 0.2, "b": 0.7, "c": 1.0})
    assert list(found) == ["a", "b", "b", "c", "c"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """results/ of two samplers, with what their illustrations show."""
    folder = tmp_path_factory.mktemp("pictured")
    params, grid = tiny(folder, PIXELS)
    place = folder / "results"
    run(grid.cells.values(), results=place, say=lambda text: None)
    written = worked_out.write(grid, place, say=lambda text: None)
    write_grid(grid, place / "grid.json")
    return params, grid, place, written[0]


def test_other_prompts_fill_the_places_that_columns_leave(tmp_path):
    text = """\
use: [pictures]
images: 2
backbones: {pictures: {benchmarks: {mini-pictures: 8}}}
samplers: {cosine: {policy: cosine}}
"""
    (cell,) = tiny(tmp_path, text)[1].cells.values()
    places = worked_out.chosen(cell)
    shown = [worked_out.images_of(cell)[place] for place in places]
    assert [prompt.id for prompt, _ in shown] == [prompt.id for prompt in cell.prompts[:6]]
    assert {number for _, number in shown} == {0}


def test_each_column_comes_before_a_second_prompt_of_one(made):
    cell = next(iter(made[1].cells.values()))
    columns = [worked_out.images_of(cell)[place][0].meta["column"] for place in worked_out.chosen(cell)]
    assert len(set(columns)) == len(columns) == 6


def test_passes_count_the_tries_that_were_thrown_away(made):
    told = json.loads(made[3].read_text(encoding="utf-8"))
    with np.load(made[3].with_name("pictures.npz")) as arrays:
        passes, settled = arrays["passes"], arrays["settled"]
    names = [sampler["name"] for sampler in told["samplers"]]
    last = settled.max((2, 3)) + 1
    twice = names.index("tries")
    assert (passes[:, twice] > 2).all()
    assert (last <= passes).all()
    assert (last < passes)[:, twice].any()
    assert (last == passes)[:, names.index("cosine")].all()


def test_captions_say_what_is_shown_and_where_it_was_worked_out(made, tmp_path):
    told = json.loads(made[3].read_text(encoding="utf-8"))
    told["provenance"] |= {"cpu": "a chip", "began": "2031-02-03T04:05:06", "ended": "2031-02-03T04:06:06"}
    record.write(made[3], told)
    names = ["gallery", "films", "samples", "method", "reach"]
    draw(names, made[2], tmp_path)
    text = {
        path.stem: path.read_text(encoding="utf-8")
        for path in tmp_path.rglob("*")
        if path.suffix in (".md", ".html")
    }
    count = len(SUITE.prompts(1))
    shown = {"films": "1 prompt of", "method": "1 prompt of", "samples": f"3 of the {count} prompts of",
             "dependence": f"{count} of the {count} prompts of"}  # fmt: skip
    for name, words in shown.items():
        caption = text[f"{name}-mixture"]
        assert f"Shown: {words} mini-geneval version 1, image no. 0" in caption
        assert "per row" not in caption
        assert "mixture, 16x16 cells (scenes 32, no weights, codebook " in caption
        assert "Machine: a chip, 1 thread, torch" in caption
        assert "Worked out 2031-02-03 from results of 20" in caption
    assert f"6 of the {count} prompts of" in text["gallery"]
    assert "reach-mixture" not in text
    assert "a reach in pixels is not drawn" in text["dependence-mixture"]
    assert re.search(r"1/16 observed: n = \d{3,} cells in \d+ images", text["dependence-mixture"])


def test_pictures_of_another_version_are_neither_read_nor_kept(made, tmp_path, monkeypatch):
    params, grid, place, written = made
    text = written.read_text(encoding="utf-8")
    record.write(written, {**json.loads(text), "version": 1})
    with pytest.raises(
        LadrError, match=r"pictures\.json: version 1, this program reads .*run `ladr pictures`"
    ):
        draw(["films"], place, tmp_path)
    written.write_text(text, encoding="utf-8")
    now = figure_plan.FigurePlan(params, grid).illustrations
    monkeypatch.setattr(figure_plan, "VERSION", 0)
    assert figure_plan.FigurePlan(params, grid).illustrations != now


def test_a_strip_is_drawn_of_plain_decoding_and_of_what_is_faster(made):
    (plot,) = films.draw(Results(made[2]))
    p = json.loads(made[3].read_text(encoding="utf-8"))["pair"]
    first = next(prompt.text for prompt in SUITE.prompts(1) if len(prompt.meta["spec"]["items"]) == 2)
    assert plot.figure.get_suptitle() == first
    assert f"'{first}', the first prompt with two things of mini-geneval" in plot.caption
    (one,) = illustrations(Results(made[2]))
    titles = [panel.get_title("left") for panel in plot.figure.axes if panel.get_title("left")]
    rows = {"Cosine": 0, "LADR": 2, "Doubt budget": 3}
    counts = {label: one.passes(p, row) for label, row in rows.items()}
    assert titles[0] == f"Cosine, {counts['Cosine']} passes"
    assert titles[1].startswith("Cosine, ")
    assert [title.split(",")[0] for title in titles[2:]] == ["LADR", "Doubt budget"]
    pictures = [panel.get_images()[0].get_array() for panel in plot.figure.axes[4::5]]
    assert [
        np.array_equal(picture, one.arrays["images"][p, row]) for row, picture in enumerate(pictures)
    ] == [True] * 4


def test_no_text_of_a_film_strip_is_cut_off_or_too_small_for_a_phone(made):
    (plot,) = films.draw(Results(made[2]))
    plot.figure.draw_without_rendering()
    texts = [text for text in plot.figure.findobj(Text) if text.get_text()]
    page = plot.figure.bbox
    assert len(texts) > 20
    for text in texts:
        box = text.get_window_extent()
        assert min(box.x0, box.y0, page.x1 - box.x1, page.y1 - box.y1) >= 0, text.get_text()
        assert text.get_fontsize() / 72 * 320 / plot.figure.get_figwidth() >= 8, text.get_text()


def said(prompt, image):
    reading = read(image)
    return [(v["asked"], v["found"]) for v in verdicts(prompt, reading, SUITE.judge(prompt, reading))]


def test_verdicts_are_words():
    prompts = {p.id: p for p in SUITE.prompts("smoke")}
    position, other = prompts["position-000"], prompts["counting-000"]
    assert (position.text, other.text) == ("a diamond left of a circle", "three crosses")
    assert said(position, truth(position)) == [("a diamond left of a circle", "found")]
    assert said(position, truth(position)[:, ::-1]) == [
        ("a diamond left of a circle", "the diamond is right of the circle")
    ]
    assert said(position, truth(other)) == [("a diamond left of a circle", "no diamond")]
    assert said(other, truth(other)) == [("three crosses", "found")]
    assert said(other, truth(position)) == [("three crosses", "no crosses")]
    colored = prompts["colors-000"]
    assert said(colored, truth(colored)) == [("a yellow circle", "found")]
    assert said(colored, truth(colored)[..., ::-1]) == [("a yellow circle", "the circle is of another color")]


def test_the_longest_prompts_are_shown_in_their_order():
    assert longest(["ab", "a", "abcd", "abc"]) == [0, 2, 3]
    assert longest(["a"]) == [0]
