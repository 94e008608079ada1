"""What the illustrations are worked out from: reach on the grid, frames, phases."""

import numpy as np
import torch

from ladr.backbones.field import Field
from ladr.figures.frame.images import GREY, Pictures, moments
from ladr.figures.frame.phases import split
from ladr.figures.picture_reach import by_distance
from ladr.noise import derived
from ladr.run.reach import RADIUS, by_offset, dependence


def test_maps_are_centred_on_their_cells():
    maps = np.zeros((2, 4, 6))
    maps[0, 1, 2], maps[1, 3, 5] = 4.0, 2.0
    found = by_offset(maps, [(1, 2), (3, 5)])
    assert found.shape == (2 * RADIUS + 1, 2 * RADIUS + 1)
    assert found[RADIUS, RADIUS] == 3.0
    assert np.isnan(found[0, 0])
    assert found[RADIUS, RADIUS - 1] == 0


def test_a_commit_tells_its_neighbours_most():
    field = Field((5, 5), 2, coupling=0.8)
    tokens = field.truth([""]).sample(torch.rand(6, 5, 5, generator=derived(0, "test")))
    settled = torch.arange(25).view(1, 5, 5).expand(6, 5, 5)
    found = dependence(field, [""] * 6, tokens, settled, derived(1, "test"))
    distance, mean = by_distance(found["dependence"])
    assert 1 in distance
    assert mean[list(distance).index(1)] > mean[list(distance).index(3)] > 0


def pictures():
    """Two by two cells of two pixels: one prompt, one sampler that took two passes."""
    arrays = {
        "images": np.full((1, 1, 4, 4, 3), 7, np.uint8),
        "settled": np.array([[[[0, 1], [1, 1]]]]),
        "rescued": np.array([[[[False, True], [False, False]]]]),
    }
    told = {
        "prompts": [{"id": "p", "text": "a </script> of <b>", "column": "Colors"}],
        "samplers": [{"name": "ladr", "label": "LADR", "cell": "c"}],
        "detected": [[{"things": [], "verdicts": [{"question": "is it?", "value": 1.0}]}]],
    }
    return Pictures("tiny", told, arrays, "A caption.")


def test_frames_grey_what_is_masked():
    found = pictures()
    assert found.passes(0, 0) == 2
    assert (found.frame(0, 0, 0) == GREY).all()
    first = found.frame(0, 0, 1)
    assert (first[:2, :2] == 7).all()
    assert (first[2:] == GREY).all()
    assert (found.frame(0, 0, 2) == 7).all()


def test_moments_end_at_the_end():
    assert moments(1) == [1]
    assert moments(64)[-1] == 64
    assert len(moments(64)) <= 8


def test_a_phase_does_not_hold_its_end():
    import pandas as pd

    found = split(pd.DataFrame({"t": [0.0, 0.2, 0.69, 0.7, 1.0]}), {"a": 0.2, "b": 0.7, "c": 1.0})
    assert list(found) == ["a", "b", "b", "c", "c"]
