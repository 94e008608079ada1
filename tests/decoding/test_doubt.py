"""The doubt budget: what rides free, what decides, and what the two branches say."""

import math
from pathlib import Path

import pytest
import torch
import yaml

from ladr import MASK, LadrError, build, decode
from ladr.decoding.frontier import frontier
from ladr.decoding.policies import Doubt, FreeRiders, Scheduled, Unsure
from ladr.decoding.policies.doubt import affordable
from toy import ToyBackbone, ToyDenoiser

PROMPTS = ["red", "green", "blue", "a"]


class Guided(ToyBackbone):
    """A toy with two branches: guidance triples the logits of the conditional one."""

    def bind(self, prompts):
        return GuidedDenoiser(self, [sum(map(ord, p)) % 8 for p in prompts])


class GuidedDenoiser(ToyDenoiser):
    conditional = None

    def logits(self, tokens, rows, *, t=None, recompute=None):
        out = super().logits(tokens, rows, t=t, recompute=recompute)
        self.conditional = out[tokens == MASK]
        return 3 * out


def views(policy, backbone=None, steps=8, start=None):
    """Every (view, take) of a decode."""
    seen = []
    backbone = backbone or ToyBackbone((6, 5), sharpness=4.0)
    decode(
        backbone, PROMPTS, policy, steps=steps, batch_size=4, start=start,
        on_step=lambda view, take: seen.append((view, take)),
    )  # fmt: skip
    return seen


def test_the_two_named_settings_are_the_rows_of_the_experiment():
    rows = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8"))["samplers"]
    names = {"doubt": "doubt", "careful": "doubt_careful"}
    for name, row in names.items():
        own = {key: value for key, value in rows[row].items() if key not in ("label", "steps")}
        assert build(name) == build(own), name
        assert build(name).planned == rows[row]["steps"], name


def test_a_policy_plans_its_own_passes():
    backbone, prompts = ToyBackbone(), ["red"]
    for name, steps in {"careful": 20, "doubt": 16, "cosine": 64}.items():
        ours, theirs = decode(backbone, prompts, name), decode(backbone, prompts, name, steps=steps)
        assert torch.equal(ours.tokens, theirs.tokens)
        assert ours.trace.committed() == theirs.trace.committed()
    assert decode(backbone, prompts, "cosine", steps=3).trace.images[0].passes == 3


def test_the_longest_affordable_prefix_is_what_a_loop_takes():
    g = torch.Generator().manual_seed(1)
    doubts = (torch.rand(50, 4, 5, generator=g) ** 6 * 0.2).round(decimals=2)  # many ties
    pool = torch.rand(50, 4, 5, generator=g) < 0.7
    for budget in (0.0, 0.03, 0.1, 10.0):
        taken = affordable(doubts, pool, budget)
        for row in range(50):
            left, chosen = budget, torch.zeros(20, dtype=torch.bool)
            order = sorted(range(20), key=lambda c: (float(doubts[row].flatten()[c]), c))
            for cell in (c for c in order if pool[row].flatten()[c]):
                left -= float(doubts[row].flatten()[cell])
                if left < -1e-12:
                    break
                chosen[cell] = True
            assert torch.equal(taken[row].flatten(), chosen)


def test_what_rides_free_never_costs_more_than_the_budget_and_is_surer_than_what_waits():
    every = FreeRiders(0.2, likeliest=False)
    for view, take in views(every):
        doubts = 1 - view.top1
        riders = every(view).take
        paid = (doubts * riders).double().flatten(1).sum(1)
        assert bool((paid <= 0.2 + 1e-6).all())
        assert not (riders & ~(view.masked & take)).any()
        waits = view.masked & ~riders
        for row in range(len(paid)):
            if riders[row].any() and waits[row].any():
                assert doubts[row][riders[row]].max() <= doubts[row][waits[row]].min()
                assert paid[row] + doubts[row][waits[row]].min() > 0.2 - 1e-6


