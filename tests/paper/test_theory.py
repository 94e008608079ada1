"""The paper's theory on exact models, and the likelihoods that the KL rests on, against enumeration."""

import json
import math
import re
from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from ladr.backbones.exact.field import Field
from ladr.base.errors import LadrError
from ladr.cli import theory as commands
from ladr.decoding.loop import decode
from ladr.decoding.noise import derived
from ladr.decoding.policies import LADR, build
from ladr.paper.theory import (
    divergence,
    parts,
    proposition1,
    proposition2,
    report,
    selection,
    teacher,
    theorem1,
)

EXACT = {
    "halton": build("halton"),
    "top1": teacher.counterpart(build("cosine")),
    "ladr": LADR(select="top1", noise=0),
    "independent": LADR(select="top1", noise=0, where="independent", thin=True),
    "entropy bound": build({"policy": "entropy_bound", "bound": 1.0, "schedule": "none"}),
}
DRAWN = {
    "cosine": build("cosine"),
    "ladr": LADR(phases={"all": {"until": 1.0, "alpha": 0.5, "tau": 0.0}}),
    "maskgit": build("maskgit"),
}
SMALL = Field((2, 3), 2, coupling=0.9, external=0.7, seed=3)


def all_grids(grid, K):
    return torch.tensor(list(product(range(K), repeat=grid[0] * grid[1]))).view(-1, *grid)


def log_q(policy, x, steps, paths=1, backbone=SMALL):
    """(n,paths): log q of each grid along each path."""
    many = x.repeat_interleave(paths, 0)
    forced = teacher.likelihood(backbone, [""] * len(many), policy, many, steps=steps, seeds=range(len(many)))
    return -forced.nll.view(-1, paths), forced


# --- Theorem 1 ---


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=12), st.floats(0, 0.9))
@settings(max_examples=200, deadline=None)
def test_the_correct_bound_holds_for_every_distribution(weights, tau):
    p = np.sort(np.array(weights) / sum(weights))[::-1]
    p = (1 - tau) * p + tau * (np.arange(len(p)) == 0)  # raises the gap to at least tau
    assert p[0] - p[1] >= tau - 1e-12
    assert 1 - p[0] <= theorem1.correct_bound(len(p), tau) + 1e-12


@pytest.mark.parametrize(("K", "tau"), [(2, 0.05), (3, 0.05), (4, 0.3), (16, 0.05), (64, 0.5)])
def test_linear_programme_and_equality_case_give_the_correct_bound_not_the_printed_one(K, tau):
    worst = theorem1.worst_case(K, tau)
    assert worst.sum() == pytest.approx(1)
    assert np.all(worst[0] - worst[1:] >= tau - 1e-12)
    assert 1 - worst[0] == pytest.approx(theorem1.correct_bound(K, tau))
    assert theorem1.worst_error(K, tau) == pytest.approx(theorem1.correct_bound(K, tau), abs=1e-8)
    exceeded = theorem1.worst_error(K, tau) > theorem1.printed_bound(tau) + 1e-6
    assert exceeded == (K > 2)


def test_exact_fields_break_the_printed_bound_and_keep_the_correct_one():
    row = theorem1.on_field(Field((4, 4), 3, coupling=0.3).truth(), samples=100, seed=0)
    assert row["breaks_printed"] > 0.3
    assert row["breaks_correct"] == 0


# --- Proposition 1 and its Remark ---


def test_locality_equals_enumeration():
    truth = Field((4, 4), 2, coupling=0.7, external=0.5).truth()
    x = all_grids((4, 4), 2)
    p = truth.log_prob(x).exp()
    cell = x[:, 1, 1]
    near = torch.tensor([[0, 0], [0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1], [2, 2]])
    key = (x[:, near[:, 0], near[:, 1]] * 2 ** torch.arange(8)).sum(1)
    joint = torch.zeros(256, 2, dtype=p.dtype).index_put_((key, cell), p, accumulate=True)
    exact = (joint * (joint / joint.sum(1, keepdim=True) / joint.sum(0)).log()).sum()
    given_none = torch.zeros(800, 4, 4, dtype=torch.bool)
    i, ring = given_none.clone(), given_none.clone()
    i[:, 1, 1], ring[:, :3, :3] = True, True
    drawn = truth.sample(torch.rand(800, 4, 4, generator=torch.Generator().manual_seed(0)))
    before = proposition1._at(truth, drawn, given_none, i)
    mean, se = proposition1.mean_se(proposition1._kl(proposition1._at(truth, drawn, ring & ~i, i), before))
    assert abs(mean - exact) < 4 * se
    assert se < 0.1 * mean


