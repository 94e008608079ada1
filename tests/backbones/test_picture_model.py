"""The embedded model of pictures is loaded by its name and draws what it is asked for."""

import pytest
import torch

from ladr.backbones import load
from ladr.base.errors import LadrError
from ladr.benchmarks.mini.pictures.suite import SUITE
from ladr.decoding.loop import decode


def test_the_picture_model_draws_a_fox():
    model = load("pictures")
    prompt = "a fox, Noto style on a black background"
    tokens = decode(model, [prompt], "cosine", steps=8, seeds=[1]).tokens
    assert tokens.shape == (1, 16, 16)
    reading = SUITE.read(model.render(tokens)[0])
    assert (reading.concept, reading.style, reading.background) == ("fox", "Noto", "black")
    assert torch.equal(tokens, decode(model, [prompt], "cosine", steps=8, seeds=[1]).tokens)


def test_a_name_that_it_does_not_know_is_refused():
    with pytest.raises(LadrError, match="'foxes' is not a word of this model"):
        decode(load("pictures"), ["foxes"], "cosine", steps=1, seeds=[0])