def test_the_branches_are_believed_where_there_are_two():
    guided, conditional, both = (
        FreeRiders(0.1, branch=name, likeliest=False) for name in ("guided", "conditional", "both")
    )
    (view, _), *_ = views(conditional, Guided(sharpness=1.5))
    assert guided(view).take.sum() > conditional(view).take.sum()
    doubts = 1 - view.conditional.top1
    assert float((doubts * conditional(view).take).flatten(1).sum(1).max()) <= 0.1
    (view, _), *_ = views(conditional)
    assert view.conditional is None
    for one in (conditional, both):
        assert torch.equal(guided(view).take, one(view).take)


class Wanted(Guided):
    """Guidance that makes every third code likelier than the conditional branch says, so sure cells doubt."""

    def bind(self, prompts):
        return WantedDenoiser(self, [sum(map(ord, p)) % 8 for p in prompts])


class WantedDenoiser(GuidedDenoiser):
    def logits(self, tokens, rows, *, t=None, recompute=None):
        out = super().logits(tokens, rows, t=t, recompute=recompute) / 3
        lift = torch.zeros(out.shape[-1])
        lift[::3] = 4.0
        return out + lift


def test_a_rider_must_be_sure_before_and_after_guidance():
    both = FreeRiders(0.5, likeliest=False)
    assert both.branch == "both"
    fewer = 0
    for view, _ in views(FreeRiders(0.5), Wanted((6, 5), sharpness=4.0)):
        larger = torch.maximum(1 - view.conditional.top1, 1 - view.top1)
        riders = both(view).take
        assert torch.equal(riders, affordable(larger, view.masked, 0.5))
        for branch in ("conditional", "guided"):
            alone = FreeRiders(0.5, branch=branch, likeliest=False)(view).take
            fewer += int(alone.sum() - riders.sum())
            assert int(riders.sum()) <= int(alone.sum())
    assert fewer


def test_cells_that_decide_are_unsure_before_guidance():
    assert Doubt().unsure.branch == "conditional"
    assert Doubt(branch="guided").unsure.branch == "guided"


def test_a_cell_that_drew_another_code_than_its_likeliest_waits():
    waited = 0
    for view, _ in views(FreeRiders(2.0), ToyBackbone((6, 5), sharpness=1.5)):
        unlikely = view.masked & (view.drawn != view.argmax)
        assert not (FreeRiders(2.0)(view).take & unlikely).any()
        waited += int((FreeRiders(2.0, likeliest=False)(view).take & unlikely).sum())
    assert waited
    assert Doubt(likeliest=False).parts.first.likeliest is False


def test_nothing_rides_before_its_time():
    late = FreeRiders(5.0, start=0.5, likeliest=False)
    for view, _ in views(Scheduled("fixed") | late):
        riders = late(view).take
        for row, t in enumerate(view.t.tolist()):
            assert bool(riders[row].any()) == (t >= 0.5)


def test_riders_on_the_frontier_touch_what_is_known():
    policy = Scheduled("inverse").then(FreeRiders(0.5, where="frontier"))
    for view, take in views(policy):
        after = view.after(Scheduled("inverse")(view))
        riders = FreeRiders(0.5, where="frontier")(after).take
        assert not (riders & ~frontier(after.masked)).any()
        assert torch.equal(take, riders | Scheduled("inverse")(view))


def test_independent_riders_are_not_adjacent():
    for view, _ in views(FreeRiders(2.0, where="independent")):
        take = FreeRiders(2.0, where="independent")(view).take
        assert not (take[:, 1:] & take[:, :-1]).any()
        assert not (take[:, :, 1:] & take[:, :, :-1]).any()


@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_so_many_unsure_cells_decide_as_the_rule_says(power):
    policy = Unsure(0.9, power=power)
    for view, take in views(Doubt(power=power), steps=6):
        unsure = view.masked & (view.top1 < 0.9)
        chosen = policy(view)
        for row, s in enumerate(view.step):
            n = int(unsure[row].sum())
            if s >= 5:
                assert torch.equal(chosen[row], view.masked[row])
            else:
                assert int(chosen[row].sum()) == min(n, max(1, math.ceil(n / (6 - s) ** power)))
                assert not (chosen[row] & ~unsure[row]).any()
        assert bool((take.flatten(1).sum(1) >= 1).all())