def test_neighbours_dominate_at_weak_coupling_and_not_in_an_ordered_field():
    weak = proposition1.locality(Field((6, 6), 3, coupling=0.3).truth(), observed=3, samples=60, seed=0)
    assert weak["near"] > 100 * weak["far"] > 0
    ordered = Field((6, 6), 3, coupling=2.5, external=0.0).truth()
    strong = proposition1.locality(ordered, observed=0, samples=60, seed=0)
    assert strong["near"] >= strong["far"] - 3 * (strong["near_se"] + strong["far_se"])
    assert strong["ratio"] < 1.02


def test_the_remark_is_backwards_frontier_cells_tell_less_and_are_surer():
    rows = proposition1.frontier_gain(Field((6, 6), 3, coupling=0.9).truth(), 2, samples=150, seed=0)
    marginal, _, own = rows
    assert marginal["reading"] == "marginal"
    assert marginal["difference"] < -3 * marginal["se"]
    assert own["difference"] < -2 * own["se"]


def test_without_coupling_no_cell_tells_anything():
    truth = Field((6, 6), 3, coupling=0.0).truth()
    for row in proposition1.frontier_gain(truth, 2, samples=20, seed=0)[:2]:
        assert abs(row["frontier"]) + abs(row["isolated"]) < 1e-9
    assert abs(proposition1.locality(truth, 2, samples=20, seed=0)["near"]) < 1e-9


# --- Proposition 2 ---


def test_the_time_told_is_on_the_curve_and_a_step_counter_is_not():
    backbone = Field((8, 8), 2, coupling=0.5)
    ladr = proposition2.on_the_curve(backbone, LADR(), 24, images=3)
    assert ladr["told"] < 1e-6  # float32 time
    assert ladr["counter"] > 0.5
    plain = proposition2.on_the_curve(backbone, build("cosine"), 24, images=3)
    assert plain["passes"] == 24
    assert plain["counter"] < 0.05
    assert ladr["outline"] < 0.9 < plain["outline"]


def test_outline_tells_pieces_from_dust():
    uniform = torch.rand(4000, 6, 6, generator=torch.Generator().manual_seed(0)) < 0.4
    assert proposition2.outline(uniform).nanmean() == pytest.approx(1, abs=0.01)
    half = torch.arange(6)[None, :, None].expand(1, 6, 6) < 3
    board = (torch.arange(6)[:, None] + torch.arange(6))[None] % 2 == 0
    assert proposition2.outline(half) < 0.5 < 1.5 < proposition2.outline(board)


@pytest.mark.parametrize(
    ("cells", "steps", "passes"), [(16, 64, 16), (256, 64, 54), (4096, 64, 63), (36, 16, 13)]
)
def test_floor_makes_the_inverse_schedule_run_ahead(cells, steps, passes):
    assert proposition2.drift(cells, steps) == passes


# --- likelihoods and KL ---


@pytest.mark.parametrize("name", EXACT)
def test_a_choose_then_sample_likelihood_is_a_distribution_and_gives_the_kl(name):
    truth, x = SMALL.truth(), all_grids(SMALL.grid, 2)
    q, forced = log_q(EXACT[name], x, steps=3)
    p = truth.log_prob(x)
    assert forced.reads == "nothing random"
    assert float(q.exp().sum()) == pytest.approx(1, abs=1e-5)
    exact = float((p.exp() * (p - q[:, 0])).sum())
    assert exact > 0.005
    by_entropy = float((p.exp() * forced.entropy).sum() - truth.entropy())
    assert by_entropy == pytest.approx(exact, abs=1e-5)
    row = divergence.kl(SMALL, EXACT[name], 3, 400, seed=0)
    assert row["kind"] == "exact"
    assert abs(row["kl"] - exact) < 4 * row["se"]


