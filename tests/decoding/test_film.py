"""How results show themselves: one line in a terminal, film strips in a notebook."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from ladr import LadrError, decode
from ladr.backbones.exact.field import Field
from ladr.backbones.exact.mixture import Mixture
from ladr.decoding import film

PROMPTS = ["a red circle", "a blue square and a green triangle"]


@pytest.fixture(scope="module")
def decoded():
    return decode(Mixture(scenes=32, cache=False), PROMPTS, "ladr", steps=12, seeds=[0, 1])


def test_a_result_prints_in_one_line(decoded):
    trace = decoded.trace
    passes = [image.passes for image in trace.images]
    rescued = [sum(image.rescued) for image in trace.images]
    for text in (repr(decoded), repr(trace), str(trace), f"{trace.images[0]}"):
        assert "\n" not in text
        assert len(text) < 100
    assert f"{sum(rescued)} of 512 cells rescued" in repr(decoded)
    assert repr(decoded).endswith("grid 16x16")
    assert repr(trace.images[1]).startswith(f"{passes[1]} passes, {rescued[1]} of 256 cells rescued")


def test_the_summary_has_passes_cells_and_seconds(decoded):
    for row, image in zip(decoded.trace.summary(), decoded.trace.images, strict=True):
        assert row["passes"] == len(row["committed_per_pass"]) == len(row["rescued_per_pass"])
        assert sum(row["committed_per_pass"]) == 256
        assert sum(row["rescued_per_pass"]) == row["rescued"] == sum(image.rescued)
        assert row["seconds"] > 0


def strips(page):
    """The pictures of an HTML text."""
    data = re.findall(r'src="data:image/png;base64,([^"]*)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in data]


def test_a_notebook_shows_a_film_strip_of_every_image(decoded):
    page = decoded._repr_html_()
    found = strips(page)
    assert len(found) == 2
    for i, strip in enumerate(found):
        assert np.array_equal(strip, decoded.film.strip(i))
        picture = decoded.render(decoded.tokens[i : i + 1])[0].repeat(2, 0).repeat(2, 1)
        assert np.array_equal(strip[:128, -128:], picture)  # the last frame
        assert f"image {i}: {decoded.trace.images[i].passes} passes" in page
    png = np.asarray(Image.open(io.BytesIO(decoded._repr_png_())))
    assert len(png) == 2 * len(found[0])


def test_a_frame_shows_what_is_committed_by_then(decoded):
    times = film.moments(decoded.trace.images[0].passes)
    strip = decoded.film.strip(0)
    for k, done in enumerate(times):
        frame = strip[:128, k * 132 : k * 132 + 128]
        grey = (frame == film.MASKED).all(-1)[::8, ::8]
        masked = (decoded.settled[0] >= done).numpy()
        assert grey[masked].all()
        assert (grey & ~masked).sum() <= (decoded.settled[0] < done).sum() * 0.2


def test_the_trace_is_a_table_with_bars(decoded):
    page = decoded.trace._repr_html_()
    assert page.count("<tr>") == 3
    assert page.count("<rect") == 2 * sum(image.passes for image in decoded.trace.images)


def test_cells_stand_for_pixels_where_nothing_draws():
    class Refusing(Field):
        def render(self, tokens):
            raise LadrError("no pixels")

    class Blind(Field):
        render = None

    for backbone in (Refusing(grid=(4, 6), codes=3), Blind(grid=(4, 6), codes=3)):
        result = decode(backbone, ["coupling=0.8 seed=1"], "cosine", steps=4, seeds=[0])
        strip = result.film.strip(0)
        assert strip.shape[1] == 4 * 192 + 3 * film.GAP
        last = result.settled[0] == result.settled[0].max()
        colours = strip[:128:32, -192::32]
        assert (colours[last.numpy()] == film.NOW).all()
        assert (colours[~last.numpy()] == film.KNOWN).all()


@pytest.mark.parametrize(("passes", "expected"), [(1, [1]), (3, [1, 2, 3]), (64, [11, 21, 32, 43, 53, 64])])
def test_moments_end_with_the_last_pass(passes, expected):
    assert film.moments(passes) == expected


def test_nothing_to_decode_shows_nothing():
    start = torch.zeros(1, 4, 4, dtype=torch.int64)
    result = decode(Field(grid=(4, 4), codes=3), ["coupling=0.8 seed=1"], "cosine", start=start)
    assert repr(result) == "1 image: 0 passes, 0 of 16 cells rescued, 0.00 s; grid 4x4"
    assert len(strips(result._repr_html_())) == 1
