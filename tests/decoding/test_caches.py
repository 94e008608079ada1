"""When a cache asks for a full pass, and what the network recomputes otherwise."""

import pytest
import torch

from ladr.backbones.exact.mixture import Mixture
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.random.blank import random_checkpoint
from ladr.base.errors import LadrError
from ladr.decoding.caches import (
    CACHES,
    BranchCache,
    DelayedCache,
    GuidanceRamp,
    MLCache,
    Recompute,
    StaleCache,
    cache,
)
from ladr.decoding.loop import decode
from ladr.decoding.policies import LADR, POLICIES, Scheduled, build
from ladr.decoding.view import MASK
from staying import Staying
from toy import knowing

COSINE = Scheduled(schedule="fixed")
PROMPTS = ["a red circle", "two blue square on the left of one green circle"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("caches"), parts=1)


def asked(folder, given, policy=COSINE, steps=16, **settings):
    """Every plan of a decode with the cache `given`, and the result."""
    plans = []

    def watched(view):
        plans.append(given(view))
        return plans[-1]

    result = decode(DiMOO.from_pretrained(folder, **settings), PROMPTS, policy, steps=steps, cache=watched)
    return plans, result


def full_steps(plans, row=0):
    return [s for s, plan in enumerate(plans) if plan.full is None or bool(plan.full[row])]


def test_literal_full_passes_are_the_references(folder):
    plans, _ = asked(folder, MLCache(literal=True))
    assert full_steps(plans) == [0, 1, 2, 3, 4, 9, 14]
    assert not any(plan.changed for plan in plans)
    plans, _ = asked(folder, MLCache(literal=True), steps=64)
    assert full_steps(plans) == [*range(20), *range(24, 64, 5)][: len(full_steps(plans))]


def test_a_literal_cache_never_wakes_up_for_few_passes_and_ours_does(folder):
    _, literal = asked(folder, MLCache(literal=True), LADR(), steps=64)
    _, ours = asked(folder, MLCache(), LADR(), steps=64)
    for trace in literal.trace.images:
        assert trace.equivalents == trace.passes
    for trace in ours.trace.images:
        late = [cost for cost, masked in zip(trace.cost, trace.masked, strict=True) if masked < 50]
        assert min(late) < 1


def test_warm_up_is_read_off_each_images_own_time(folder):
    plans, result = asked(folder, MLCache(warmup=0.5, refresh=100))
    for row, trace in enumerate(result.trace.images):
        early = [s for s, masked in enumerate(trace.masked) if s and trace.masked[s - 1] > 64 * 0.7072]
        assert full_steps(plans, row) == [0, *early]


def test_pass_equivalents_are_what_the_ratio_says(folder):
    plans, result = asked(folder, MLCache(ratio=0.75, literal=True))
    for trace in result.trace.images:
        for s, cost in enumerate(trace.cost):
            assert cost == 1 if s in full_steps(plans) else 0.24 < cost < 0.28


def test_just_committed_places_are_recomputed(folder):
    tokens = torch.full((1, 8, 8), MASK)
    row, some = torch.tensor([0]), torch.zeros(1, dtype=torch.bool)
    for changed in (True, False):
        denoiser = DiMOO.from_pretrained(folder).bind(["a red circle"])
        denoiser.logits(tokens, row, recompute=Recompute())
        # The two cells with the highest peaks: a share of the lowest never reaches them.
        peak = denoiser.cached.peak[denoiser.pack.cells].sum(0)
        top = peak.topk(2).indices
        after = tokens.flatten(1).index_fill(1, top, 3).view_as(tokens)
        denoiser.logits(after, row, recompute=Recompute(some, 0.1, changed))
        seen = denoiser.cached.ids[denoiser.pack.cells[:, top]]
        assert (seen == 128 + 3).all() if changed else (seen == 116).any()


def test_a_full_plan_equals_no_cache(folder):
    plain = decode(DiMOO.from_pretrained(folder), PROMPTS, COSINE, steps=12)
    always = decode(DiMOO.from_pretrained(folder), PROMPTS, COSINE, steps=12, cache=lambda view: Recompute())
    assert torch.equal(plain.tokens, always.tokens)
    assert all(trace.equivalents == trace.passes for trace in always.trace.images)


