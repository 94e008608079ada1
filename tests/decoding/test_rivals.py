"""What each rival does that no other does."""

import pytest
import torch

from ladr import MASK, LadrError, build, decode
from ladr.decoding.frontier import dilate
from ladr.decoding.policies import POLICIES
from ladr.decoding.policies.priors import density
from ladr.decoding.policies.spread import strata
from toy import ToyBackbone, knowing

PROMPTS = ["red", "green", "blue", "a"]


def views(policy, steps=8, grid=(6, 5), sharpness=1.5, prompts=PROMPTS, **options):
    """Every (view, take) of a decode, and its result."""
    seen = []
    out = decode(
        ToyBackbone(grid, sharpness=sharpness), prompts, policy, steps=steps, batch_size=8,
        on_step=lambda view, take: seen.append((view, take)), **options,
    )  # fmt: skip
    return seen, out


@pytest.mark.parametrize("rest", [1, 2])
def test_the_second_colour_waits_until_all_its_neighbours_are_known(rest):
    seen, out = views({"policy": "checkerboard", "rest": rest}, steps=8)
    for view, take in seen:
        h, w = torch.meshgrid(torch.arange(6), torch.arange(5), indexing="ij")
        second = take & ((h + w) % 2 == 1)
        assert not (second & (view.masked & ((h + w) % 2 == 0)).any(-1).any(-1)[:, None, None]).any()
        if max(view.step) >= 8 - rest:
            assert not (take & ((h + w) % 2 == 0)).any()
    assert {image.passes for image in out.trace.images} == {8}