@pytest.mark.parametrize("name", DRAWN)
def test_the_likelihood_of_a_rule_that_ranks_by_drawn_tokens_matches_its_decodes(name):
    x, n = all_grids(SMALL.grid, 2), 3000
    q, forced = log_q(DRAWN[name], x, steps=3, paths=30)
    assert forced.reads == "drawn tokens"
    q, se = q.exp().mean(1), q.exp().std(1) / 30**0.5
    assert float(q.sum()) == pytest.approx(1, abs=4 * float(se.square().sum().sqrt()))
    done = decode(SMALL, [""] * n, DRAWN[name], steps=3, seeds=range(n), batch_size=1000)
    key = (done.tokens.flatten(1) * 2 ** torch.arange(5, -1, -1)).sum(1)
    share = torch.bincount(key, minlength=len(x)) / n
    z = (share - q) / (se.square() + q / n).sqrt()
    assert float(z.square().mean()) < 1.6
    p = SMALL.truth().log_prob(x).exp()
    assert float(((share - p).square() / (p / n)).mean()) > 2.5  # and the truth itself would not match


def test_one_cell_per_pass_samples_the_truth():
    x = SMALL.truth().sample(torch.rand(20, 2, 3, generator=torch.Generator().manual_seed(0)))
    for order in ("raster", "random"):
        q, forced = log_q(build(order), x, steps=60)
        assert forced.passes.tolist() == [6] * 20
        assert torch.allclose(q[:, 0], SMALL.truth().log_prob(x), atol=1e-4)


def test_kl_falls_with_passes_and_spreading_out_helps():
    backbone = Field((5, 5), 3, coupling=0.9)
    order = {name: build({"policy": name, "schedule": "fixed"}) for name in ("halton", "raster")}
    few, many = (divergence.kl(backbone, order["raster"], steps, 64, seed=0) for steps in (3, 8))
    assert few["kl"] > many["kl"] + 3 * (few["se"] + many["se"])
    halton = divergence.kl(backbone, order["halton"], 3, 64, seed=0)
    assert halton["kl"] + 3 * (halton["se"] + few["se"]) < few["kl"]


def test_more_paths_lower_the_bound_of_a_random_rule():
    backbone = Field((4, 4), 3, coupling=0.9)
    one, many = (divergence.kl(backbone, build("random"), 3, 64, seed=0, paths=m) for m in (1, 16))
    assert one["kind"] == many["kind"] == "upper bound"
    assert many["kl"] < one["kl"] - 0.1
    assert many["kl"] > -3 * many["se"]


def test_bits_per_token_of_independent_cells_are_those_of_the_truth_under_any_rule():
    backbone = Field((3, 4), 3, coupling=0.0)
    x = backbone.truth().sample(torch.rand(6, 3, 4, generator=torch.Generator().manual_seed(0)))
    expected = -backbone.truth().log_prob(x) / 12 / np.log(2)
    for policy in (build("halton"), EXACT["ladr"]):
        rows = teacher.bits_per_token(backbone, [""] * 6, policy, x, steps=4)
        assert [r["bits_per_token"] for r in rows] == pytest.approx(expected.tolist(), abs=1e-5)
        assert all(r["passes"] <= 4 for r in rows)


@pytest.mark.parametrize(
    "policy",
    [LADR(thin=True), LADR(token="argmax", select="top1", noise=0), LADR(literal=True), build("threshold")],
)
def test_rules_without_a_tractable_likelihood_are_refused(policy):
    x = torch.zeros(8, 3, 4, dtype=torch.int64)
    with pytest.raises(LadrError, match=r"counterpart|no likelihood"):
        teacher.likelihood(Field((3, 4), 3), [""] * 8, policy, x, steps=4, seeds=range(8))


