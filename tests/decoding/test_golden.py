"""Token for token the reference decoder: recorded runs of a tiny random model through this loop."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.lumina.dimoo import DiMOO, Layout
from ladr.backbones.lumina.llada import LLaDA
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.lumina.tokenizer import Words
from ladr.decoding.caches import MLCache
from ladr.decoding.loop import decode
from ladr.decoding.noise import UpstreamGumbel
from ladr.decoding.policies import Scheduled

GOLDEN = Path(__file__).parent / "golden"
RUNS = json.loads((GOLDEN / "traces.json").read_text())


def backbone(guidance: float) -> DiMOO:
    config = json.loads((GOLDEN / "config.json").read_text())
    model = LLaDA(LLaDAConfig.of(config, GOLDEN))
    checkpoint.load(model, GOLDEN)
    layout = Layout.of(config["ladr"], GOLDEN)
    return DiMOO(model, layout, Words(GOLDEN), None, guidance=guidance)


class Watched:
    """A backbone that notes which sequence places each pass computes."""

    def __init__(self, inner):
        self.inner, self.codes, self.grid, self.chosen = inner, inner.codes, inner.grid, []

    def bind(self, prompts):
        denoiser = self.inner.bind(prompts)
        choose = denoiser._chosen

        def noted(ids, plan):
            chosen = choose(ids, plan)
            for start, text in zip(denoiser.pack.starts, (*denoiser.texts, denoiser.blank), strict=True):
                self.chosen.append(chosen[start : start + len(text) + len(denoiser.frame.tail)])
            return chosen

        denoiser._chosen = noted
        return denoiser


@pytest.mark.parametrize("name", ["cond_partial_1", "uncond_allmask_0"])
def test_forward_logits(name):
    found = load_file(GOLDEN / "forward.safetensors")
    model = backbone(4.0).model
    with torch.no_grad():
        logits = model.head(model(found[f"{name}_ids"]))
    assert (logits - found[f"{name}_logits"]).abs().max() < 1e-5


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run['mode']}-{run['seed']}")
def test_every_token_and_every_cached_position(run):
    watched = Watched(backbone(run["guidance"]))
    masked, sums = [], []

    def on_step(view, take):
        masked.append((view.masked & ~take).flatten().nonzero()[:, 0].tolist())
        sums.append(view.predictions.marginals.logits.double().sum().item())

    noise = UpstreamGumbel(run["seed"])
    result = decode(
        watched,
        [run["prompt"]],
        Scheduled(schedule="fixed", noise=run["temperature"]),
        steps=run["steps"],
        noise=noise,
        temperature=run["temperature"],
        cache=MLCache(0.9, 5, 0.3, literal=True) if run["use_cache"] else None,
        on_step=on_step,
    )
    assert result.tokens[0].flatten().tolist() == run["codes"]
    assert masked == run["masked"]
    assert sums == pytest.approx(run["logits_sum"], abs=2e-3)
    assert torch.rand(4, generator=noise.generator).tolist() == run["uniform"]
    if run["use_cache"]:
        assert len(watched.chosen) == len(run["recomputed"])
        for chosen, wanted in zip(watched.chosen, run["recomputed"], strict=True):
            assert chosen.nonzero()[:, 0].tolist() == (wanted or list(range(len(chosen))))
