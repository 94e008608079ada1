"""How far commits and changed tokens reach: what is measured, on backbones whose answer is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ladr.backbones.exact.field import Field
from ladr.decoding.noise import derived
from ladr.decoding.view import MASK
from ladr.experiment.illustrations import reach
from ladr.experiment.illustrations.spread import Spread


def sampled(field, n):
    """Images of a field, and an order in which their cells settled."""
    H, W = field.grid
    tokens = field.truth([""]).sample(torch.rand(n, H, W, generator=derived(0, "test")))
    return tokens, torch.arange(H * W).view(1, H, W).expand(n, H, W)


def test_offsets_are_centred_and_distances_counted_from_the_edge():
    spread = Spread(images=2, shape=(4, 6), margin=2, side=2)
    values = np.full((4, 6), np.nan)
    values[1:3, 2:4], values[0, 5] = 4.0, 1.0
    spread.add(0, values, 1, 2)
    spread.add(1, values * 3, 1, 2)
    assert spread.offsets.shape == (6, 6)
    assert (spread.offsets[2:4, 2:4] == 8.0).all()
    assert spread.offsets[1, 5] == 2.0
    assert np.isnan(spread.offsets[0, 0])
    told = spread.summary()
    assert (told["images"], told["observations"]) == (2, 2)
    assert told["distance"] == [0, 2]
    assert told["mean"] == [8.0, 2.0]
    assert told["within"] == pytest.approx([16 / 17, 1.0])
    assert told["mean_low"][0] < 8.0 < told["mean_high"][0]


def test_a_radius_holds_its_share_of_the_change():
    spread = Spread(images=3, shape=(1, 5), margin=1)
    for image in range(3):
        spread.add(image, np.array([[np.nan, 4.0, 5.0, 0.5, 0.5]]), 0, 0)
    half, most = spread.summary()["radius"]
    assert [half[k] for k in ("value", "low", "high", "even")] == [2, 2, 2, 2]
    assert [most[k] for k in ("value", "low", "high", "even")] == [3, 3, 3, 4]
    assert "radius" not in Spread(images=3, shape=(1, 5), margin=1).summary()


def test_what_images_share_is_not_taken_for_more_evidence():
    once, often = (Spread(images=4, shape=(1, 3), margin=1) for _ in range(2))
    for image, value in enumerate((1.0, 2.0, 3.0, 4.0)):
        for spread, times in ((once, 1), (often, 10)):
            for _ in range(times):
                spread.add(image, np.array([[np.nan, value, value]]), 0, 0)
    one, ten = once.summary(), often.summary()
    assert ten["observations"] == 10 * one["observations"]
    assert [one[k] for k in ("mean", "mean_low", "mean_high")] == [
        ten[k] for k in ("mean", "mean_low", "mean_high")
    ]


def test_a_commit_tells_its_neighbours_most():
    field = Field((5, 5), 2, coupling=0.8)
    tokens, settled = sampled(field, 6)
    for spread in reach.dependence(field, [""] * 6, tokens, settled, derived(1, "test")):
        told = spread.summary()
        mean = dict(zip(told["distance"], told["mean"], strict=True))
        assert mean[1] > mean[2] > 0
        assert (spread.sums >= 0).all()
    assert told["observations"] == 6 * reach.MOST
    [*_, last] = reach.dependence(field, [""] * 6, tokens, settled, derived(1, "test"), often=4)
    assert last.summary()["observations"] == 6 * 12  # at one half observed no more than 12 cells are left


def test_independent_cells_tell_nothing():
    field = Field((4, 4), 2, coupling=0.0)
    tokens, settled = sampled(field, 4)
    for spread in reach.dependence(field, [""] * 4, tokens, settled, derived(1, "test")):
        assert spread.sums.max() < 1e-12
        assert spread.summary()["mean_low"][0] >= 0


def test_the_mean_is_the_mutual_information():
    """Of three cells in a row the first is observed: what is left is a table of the other two."""
    field = Field((1, 3), 2, coupling=1.5, external=0.3)
    tokens = torch.zeros(1, 1, 3, dtype=torch.long).repeat(200, 1, 1)
    settled = torch.arange(3).view(1, 1, 3).expand(200, 1, 3)
    spread = reach.dependence(field, [""] * 200, tokens, settled, derived(2, "test"))[0]
    denoiser, row = field.bind([""]), torch.zeros(1, dtype=torch.long)
    before = denoiser.logits(torch.tensor([[[0, MASK, MASK]]]), row)[0, 0, 1].softmax(-1)
    exact = 0.0
    for code, p in enumerate(before):
        after = denoiser.logits(torch.tensor([[[0, code, MASK]]]), row)[0, 0, 2].softmax(-1)
        last = denoiser.logits(torch.tensor([[[0, MASK, MASK]]]), row)[0, 0, 2].softmax(-1)
        exact += float(p * (after * (after / last).log()).sum())
    told = spread.summary()
    assert told["distance"] == [1]
    assert told["mean_low"][0] < exact < told["mean_high"][0]
    assert told["mean"][0] == pytest.approx(exact, rel=0.2)


def test_the_batch_does_not_matter():
    field = Field((3, 3), 2)
    tokens, settled = sampled(field, 3)
    one, other = (
        reach.dependence(field, [""] * 3, tokens, settled, derived(1, "test"), batch) for batch in (1, 16)
    )
    assert [np.allclose(a.sums, b.sums) for a, b in zip(one, other, strict=True)] == [True] * len(
        reach.SHARES
    )


def blurred(tokens):
    """One grey level per code; a cell of two pixels also shows in those right of it."""
    image = np.asarray(tokens).repeat(2, 1).repeat(2, 2) * 10
    image[:, :, 1:] += image[:, :, :-1] // 10
    return image[..., None].repeat(3, 3).astype(np.uint8)


def test_a_token_shows_beside_its_cell_unless_the_picture_is_a_mosaic():
    tokens = torch.randint(4, (5, 6, 6), generator=derived(0, "tokens"))
    assert reach.perturbation(Field((6, 6), 4), tokens, derived(0, "test")) is None
    spread, example = reach.perturbation(SimpleNamespace(codes=4, render=blurred), tokens, derived(0, "test"))
    told = spread.summary()
    assert told["observations"] == 5 * reach.MOST
    mean = dict(zip(told["distance"], told["mean"], strict=True))
    assert mean[0] > mean[1] > mean[2] == 0
    assert spread.sums[:, 0].min() > 0
    margin = spread.margin
    assert spread.offsets[margin, margin + 2] > spread.offsets[margin, margin - 1] == 0
    before, after = example["perturb_images"]
    assert len(example["perturb_places"]) == reach.TOGETHER
    for y, x in example["perturb_places"] * 2:
        assert (before[y, x] != after[y, x]).all()


def test_a_changed_token_is_another_one():
    codes = torch.arange(3).repeat(200)
    changed = reach.others(codes, 3, derived(0, "test"))
    assert (changed != codes).all()
    assert set(changed.tolist()) == {0, 1, 2}
    assert math.isclose(changed[codes == 0].double().mean(), 1.5, abs_tol=0.2)


def test_the_reach_in_pixels_is_drawn_where_far_pixels_do_not_change(tmp_path):
    from ladr.figures.frame.illustrations import Illustration
    from ladr.figures.reach import in_pixels

    tokens = torch.randint(4, (5, 6, 6), generator=derived(0, "tokens"))
    spread, example = reach.perturbation(SimpleNamespace(codes=4, render=blurred), tokens, derived(0, "test"))
    told = {**spread.summary(), "side": spread.side}
    assert min(told["mean"]) == 0
    asked = {"name": "mini", "version": 1, "count": 9, "seed": 0}
    arrays = {**example, "pixels": spread.offsets}
    plot = in_pixels(Illustration("tiny", {"reach": {"pixels": told}}, arrays, "Made.", asked))
    assert {path.suffix for path in plot.save(tmp_path)} == {".svg", ".png", ".md"}


def test_a_distance_that_a_resample_lacks_does_not_pull_its_mean_to_zero():
    spread = Spread(images=8, shape=(1, 4), margin=1)
    for image in range(8):
        values = np.full((1, 4), 2.0)
        values[0, 3] = 2.0 if image == 0 else np.nan
        spread.add(image, values, 0, 0)
    assert spread.summary()["mean_low"] == [2.0] * 4