def test_the_branch_cache_halves_the_other_passes(folder):
    _, result = asked(folder, BranchCache(every=4, warmup=0.0))
    for trace in result.trace.images:
        wanted = [1.0] + [1.0 if s % 4 == 0 else 0.5 for s in range(1, trace.passes)]
        assert [round(cost, 1) for cost in trace.cost] == wanted


def test_the_branch_cache_reuses_the_difference(folder):
    tokens = torch.full((2, 8, 8), MASK)
    tokens[:, 0] = 3
    rows, none = torch.tensor([0, 1]), torch.tensor([False, False])
    denoiser = DiMOO.from_pretrained(folder, guidance=2.0).bind(PROMPTS)
    first = denoiser.logits(tokens, rows, recompute=Recompute())
    cond = denoiser.conditional
    second = denoiser.logits(tokens, rows, recompute=Recompute(uncond=torch.tensor([True, True])))
    assert torch.allclose(first, second, atol=1e-4)
    third = denoiser.logits(tokens, rows, recompute=Recompute(uncond=none))
    assert torch.allclose(third, second, atol=1e-4)
    after = tokens.clone()
    after[:, 1] = 9
    fourth = denoiser.logits(after, rows, recompute=Recompute(uncond=none))
    still = (after == MASK)[tokens == MASK]
    gap = (first - cond)[still]
    assert torch.allclose(fourth, denoiser.conditional + gap, atol=1e-4)


@pytest.mark.parametrize("given", [MLCache(), MLCache(literal=True), MLCache(branch_every=2), BranchCache()])
def test_caches_work_without_guidance(folder, given):
    _, result = asked(folder, given, guidance=0.0)
    assert (result.tokens >= 0).all()


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("mlc", {}, "cache: 'mlc' is not known .did you mean 'ml'"),
        ("ml", {"ratoi": 0.9}, r"cache\.ratoi: 'ml' has no such field .did you mean 'ratio'"),
        ("ml", {"ratio": 1.5}, r"cache\.ratio: 1\.5 is not allowed; a number from 0 to 1"),
        ("ml", {"refresh": 0}, r"cache\.refresh: 0 is not allowed; a whole number from 1"),
        ("branch", {"every": 1.5}, r"cache\.every: 1\.5 is not allowed"),
    ],
)
def test_bad_fields_are_named(name, fields, says):
    with pytest.raises(LadrError, match=says):
        cache(name, **fields)
    assert cache("ml", ratio=0.8) == MLCache(ratio=0.8)


def test_a_delayed_cache_recomputes_what_is_masked_and_what_was_just_committed(folder):
    plans, result = asked(folder, DelayedCache(refresh=4))
    assert full_steps(plans) == [0, 4, 8, 12]
    for s, plan in enumerate(plans[1:], 1):
        if s not in full_steps(plans):
            for row, trace in enumerate(result.trace.images):
                assert int(plan.cells[row].sum()) == trace.masked[s - 1]
                assert trace.cost[s] < 1
    costs = [trace.cost[s] for trace in result.trace.images for s in (5, 9, 13)]
    assert costs == sorted(costs[:3], reverse=True) + sorted(costs[3:], reverse=True)


def test_stale_passes_cost_nothing_and_see_the_answer_of_the_pass_before(folder):
    seen = []
    model = DiMOO.from_pretrained(folder)
    result = decode(
        model, PROMPTS, COSINE, steps=8, cache=StaleCache(every=3),
        on_step=lambda view, _: seen.append((view.masked, view.top1)),
    )  # fmt: skip
    for trace in result.trace.images:
        assert [cost > 0 for cost in trace.cost] == [s % 3 == 0 for s in range(len(trace.cost))]
    for s, (masked, top1) in enumerate(seen[1:], 1):
        before = seen[s - 1][1]
        assert torch.equal(top1[masked], before[masked]) == (s % 3 != 0)