def test_strata_fill_every_quarter_before_any_gets_a_second_cell():
    place = strata(torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)))
    for row in place:
        order = row.flatten().argsort()
        for size in (2, 4, 8):
            blocks = [(c // 8 * size // 8, c % 8 * size // 8) for c in order[: size * size].tolist()]
            assert len(set(blocks)) == size * size
    for shape in ((1, 9), (5, 3), (1, 1)):
        ragged = strata(torch.rand(2, *shape, generator=torch.Generator().manual_seed(1)))
        assert all(len(set(row.flatten().tolist())) == shape[0] * shape[1] for row in ragged)
    assert not torch.equal(place[0], place[1])


def test_the_moment_sampler_draws_colder_tokens_and_explores_in_haltons_order():
    cold, warm = (
        torch.cat([(view.argmax == choice.tokens)[choice.take] for view, take, choice in chosen])
        for chosen in (
            [(v, t, build({"policy": "moment", "beta": beta})(v)) for v, t in views("moment")[0]]
            for beta in (4.0, 1.0)
        )
    )
    assert cold.float().mean() > warm.float().mean()
    first, _ = views({"policy": "moment", "halton": 1.0})
    halton, _ = views("halton", steps=8)
    assert torch.equal(first[0][1], build({"policy": "halton", "schedule": "fixed"})(halton[0][0]))
    (view, _), *_ = first
    p = view.predictions.marginals.logits.softmax(-1)
    assert torch.allclose(view.predictions.log_moment(2.0)[view.masked], (p**2).sum(-1).log(), atol=1e-5)


@pytest.mark.parametrize("spec", [*POLICIES, {"policy": "moment", "halton": 0.5}], ids=str)
def test_every_policy_ends_with_a_codebook_that_is_searched_in_blocks(spec):
    options = {"steps": 8, "batch_size": 8}
    ready = knowing(spec, lambda slow: decode(ToyBackbone(codes=40), PROMPTS, slow, **options))
    tokens = decode(ToyBackbone(codes=40), PROMPTS, ready, **options).tokens
    assert ((tokens >= 0) & (tokens < 40)).all()


def test_with_no_power_the_moment_sampler_takes_cells_at_random():
    (view, take), *_ = views({"policy": "moment", "beta": 1.0})[0]
    assert torch.equal(
        take, build({"policy": "scheduled", "schedule": "fixed", "rank": "top1", "noise": 1e6})(view)
    )


def test_remdm_takes_back_most_where_tokens_were_improbable_and_never_what_was_known():
    start = torch.full((4, 6, 5), MASK)
    start[:, 0] = 3
    dropped, kept = [], []
    policy = build({"policy": "remdm", "share": 0.4})
    seen, out = views(policy, steps=12, sharpness=1.0, start=start)
    for view, _ in seen:
        pool, drop = policy.may_drop(view), policy(view).drop
        dropped += view.remembered("settled")[drop].tolist()
        kept += view.remembered("settled")[pool & ~drop].tolist()
        assert not drop[:, 0].any()
        assert not drop[torch.tensor(view.step) >= 11].any()
    assert len(dropped) > 20
    assert sum(dropped) / len(dropped) < sum(kept) / len(kept)
    assert torch.equal(out.tokens[:, 0], start[:, 0])
    assert max(image.passes for image in out.trace.images) <= 13


def test_what_remdm_remembers_is_the_probability_at_commit():
    seen, _ = views({"policy": "remdm", "share": 0.0})
    was = torch.zeros(4, 6, 5)
    for view, take in seen:
        assert torch.allclose(view.remembered("settled"), was)
        was = torch.where(take, view.drawn_prob, was)


def test_free_correction_averages_own_probabilities_since_commit():
    policy = build({"policy": "free_correction", "share": 0.2})
    seen, _ = views(policy, steps=10)
    some = 0
    for view, _ in seen:
        pool, drop = policy.may_drop(view), policy(view).drop
        assert drop.flatten(1).sum(1).tolist() == [int(0.2 * n) for n in pool.flatten(1).sum(1).tolist()]
        some += int(drop.sum())
        own = view.predictions.prob_of(view.tokens.clamp_min(0))
        mean = (view.remembered("total") + own) / (view.remembered("settled") + 1)
        for row in range(len(drop)):
            if drop[row].any() and (pool & ~drop)[row].any():
                assert mean[row][drop[row]].max() <= mean[row][(pool & ~drop)[row]].min()
    assert some


def test_free_correction_needs_predictions_at_observed_cells():
    with pytest.raises(LadrError, match="observed cells too"):
        decode(ToyBackbone(packed=True), PROMPTS, "free_correction", steps=4)


def test_the_certainty_prior_is_a_soft_frontier():
    observed = torch.zeros(1, 9, 9, dtype=torch.bool)
    observed[0, 4, 4] = True
    near = density(observed, 1.0)
    h, w = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    far = ((h - 4) ** 2 + (w - 4) ** 2).float()
    inside = far[3:6, 3:6]
    assert torch.allclose(near[0, 3:6, 3:6] / near[0, 4, 4], torch.exp(-inside / 2), atol=1e-3)
    assert bool((density(torch.ones(1, 3, 4, dtype=torch.bool), 2.0) == 1).all())
    narrow = {"policy": "certainty_prior", "sigma": 0.4, "noise": 0.0, "rank": "top1"}
    touching = [
        (take & dilate(~view.masked)).sum() / take.sum() for view, take in views(narrow, grid=(8, 8))[0][1:4]
    ]
    plain = {"policy": "cosine", "noise": 0.0, "rank": "top1"}
    loose = [
        (take & dilate(~view.masked)).sum() / take.sum() for view, take in views(plain, grid=(8, 8))[0][1:4]
    ]
    assert sum(touching) > sum(loose)


def test_ccd_looks_one_pass_back():
    stable = []

    def watch(view, take):
        before = view.predictions.before
        if before is not None:
            mean = (view.drawn_prob + before.prob_of(view.drawn.clamp_min(0))) / 2
            sure = view.masked & (before.argmax == view.argmax) & (mean >= 0.5)
            assert not (sure & ~take).any()
            stable.append(int(sure.sum()))

    policy = {"policy": "ccd", "level": 0.5, "noise": 0.0}
    decode(ToyBackbone(sharpness=3.0), PROMPTS, policy, steps=8, on_step=watch)
    assert sum(stable)


def test_sprint_shares_what_is_masked_among_the_passes_that_are_left():
    for view, take in views({"policy": "sprint", "level": 1.0}, steps=7)[0]:
        for row, (m, s) in enumerate(zip(view.counts, view.step, strict=True)):
            assert int(take[row].sum()) == -(-m // (7 - s))
    quick, slow = (
        views({"policy": "sprint", "level": level}, steps=16, sharpness=4.0)[1].trace.images[0].passes
        for level in (0.6, 1.0)
    )
    assert quick < slow


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"policy": "checkerboard", "rest": 0}, "rest: 0"),
        ({"policy": "moment", "beta": 0.5}, r"beta: 0\.5"),
        ({"policy": "remdm", "share": 2}, "share: 2"),
        ({"policy": "certainty_prior", "sigma": 0}, "sigma: 0"),
        ({"policy": "ccd", "level": 2}, "level: 2"),
        ({"policy": "sprint", "rank": "best"}, "rank: 'best'"),
    ],
)
def test_bad_fields_name_the_field_and_the_value(spec, message):
    with pytest.raises(LadrError, match=message):
        build(spec)
