"""Embedded models without diffusers: the mean patches draw the same codes."""

import numpy as np
import pytest
import torch

from ladr.backbones import kind, load
from ladr.backbones.random.blank import random_checkpoint
from ladr.base.errors import LadrError
from ladr.decoding.loop import decode

PROMPT = "a red circle"


@pytest.fixture(scope="module")
def drawn():
    model = load("shapes", pixels="mosaic")
    return model, decode(model, [PROMPT], "cosine", steps=8, seeds=[0]).tokens


def test_the_codes_are_the_same_and_the_pictures_alike(drawn):
    model, tokens = drawn
    network = load("shapes")
    assert torch.equal(decode(network, [PROMPT], "cosine", steps=8, seeds=[0]).tokens, tokens)
    flat, trained = (each.render(tokens).astype(float) for each in (model, network))
    assert flat.shape == trained.shape == (1, 64, 64, 3)
    assert 0 < np.abs(flat - trained).mean() < 8


def test_its_pictures_are_read_back_as_the_same_codes(drawn):
    model, tokens = drawn
    assert torch.equal(model.pixels.encode(torch.from_numpy(model.render(tokens))), tokens)


def test_the_renderer_of_a_score_job_draws_the_same(drawn):
    model, tokens = drawn
    renderer = kind("shapes").drawing({"pixels": "mosaic"})
    assert np.array_equal(renderer.render(tokens), model.render(tokens))


def test_a_checkpoint_without_patches_says_so(tmp_path):
    with pytest.raises(LadrError, match=r"patches\.safetensors, which only the embedded models have"):
        load("shapes", folder=random_checkpoint(tmp_path), pixels="mosaic")


def test_another_name_is_refused():
    with pytest.raises(LadrError, match="pixels: 'mosaik' is not allowed"):
        load("shapes", pixels="mosaik")