def test_bits_per_token_wants_a_counterpart_where_the_rule_reads_drawn_tokens():
    backbone, x = Field((3, 4), 3), torch.zeros(8, 3, 4, dtype=torch.int64)
    with pytest.raises(LadrError, match="counterpart"):
        teacher.bits_per_token(backbone, [""] * 8, LADR(), x, steps=4)
    assert teacher.bits_per_token(backbone, [""] * 8, teacher.counterpart(LADR()), x, steps=4)


@pytest.mark.parametrize("noise", [0.5, 1.0, 4.5])
def test_the_weight_of_a_choice_equals_its_frequency(noise):
    stream = torch.Generator().manual_seed(0)
    log_p = torch.randn(1, 1, 5, 3, generator=stream, dtype=torch.float64).log_softmax(-1)
    masked = torch.tensor([[[False, True, True, True, True]]])
    chosen = torch.tensor([[[False, True, False, False, True]]])
    rescued = torch.tensor([[[False, False, True, False, False]]])
    drawn = torch.tensor([[[0, 2, 1, 0, 1]]])
    n = 400_000
    uniform = torch.rand(n, 5, generator=stream, dtype=torch.float64)
    fresh = (log_p[0, 0].exp().cumsum(-1) <= uniform[..., None]).sum(-1).clamp_max(2)
    gumbel = -(-torch.rand(n, 5, generator=stream, dtype=torch.float64).log()).log()

    def frequency(codes):
        score = log_p[0, 0].expand(n, -1, -1).gather(2, codes[..., None])[..., 0] + noise * gumbel
        best = score.masked_fill(~masked[0, 0], -torch.inf).topk(2, 1).indices.sort(1).values
        return (best == torch.tensor([1, 4])).all(1).double().mean()

    kept = frequency(torch.where((chosen | rescued)[0, 0], drawn[0, 0], fresh))
    known = frequency(drawn[0, 0].expand(n, -1))
    scale = torch.full((1, 1, 1, 1), noise, dtype=torch.float64)
    weight = selection.log_weight(log_p, drawn, chosen, rescued, masked, scale)
    error = ((1 - kept) / kept / n + (1 - known) / known / n).sqrt()
    assert abs(float(weight - (kept / known).log())) < 4 * float(error)


def test_control_variates_remove_variance_without_moving_the_mean():
    stream = torch.Generator().manual_seed(0)
    zero = torch.randn(4000, 2, generator=stream, dtype=torch.float64)
    noise = torch.randn(4000, generator=stream, dtype=torch.float64)
    adjusted = divergence.adjusted(3 + zero @ torch.tensor([2.0, -1.0]).double() + 0.1 * noise, zero)
    assert float(adjusted.mean()) == pytest.approx(3, abs=0.01)
    assert float(adjusted.std()) == pytest.approx(0.1, abs=0.01)


def test_drawn_token_ranking_samples_colder_than_the_truth():
    backbone = Field((4, 4), 3, coupling=0.9)
    drawn = divergence.fidelity(backbone, build({"policy": "cosine", "noise": 0}), 4, 200, 0)
    assert drawn["likelier"] > 5 * drawn["likelier_se"]
    assert drawn["agreement"] > 3 * drawn["agreement_se"]
    one_by_one = divergence.fidelity(backbone, build("raster"), 300, 200, 0)
    assert abs(one_by_one["likelier"]) < 4 * one_by_one["likelier_se"]


# --- the doubt budget's parts ---


def test_each_part_of_the_doubt_budget_is_changed_alone():
    size = parts.SMALL[0]
    policies = {rule.name: rule.policy.spec for rule in parts.compared(size) + parts.alone(size)}
    base = policies[parts.CONFIDENT]
    changes = {
        "doubt, Halton, power 2": {"rank": "halton"},
        "doubt, independent, power 2": {"where": "independent"},
        "doubt, top-1, power 1": {"power": 1},
        "doubt, top-1, power 2, no riders": {"budget": 0.0},
        parts.SPREAD: {"rank": "halton", "power": 1},
    }
    assert {name: policies[name] for name in changes} == {name: base | own for name, own in changes.items()}


