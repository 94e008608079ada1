"""How random a decode's masks look: random orders have outline 1, orders in one piece have less."""

import pytest
import torch

from ladr.backbones.exact.field import Field
from ladr.decoding.policies import build
from ladr.paper.theory import outlines
from ladr.paper.theory.masks import random_masks
from ladr.paper.theory.proposition2 import outline

FIELD = Field((6, 6), 2, coupling=0.3)


def rows_of(policy, images=24):
    asked, seeds = [""] * images, list(range(images))
    return outlines.summary(*outlines.outlines(FIELD, asked, build(policy), steps=8, seeds=seeds))


def test_random_masks_have_outline_one_and_halves_much_less():
    some = torch.zeros(2000, 16, 16, dtype=torch.bool)
    some[:, :5] = True
    drawn = outline(random_masks(some, torch.Generator().manual_seed(1)))
    assert abs(drawn.mean() - 1) < 4 * drawn.std() / 2000**0.5
    assert outline(some[:1]) < 0.3


def test_a_random_order_looks_like_training_and_reading_order_does_not():
    shuffled, raster = rows_of("random"), rows_of("raster")
    for row in shuffled:
        assert row["low"] < row["known"] <= row["high"]
        assert abs(row["outline"] - 1) < 0.15
    assert all(row["outline_high"] < 0.7 for row in raster)
    assert sum(row["passes"] for row in raster) == pytest.approx(sum(row["passes"] for row in shuffled))


def test_an_interval_is_over_images_and_empty_ranges_have_no_row():
    image = torch.tensor([0, 0, 1, 1])
    known = torch.tensor([0.1, 0.2, 0.2, 0.9])
    value = torch.tensor([0.5, 0.7, 0.9, 0.2])
    first, last = outlines.summary(image, known, value)
    assert (first["passes"], first["images"], last["low"]) == (3, 2, 0.75)
    assert first["outline"] == pytest.approx(0.7)
    assert first["outline_low"] == pytest.approx(0.6)
    assert first["outline_high"] == pytest.approx(0.9)
    assert last["outline_low"] == last["outline_high"]


def test_every_rule_of_every_model_has_rows(monkeypatch):
    monkeypatch.setattr(
        outlines, "MODELS", (("field", Field, {"grid": (6, 6), "codes": 2, "coupling": 0.3}),)
    )
    rows = outlines.rows(quick=True)
    assert {row["rule"] for row in rows} == set(outlines.RULES)
    assert {row["backbone"] for row in rows} == {"field"}