def test_a_guidance_ramp_scales_the_guidance_and_spares_the_branch_at_zero(folder):
    flat, result = asked(folder, GuidanceRamp(1.0, 1.0))
    plain = decode(DiMOO.from_pretrained(folder), PROMPTS, COSINE, steps=16)
    assert torch.equal(result.tokens, plain.tokens)
    assert all(bool(plan.uncond.all()) for plan in flat)
    plans, down = asked(folder, GuidanceRamp(1.0, 0.0, start=0.2, end=0.6))
    strengths = [float(plan.strength[0]) for plan in plans]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] == 1
    assert strengths[-1] == 0
    for trace in down.trace.images:
        costs = [cost for cost, strength in zip(trace.cost, strengths, strict=True) if strength == 0]
        assert costs
        assert max(costs) == 0.5
    _, grown = asked(folder, GuidanceRamp(0.0, 1.0))
    assert all(trace.cost[:2] == [1, 0.5] for trace in grown.trace.images)  # the first pass runs both anyway
    _, off = asked(folder, GuidanceRamp(0.0, 0.0))
    unguided = decode(DiMOO.from_pretrained(folder, guidance=0.0), PROMPTS, COSINE, steps=16)
    assert torch.equal(off.tokens, unguided.tokens)


def test_the_exact_mixture_follows_a_guidance_ramp():
    settings = {"scenes": 8, "cache": False}
    off = decode(Mixture(guidance=3.0, **settings), PROMPTS, COSINE, steps=6, cache=GuidanceRamp(0.0, 0.0))
    unguided = decode(Mixture(**settings), PROMPTS, COSINE, steps=6)
    assert torch.equal(off.tokens, unguided.tokens)
    ramp = decode(Mixture(guidance=3.0, **settings), PROMPTS, COSINE, steps=6, cache=GuidanceRamp(0.0, 1.0))
    assert not torch.equal(off.tokens, ramp.tokens)


# Where 24 of 64 cells are known, this guidance is still 0 in most second passes, and then grows.
EVERY = {name: cache(name) for name in sorted(CACHES)}
EVERY["ml-literal"] = MLCache(literal=True)
EVERY["ramp-growing"] = GuidanceRamp(0.0, 1.0, start=0.65, end=0.9)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_policy_with_every_cache_ends_keeps_what_is_known_and_does_not_depend_on_the_batch(
    folder, policy, name
):
    prompts = [*PROMPTS, "a green square"]
    start = torch.full((3, 8, 8), MASK)
    start[:, 2:5] = torch.arange(24).view(3, 8)
    start[2, 1:] = 5  # so that its second try begins before the others'
    model = DiMOO.from_pretrained(folder)
    kind = build(policy)
    spec = {"policy": policy} | ({"share": 0.2} if kind.masks_again else {})
    steps = 32 if kind.whole else 4  # of this network's pictures `careful` needs 16 for each of its two tries
    options = {"steps": steps, "start": start, "cache": EVERY[name]}
    ready = knowing(spec, lambda slow: decode(model, prompts, slow, seeds=[0, 1, 2], **options))
    staying = Staying(ready, start)
    whole = decode(model, prompts, ready, seeds=[0, 1, 2], on_step=staying, **options)
    staying.end(whole.tokens)
    assert staying.kept
    assert bool(staying.dropped) == kind.masks_again
    assert bool(staying.begun) == kind.whole
    assert torch.equal(whole.tokens[start != MASK], start[start != MASK])
    assert bool((whole.tokens >= 0).all())
    order = [2, 0, 1]
    options["start"] = start[order]
    prompts = [prompts[i] for i in order]
    ready = knowing(spec, lambda slow: decode(model, prompts, slow, seeds=order, **options))
    parts = decode(model, prompts, ready, seeds=order, batch_size=2, **options)
    assert torch.equal(parts.tokens, whole.tokens[order])
    assert [image.cost for image in parts.trace.images] == [whole.trace.images[i].cost for i in order]


@pytest.mark.parametrize(
    "given", [BranchCache(every=9, warmup=0.0), MLCache(branch_every=9, refresh=9, warmup=0.0)]
)
def test_the_difference_that_is_reused_is_that_of_one_and_the_same_pass(folder, given):
    """The second pass has new conditional logits only; the difference is still that of the first."""
    model = DiMOO.from_pretrained(folder, guidance=2.0)
    denoiser = model.bind(PROMPTS[:1])
    tokens, row = torch.full((1, 8, 8), MASK), torch.tensor([0])
    first = denoiser.logits(tokens, row, recompute=given(None))
    gap = first - denoiser.conditional
    after = tokens.clone()
    after[:, :2] = 9
    plan = Recompute(
        None if isinstance(given, BranchCache) else torch.tensor([True]), uncond=torch.tensor([False])
    )
    second = denoiser.logits(after, row, recompute=plan)
    assert torch.allclose(second, denoiser.conditional + gap[16:], atol=1e-4)
