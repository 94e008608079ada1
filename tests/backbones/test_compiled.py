"""Compiled layers give what the others give, and are compiled once however many lengths there are."""

from dataclasses import replace

import pytest
import torch

from ladr import decode
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.random.blank import TINY, TINY_LAYOUT, random_model
from ladr.base.errors import LadrError
from ladr.decoding.caches import MLCache
from ladr.decoding.view import MASK
from ladr.speed.upstream import UpstreamWords

LAYOUT = replace(TINY_LAYOUT, grid=(4, 6))


class Prompts(UpstreamWords):
    """As many ids as a prompt has letters."""

    def ids(self, text, where=""):
        return list(range(min(len(text), 20)))


@pytest.fixture(scope="module")
def model():
    return random_model(replace(TINY, n_layers=3), seed=1)


def backbone(model, **settings):
    return DiMOO(model, LAYOUT, Prompts(0), None, guidance=2.0, **settings)


@pytest.fixture(scope="module")
def compiled(model):
    return backbone(model, compile=True)


@pytest.mark.parametrize("mode", ["fast", 1, None])
def test_another_mode_is_refused(model, mode):
    with pytest.raises(
        LadrError, match=r"compile: .* is not allowed; true, false or a mode.*reduce-overhead"
    ):
        backbone(model, compile=mode)


def test_nothing_is_compiled_unless_asked_for(model):
    assert backbone(model).compiled == (None, None)
    assert backbone(model, compile=False).compiled == (None, None)


@pytest.mark.slow
def test_compiled_logits_are_those_of_the_layers_as_they_are(model, compiled):
    tokens = torch.full((2, 4, 6), MASK)
    tokens[:, :2] = 5
    rows = torch.arange(2)
    for prompts in (["a", "a red circle"], ["two", "ten"]):
        wanted = backbone(model).bind(prompts).logits(tokens, rows)
        found = compiled.bind(prompts).logits(tokens, rows)
        assert not torch.equal(wanted, torch.zeros_like(wanted))
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("cache", [None, MLCache(ratio=0.5, refresh=3, warmup=0.1)])
def test_decoding_gives_the_same_tokens(model, compiled, cache):
    asked = {"steps": 5, "seeds": [0, 1, 2], "batch_size": 2, "cache": cache}
    prompts = ["a", "a red circle", "two"]
    plain = decode(backbone(model), prompts, "ladr", **asked)
    assert torch.equal(decode(compiled, prompts, "ladr", **asked).tokens, plain.tokens)


@pytest.mark.slow
def test_other_lengths_are_not_compiled_again(model):
    torch._dynamo.reset()
    seen = torch._dynamo.utils.counters["stats"]
    denoise = backbone(model, compile=True)
    tokens, graphs = torch.full((2, 4, 6), MASK), []
    for prompts in (["a", "bc"], ["a red circle", "two"], ["three blue", "a b c d"], ["ab", "abcdef"]):
        denoise.bind(prompts).logits(tokens, torch.arange(2))
        graphs.append(seen["unique_graphs"])
    assert graphs[0] >= 2
    assert graphs == graphs[:1] * 4


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_stages_are_compiled_in_either_precision(dtype):
    model = random_model(replace(TINY, n_layers=2), seed=1).to(getattr(torch, dtype))
    tokens, rows = torch.full((1, 4, 6), MASK), torch.arange(1)
    plain, other = (backbone(model, compile=x).bind(["a b"]).logits(tokens, rows) for x in (False, True))
    torch.testing.assert_close(other, plain, atol=1e-4 if dtype == "float32" else 0.1, rtol=0.1)
