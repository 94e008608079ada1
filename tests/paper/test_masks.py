"""Masks of free riders and random ones: an exact model is surprised by neither, and a wrong one by both."""

import itertools
import math

import pytest
import torch

from ladr.backbones.exact.mixture import Mixture
from ladr.decoding.denoiser import Denoiser
from ladr.decoding.policies import build
from ladr.decoding.view import MASK
from ladr.paper.theory import masks
from ladr.paper.theory.masks import Truth, few, measured, random_masks, rider_masks, summary, truth

EXACT = Mixture(48, epsilon=masks.SURE, cache=False)
GUIDED = Mixture(48, epsilon=1e-3, guidance=3.0, cache=False)
PROMPTS = few(2, 0)
IMAGES = 100
KINDS = ((1, masks.RIDERS), (0, "random, 4 known"))


class Judge(Denoiser):
    """The exact model, which sees every grid as `seen` has it and is `times` as far from indifferent."""

    codes, grid = EXACT.codes, EXACT.grid

    def __init__(self, blind=False, times=1.0):
        self.blind, self.times = blind, times

    def bind(self, prompts):
        self.inner = EXACT.bind(prompts)
        return self

    def logits(self, tokens, rows, *, t=None, recompute=None):
        if not self.blind:
            return self.times * self.inner.logits(tokens, rows, t=t)
        dense = self.inner.logits(torch.full_like(tokens, MASK), rows, t=t)
        return dense.view(*tokens.shape, -1)[tokens == MASK]


@pytest.fixture(scope="module")
def true():
    return truth(EXACT, PROMPTS, IMAGES)


@pytest.fixture(scope="module")
def riders(true):
    return rider_masks(GUIDED, PROMPTS, true, build("doubt"))


def parts_of(judge, true, riders):
    """What the judge says of the riders' first masks, and of random ones that leave as much open."""
    parts = measured(judge, EXACT, PROMPTS, PROMPTS, true, riders)
    return [part for part in parts if (part["passes"], part["kind"]) in KINDS]


def error(values):
    return values.std().item() / math.sqrt(len(values))


def test_an_exact_model_is_surprised_by_neither_kind_of_mask(true, riders):
    for part in parts_of(EXACT, true, riders):
        assert part["surprise"].mean() > 1
        assert abs(part["beyond"].mean()) < 4 * error(part["beyond"])
        assert part["change"].mean() < 4 * error(part["change"])
        assert not part["above_exact"].any()
        assert not part["short"].any()


def test_one_that_is_too_sure_is_surprised_by_both(true, riders):
    for part in parts_of(Judge(times=2.0), true, riders):
        assert part["beyond"].mean() > 4 * error(part["beyond"])
        assert part["above_exact"].mean() > 4 * error(part["above_exact"])


def test_one_that_looks_at_nothing_learns_nothing_from_known_cells(true, riders):
    for part in parts_of(Judge(blind=True), true, riders):
        assert part["change"].abs().max() < 1e-6
        assert torch.allclose(part["short"], part["above_exact"])
        assert part["above_exact"].mean() > 4 * error(part["above_exact"])


def test_masks_shrink_from_pass_to_pass_and_the_first_does_not_depend_on_the_image(true, riders):
    sizes = [masked.flatten(1).sum(1) for masked in riders]
    assert (sizes[0] < 256).all()
    assert all((later <= earlier).all() for earlier, later in itertools.pairwise(sizes))
    assert not any((later & ~earlier).any() for earlier, later in itertools.pairwise(riders))
    others = Truth(true.codes.roll(1, 0), true.of)
    again = rider_masks(GUIDED, PROMPTS, others, build("doubt"))
    assert torch.equal(again[0], riders[0])
    assert not torch.equal(again[1], riders[1])


def test_random_masks_have_as_many_cells_elsewhere(riders):
    drawn = random_masks(riders[0], torch.Generator().manual_seed(0))
    assert torch.equal(drawn.flatten(1).sum(1), riders[0].flatten(1).sum(1))
    assert not torch.equal(drawn, riders[0])
    few_known = [hidden for passes, _, hidden in masks.looked_at(riders) if passes == 0]
    assert [(~hidden).flatten(1).sum(1).unique().tolist() for hidden in few_known] == [[n] for n in masks.FEW]


def part(passes, kind, masked, surprise):
    values = torch.tensor(surprise, dtype=torch.float64)
    amounts = dict.fromkeys(masks.AMOUNTS, values)
    return {"passes": passes, "kind": kind, "masked": torch.tensor(masked), **amounts}


def test_rows_are_means_over_images_of_the_group_that_are_not_finished():
    parts = [
        part(1, masks.RIDERS, [10, 20, 0, 5], [4.0, 8.0, 99.0, 50.0]),
        part(1, masks.RANDOM, [10, 20, 0, 5], [1.0, 2.0, 99.0, 50.0]),
        part(2, masks.RIDERS, [0, 0, 0, 5], [0.0, 0.0, 0.0, 50.0]),
        part(2, masks.RANDOM, [0, 0, 0, 5], [0.0, 0.0, 0.0, 50.0]),
        part(0, "random, 4 known", [12, 12, 12, 12], [3.0, 3.0, 3.0, 3.0]),
    ]
    rows = summary({"backbone": "x"}, parts, torch.tensor([0, 3, 3, -1]))
    assert [row["mask"] for row in rows] == ["riders", "random", "difference", "random, 4 known"]
    assert [row["surprise"] for row in rows] == [6.0, 1.5, 4.5, 3.0]
    riding = rows[0]
    assert (riding["images"], riding["prompts"], riding["masked"]) == (2, 2, 15.0)
    assert (riding["change_low"], riding["change_high"]) == (4.0, 8.0)


def test_prompts_ask_for_what_training_showed():
    prompts = few(3, 2)
    assert all(prompt.meta["seen"] for prompt in prompts)
    columns = [prompt.meta["column"] for prompt in prompts]
    assert columns.count(masks.COUNTING) == 3
    assert {columns.count(one) for one in columns if one != masks.COUNTING} == {2}


def test_both_models_are_asked_and_share_their_codes(monkeypatch):
    monkeypatch.setattr(masks, "few", lambda *counts: few(1, 1)[:2])
    rows = masks.rows(quick=True)
    assert {(row["backbone"], row["column"]) for row in rows} == {
        (name, column) for name in ("mixture", "shapes") for column in (masks.COUNTING, masks.OTHERS)
    }
    network = [row for row in rows if row["backbone"] == "shapes" and row["mask"] != "difference"]
    for row in network:
        assert 0 < row["surprise"] / row["masked"] < math.log(EXACT.codes)
        assert row["above_exact"] != 0