def test_the_verdict_counts_fields_where_a_rule_is_below_every_opponent_by_two_errors():
    quick = parts.rows(quick=True)
    assert [row["size"] for row in quick] == ["4x4"] * 15
    assert {row["kind"] for row in quick} == {"exact"}
    values = dict.fromkeys(("cosine, top-1", "LADR, top-1", "entropy bound 3", parts.CONFIDENT), 2.0)
    made = [
        {"size": size, "coupling": 0.9, "rule": rule, "steps": 8, "kl": kl, "se": 0.1}
        for size, spread in (("6x6", 1.7), ("8x8", 1.8))  # an error of a difference is 0.14
        for rule, kl in (values | {parts.SPREAD: spread}).items()
    ]
    assert f"{parts.SPREAD}: 1; {parts.CONFIDENT}: 0" in parts.verdict(made)


# --- the report ---


def test_the_report_prints_tables_and_json(monkeypatch, capsys):
    keep = [s for s in report.SECTIONS if s.key in ("theorem1", "theorem1_field", "drift")]
    monkeypatch.setattr(report, "SECTIONS", keep)
    commands.theory(json=True, quick=True)
    out = json.loads(capsys.readouterr().out)
    assert list(out) == ["theorem1", "theorem1_field", "drift", "provenance", "digest"]
    provenance = out["provenance"]
    assert provenance["quick"] is True
    assert provenance["cpu"]
    assert provenance["torch"]
    assert re.match(r"20\d\d-\d\d-\d\dT", provenance["began"])
    assert provenance["began"] <= provenance["ended"]
    assert "K = 3, 4, 16, 256" in out["theorem1"]["verdict"]
    assert out["drift"]["rows"][0] == {"cells": 16, "steps": 64, "passes": 16}
    assert [s.key for s in report.sections(large=True)] == [*list(out)[:3], "parts_large"]
    commands.theory(json=False, quick=True)
    printed = capsys.readouterr().out
    assert "Theorem 1" in printed
    assert "0.890" in printed or "0.891" in printed


def test_a_table_puts_an_error_beside_its_value():
    from rich.console import Console

    row = {"rule": "x", "kl": 0.5, "se": 0.125, "near": 2.0, "near_se": 0.25, "reads": "hidden"}
    console = Console(record=True, width=80)
    console.print(report.table("title", [row]))
    text = console.export_text()
    assert "0.500 ±0.12" in text
    assert "2.000 ±0.25" in text
    assert "hidden" not in text


def test_debiased_logs_of_means_are_unbiased_and_plain_ones_are_not():
    draws, paths = 20_000, 2
    levels = divergence.random_levels(draws, derived(0, "levels"))
    assert abs((levels == 1).double().mean() - (1 - divergence.SHRINK)) < 0.02
    generator = derived(0, "weights")
    unbiased = []
    plain = []
    for level in levels.tolist():
        u = torch.rand(paths * (1 + 2**level), generator=generator, dtype=torch.float64)
        logs = torch.where(u < 0.5, 0.2, 0.9).log()  # log E[w] = log 0.55
        unbiased.append(divergence.debiased(logs, paths, level))
        plain.append(torch.logsumexp(logs[:paths], 0) - math.log(paths))
    unbiased = torch.stack(unbiased)
    plain = torch.stack(plain)
    target = math.log(0.55)
    assert abs(unbiased.mean() - target) < 4 * unbiased.std() / draws**0.5
    assert plain.mean() < target - 8 * plain.std() / draws**0.5


def test_the_unbiased_kl_of_a_random_order_lies_below_its_bound():
    backbone = Field((2, 3), 2, coupling=1.0)
    policy = build({"policy": "random", "schedule": "fixed"})
    free = divergence.unbiased_kl(backbone, policy, 2, samples=300, seed=0)
    bound = divergence.kl(backbone, policy, 2, samples=300, seed=0)
    tight = divergence.kl(backbone, policy, 2, samples=100, seed=0, paths=64)
    assert free["kind"] == "unbiased"
    assert free["kl"] < bound["kl"] + 3 * (free["se"] + bound["se"])
    assert abs(free["kl"] - tight["kl"]) < 4 * (free["se"] + tight["se"])