def test_sure_cells_that_cannot_be_afforded_wait():
    """Without the third rule they count as unsure, and are taken."""
    waited = 0
    for view, take in views(Doubt(budget=0.0, sure=0.7, noise=0.0), steps=20):
        sure = view.masked & (view.top1 >= 0.7) & (view.top1 < 1)
        if view.step[0] < 19 and bool((view.masked & (view.top1 < 0.7)).flatten(1).any(1).all()):
            assert not (take & sure).any()
            waited += int(sure.sum())
    assert waited
    all_count = [int((take & (view.top1 >= 0.7)).sum()) for view, take in views(Doubt(0.0, sure=1.0))]
    assert sum(all_count)


def test_the_unsure_cells_may_be_neighbours_spread_out_or_anywhere():
    start = torch.full((4, 6, 5), MASK)
    start[:, 2, 2] = 1
    for view, _ in views(Doubt(), start=start):
        unsure = view.masked & (view.top1 < 0.9)
        edge = unsure & frontier(view.masked)
        for_each = Unsure(power=1, where="frontier")(view)
        count = Unsure(power=1)(view).flatten(1).sum(1)
        for row, s in enumerate(view.step):
            if s < 7:
                inside = int((for_each & edge)[row].sum())
                assert inside == min(int(count[row]), int(edge[row].sum()))
        apart = Unsure(power=1, where="independent")(view)
        if max(view.step) < 7:
            assert not (apart[:, 1:] & apart[:, :-1]).any()
        shuffled = Unsure(power=1, rank="random")(view)
        assert torch.equal(shuffled.flatten(1).sum(1), count)


def test_the_parts_are_the_policy():
    """`doubt` is its parts composed, and joined with plain decoding it is the union of the two."""
    spelled = FreeRiders(0.1).then(Unsure(0.8, noise=0.3))
    a = decode(Guided(), PROMPTS, Doubt(0.1, sure=0.8, noise=0.3), steps=8).tokens
    assert torch.equal(a, decode(Guided(), PROMPTS, spelled, steps=8).tokens)
    joined = decode(Guided(), PROMPTS, Doubt(0.1, picks="scheduled", start=0.3), steps=8).tokens
    union = Scheduled("fixed") | FreeRiders(0.1, start=0.3)
    assert torch.equal(joined, decode(Guided(), PROMPTS, union, steps=8).tokens)


def test_sure_images_take_fewer_passes():
    passes = [
        decode(ToyBackbone(sharpness=s), PROMPTS, "doubt", steps=16).trace.images[0].passes
        for s in (1.0, 4.0, 40.0)
    ]
    assert passes[0] > passes[1] > passes[2]


def test_no_more_passes_than_the_steps_when_unsure_cells_decide():
    for steps in (1, 2, 5):
        for picks in ("unsure", "scheduled"):
            out = decode(ToyBackbone(), PROMPTS, Doubt(0.0, picks=picks), steps=steps)
            assert max(image.passes for image in out.trace.images) <= steps


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"policy": "doubt", "budget": -1}, "budget: -1"),
        ({"policy": "doubt", "sure": 1.5}, "sure: 1.5"),
        ({"policy": "doubt", "power": 0.5}, "power: 0.5"),
        ({"policy": "doubt", "branch": "conditionl"}, "did you mean 'conditional'"),
        ({"policy": "doubt", "picks": "few"}, "picks: 'few'"),
        ({"policy": "doubt", "rank": "best"}, "rank: 'best'"),
        ({"policy": "doubt", "picks": "scheduled", "where": "frontier"}, "where: 'frontier'"),
        ({"policy": "free_riders", "start": 2}, "start: 2"),
        ({"policy": "unsure", "where": "here"}, "where: 'here'"),
    ],
)
def test_bad_fields_name_the_field_and_the_value(spec, message):
    with pytest.raises(LadrError, match=message):
        build(spec)
