"""Cells that hardly look at each other: the graph, the walk over it, and the attention that it is made of."""

import math

import pytest
import torch

from ladr import LadrError, build, decode
from ladr.backbones.exact.mixture import Mixture
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.random.blank import random_checkpoint
from ladr.decoding.caches import CACHES, cache
from ladr.decoding.policies.uncoupled import apart, coupled
from ladr.decoding.view import MASK
from toy import ToyBackbone

PROMPTS = ["a red circle", "two squares on a circle"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    words = ("a", "red", "two", "circle", "squares", "on")
    return random_checkpoint(tmp_path_factory.mktemp("lumina"), words=words)


def test_an_edge_is_a_pair_that_looks_at_each_other_more_than_evenly():
    among = torch.tensor([[0.5, 0.3, 0.1], [0.3, 0.2, 0.1], [0.1, 0.1, 0.4]])
    # 0 looks at 1 with .3 and at 2 with .1, .2 on average; so does 1 at 0 and 2; 2 looks at both evenly.
    expected = torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    assert torch.equal(coupled(among, 1.0), expected)
    assert coupled(among, 0.0).sum() == 6, "every pair, nothing with itself"
    assert not coupled(among, 100.0).any()
    assert not coupled(torch.zeros(3, 3), 0.0).any()
    assert coupled(torch.ones(1, 1), 0.0).tolist() == [[False]]


def walked(worth, near):
    """The same set, cell by cell."""
    taken, free = torch.zeros_like(worth, dtype=torch.bool), torch.ones_like(worth, dtype=torch.bool)
    for cell in worth.argsort(descending=True).tolist():
        if free[cell]:
            taken[cell], free[cell] = True, False
            free &= ~near[cell]
    return taken


@pytest.mark.parametrize("density", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("n", [0, 1, 40])
def test_the_set_is_that_of_a_walk_by_worth(n, density):
    generator = torch.Generator().manual_seed(int(100 * density))
    worth = -torch.randperm(n, generator=generator).float()
    near = torch.rand(n, n, generator=generator) < density
    near = (near | near.T).fill_diagonal_(False)
    taken = apart(worth, near)
    assert torch.equal(taken, walked(worth, near))
    assert not near[taken][:, taken].any()


def test_what_is_committed_are_sure_cells_and_a_walk_over_the_others():
    backbone, seen = ToyBackbone(), []
    policy = build({"policy": "uncoupled", "coupling": 1.5, "sure": 0.6})
    decode(backbone, PROMPTS, policy, on_step=lambda view, take: seen.append((view, take)))
    assert any(bool((view.masked & (view.top1 >= 0.6)).any()) for view, _ in seen)
    for view, take in seen:
        sure = view.masked & (view.top1 >= 0.6)
        for row in range(len(take)):
            cells = view.masked[row].flatten().nonzero()[:, 0]
            near = coupled(view.attention[row][cells][:, cells], 1.5)
            order = sorted(range(len(cells)), key=lambda i: -float(view.drawn_prob[row].flatten()[cells[i]]))
            expected, blocked = set(), set()
            for i in order:
                if bool(sure[row].flatten()[cells[i]]):
                    expected.add(int(cells[i]))
                elif i not in blocked:
                    expected.add(int(cells[i]))
                    blocked |= set(near[i].nonzero()[:, 0].tolist())
            assert set(take[row].flatten().nonzero()[:, 0].tolist()) == expected


def test_the_coupling_says_how_many_passes_it_takes():
    def passes(**fields):
        policy = build({"policy": "uncoupled", **fields})
        return decode(ToyBackbone(), PROMPTS, policy).trace.images[0].passes

    assert passes(coupling=0.0) == 30, "one cell at a time"
    assert passes(coupling=1e9) == 1
    assert 2 < passes(coupling=2.0) < passes(coupling=1.0) < 30
    assert passes(coupling=0.0, sure=0.5) < 30


def alone(model, prompt, tokens):
    """(N, N) by hand: the last layer's attention of masked cells in the conditional sequence."""
    denoiser = model.bind([prompt])
    denoiser.lay_out([0])
    pack, seen = denoiser.pack, []
    codes = torch.where(tokens == MASK, denoiser.frame.mask, tokens + denoiser.frame.image_offset).flatten(1)
    ids = pack.fill(codes.repeat(denoiser.branches, 1))
    with torch.no_grad():
        model.model.run(ids, denoiser.turn, denoiser.full, watch=lambda q, k: seen.append((q, k)))
    q, k = seen[0]
    start, length = pack.starts[0], dict(zip(pack.order, pack.lengths, strict=True))[0]
    q, k = (part[start : start + length].transpose(0, 1) for part in (q, k))
    looks = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(-1).mean(0)
    cells = pack.cells[0] - start
    return looks[cells][:, cells] * (tokens == MASK).flatten()[:, None]


@pytest.mark.parametrize("guidance", [0.0, 2.0])
@pytest.mark.parametrize("name", [None, *sorted(CACHES)])
def test_the_attention_is_that_of_the_last_layer_before_guidance(folder, guidance, name):
    model = DiMOO.from_pretrained(folder, guidance=guidance)
    start = torch.full((2, 8, 8), MASK)
    start[1, :, :5] = torch.arange(40).view(8, 5) % 64
    seen = []

    def watch(view, take):
        seen.append((view.images, view.tokens, view.attention))

    options = {"steps": 8, "start": start, "cache": cache(name) if name else None}
    decode(model, PROMPTS, {"policy": "uncoupled", "coupling": 0.9}, on_step=watch, **options)
    anew = name in (None, "branch", "ramp")  # the others know older keys and queries after the first pass
    for images, tokens, attention in seen if anew else seen[:1]:
        for row, image in enumerate(images):
            own = alone(model, PROMPTS[image], tokens[row : row + 1])
            assert torch.allclose(attention[row], own, atol=1e-6)
    assert len(seen) > 1
    for _, tokens, attention in seen:
        sums = attention.sum(2)
        assert bool((sums[(tokens != MASK).flatten(1)] == 0).all())
        assert bool((sums[(tokens == MASK).flatten(1)] > 0).all())
        assert bool((sums <= 1 + 1e-5).all()), "the rest of a row goes to the text"


def test_compiled_layers_tell_the_same(folder):
    plain, compiled = (DiMOO.from_pretrained(folder, compile=c) for c in (False, True))
    policy = {"policy": "uncoupled", "coupling": 0.9}
    one, two = (decode(model, PROMPTS, policy) for model in (plain, compiled))
    assert torch.equal(one.tokens, two.tokens)
    assert one.trace.committed() == two.trace.committed()


def test_a_backbone_that_tells_no_attention_is_named():
    with pytest.raises(LadrError, match=r"backbone \w+ tells no attention between cells"):
        decode(Mixture(scenes=8, cache=False), ["a red circle"], "uncoupled")


def test_it_may_be_a_part_of_another():
    both = build({"policy": "union", "first": {"policy": "cosine"}, "second": {"policy": "uncoupled"}})
    assert both.attends
    assert not build("cosine").attends
    out = decode(ToyBackbone(), PROMPTS, both, steps=8)
    assert out.trace.images[0].passes <= 8
