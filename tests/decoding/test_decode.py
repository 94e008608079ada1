"""The loop: what it hands to backbones, policies, noise and caches, what it returns, and what it refuses."""

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from ladr import LADR, MASK, Commit, LadrError, build, decode
from ladr.decoding.denoiser import Denoiser, adopted
from ladr.decoding.marginals import Marginals
from ladr.decoding.noise import ImageStreams, UpstreamGumbel
from toy import ToyBackbone

COSINE = build("cosine")


def test_dense_and_packed_logits_give_the_same_tokens():
    for policy in (COSINE, LADR(), build("klass")):
        dense = decode(ToyBackbone(), list("abcde"), policy, steps=8, batch_size=2)
        packed = decode(ToyBackbone(packed=True), list("abcde"), policy, steps=8, batch_size=2)
        assert torch.equal(dense.tokens, packed.tokens)


def test_finished_images_leave_and_waiting_ones_take_their_place():
    """Rows with different amounts left to do: no pass has a finished row, and none runs below capacity
    early."""
    backbone = ToyBackbone()
    start = torch.full((6, 6, 5), MASK)
    start[1, 1:] = 0
    start[3, :5] = 1
    denoisers = []
    bind = backbone.bind
    backbone.bind = lambda prompts: denoisers.append(bind(prompts)) or denoisers[-1]
    sizes = []
    out = decode(
        backbone, list("abcdef"), build("scheduled"), steps=8, batch_size=3, start=start,
        on_step=lambda view, take: sizes.append(len(view.images)),
    )  # fmt: skip
    passes = [image.passes for image in out.trace.images]
    assert passes[1] < passes[0]
    assert sum(sizes) == sum(passes)
    assert set(sizes[: len(sizes) - max(passes)]) == {3}
    rows = [seen[0].tolist() for seen in denoisers[0].seen]
    assert rows[0] == [0, 1, 2]
    for now, then, keep in _drops(rows, denoisers[0].kept):
        assert then[: sum(keep)] == [r for r, k in zip(now, keep, strict=True) if k]


def _drops(rows, kept):
    """Pairs of passes between which rows were dropped, with the mask that `keep` was told."""
    found = iter(kept)
    for now, then in pairwise(rows):
        if then[: len(now)] != now and set(now) & set(then):
            yield now, then, next(found).tolist()


def test_keep_is_told_of_every_drop_while_rows_remain():
    backbone, told = ToyBackbone(), []
    bind = backbone.bind

    def watched(prompts):
        denoiser = bind(prompts)
        keep = denoiser.keep
        denoiser.keep = lambda live: told.append(live.tolist()) or keep(live)
        return denoiser

    backbone.bind = watched
    start = torch.full((3, 6, 5), MASK)
    start[1, 1:] = 0
    decode(backbone, list("abc"), COSINE, steps=8, start=start)
    assert told[0] == [True, False, True]


def test_each_image_has_its_own_time():
    backbone, times = ToyBackbone(), []
    start = torch.full((2, 6, 5), MASK)
    start[1, :3] = 2
    decode(
        backbone, ["a", "b"], COSINE, steps=8, start=start, on_step=lambda v, take: times.append(v.t.tolist())
    )
    assert times[0] == [0.0, pytest.approx(2 / 3)]  # cos(pi/2 * 2/3) = 1/2
    assert all(a < b for a, b in pairwise(times) if len(a) == len(b))


def test_the_backbone_is_told_the_time_of_each_row():
    backbone, denoisers = ToyBackbone(), []
    bind = backbone.bind
    backbone.bind = lambda prompts: denoisers.append(bind(prompts)) or denoisers[-1]
    views = []
    decode(backbone, ["a", "b"], LADR(), steps=8, on_step=lambda v, take: views.append(v))
    for view, (rows, t) in zip(views, denoisers[0].seen, strict=True):
        assert rows.tolist() == list(view.images)
        assert torch.equal(t, view.t.float())


def test_the_trace_adds_up_and_becomes_a_table():
    out = decode(ToyBackbone((9, 8)), list("abc"), LADR(), steps=8, batch_size=2)
    assert len(out.trace.images) == 3
    for i, image in enumerate(out.trace.images):
        assert image.masked[0] == 72
        assert sum(image.committed) == 72
        assert [a - b for a, b in zip(image.masked, image.committed, strict=True)] == [*image.masked[1:], 0]
        assert image.equivalents == image.passes
        assert sum(image.rescued) == int(out.rescued[i].sum()) > 0
        for s in range(image.passes):
            assert int((out.settled[i] == s).sum()) == image.committed[s]
        assert all(x > 0 for x in image.seconds)
        assert all(f >= p >= r for f, p, r in zip(*image.notes.values(), image.rescued, strict=True))
    rows = out.trace.rows()
    assert len(rows) == sum(image.passes for image in out.trace.images)
    assert rows[0].keys() == rows[-1].keys()
    assert rows[0]["t"] == 0
    assert [r["step"] for r in rows if r["image"] == 1] == list(range(out.trace.images[1].passes))
    assert [r["passes"] for r in out.trace.summary()] == [image.passes for image in out.trace.images]


def test_the_trace_holds_the_log_probability_of_what_was_committed():
    total = [0.0, 0.0]

    def add(view, take):
        p = view.drawn_prob.double().log().masked_fill(~take, 0).flatten(1).sum(1)
        for row, i in enumerate(view.images):
            total[i] += float(p[row])

    out = decode(ToyBackbone(), ["a", "b"], LADR(), steps=8, on_step=add)
    for image, expected in zip(out.trace.images, total, strict=True):
        assert sum(image.logp) == pytest.approx(expected, rel=1e-5)


def test_temperature_acts_on_the_tokens_not_on_the_probabilities():
    seen = []
    cold = decode(
        ToyBackbone(), ["a"], COSINE, steps=1, temperature=0, on_step=lambda v, take: seen.append(v)
    )
    assert torch.equal(cold.tokens, seen[0].argmax)
    warm = decode(
        ToyBackbone(), ["a"], COSINE, steps=1, temperature=5.0, on_step=lambda v, take: seen.append(v)
    )
    assert torch.equal(seen[0].top1, seen[1].top1)
    assert not torch.equal(cold.tokens, warm.tokens)
    again = decode(ToyBackbone(), ["a"], COSINE, steps=1, temperature=1e-4)
    assert torch.equal(again.tokens, cold.tokens)


def test_all_policies_see_the_same_noise():
    drawn = {}
    for name in ("cosine", "halton", "ladr"):
        decode(ToyBackbone(), ["a"], build(name), steps=8, seeds=[5], on_step=_collect(drawn, name))
    assert torch.equal(drawn["cosine"][0][0], drawn["ladr"][0][0])
    for a, b in zip(drawn["cosine"], drawn["halton"], strict=False):
        assert torch.equal(a[1], b[1])


def _collect(into, name):
    return lambda view, take: into.setdefault(name, []).append((view.drawn, view.gumbel))


class Staircase:
    """A cache whose passes cost what the image's time says."""

    def __init__(self):
        self.seen = []

    def __call__(self, view):
        self.seen.append(view)
        return SimpleNamespace(cost=1.0 if view is None else (1 - view.t).clamp_min(0.25))


def test_a_cache_sees_the_view_before_and_its_costs_are_booked():
    cache, views, plans = Staircase(), [], []
    backbone = ToyBackbone()
    bind = backbone.bind

    def watched(prompts):
        denoiser = bind(prompts)
        logits = denoiser.logits

        def told(tokens, rows, *, t=None, recompute=None):
            plans.append(recompute)
            return logits(tokens, rows, t=t)

        denoiser.logits = told
        return denoiser

    backbone.bind = watched
    start = torch.full((5, 6, 5), MASK)
    start[1, 1:] = 0
    out = decode(
        backbone, list("abcde"), COSINE, steps=8, batch_size=2, cache=cache, start=start,
        on_step=lambda v, take: views.append((v, take)),
    )  # fmt: skip
    assert len(cache.seen) == len(views) == len(plans)
    firsts = [view for view, _ in views if set(view.step) == {0}]
    assert len(firsts) == 3  # a cache belongs to its rows: the batch is refilled when all of it is done
    assert sum(v is None for v in cache.seen) == 3
    for (view, take), seen, (after, _) in zip(views, cache.seen[1:], views[1:], strict=False):
        if seen is None:
            continue
        stay = [list(view.images).index(i) for i in seen.images]
        assert list(after.images) == list(seen.images)
        assert torch.equal(seen.just_committed, take[stay])
        assert torch.equal(after.just_committed, take[stay])
        assert torch.equal(seen.gap, view.gap[stay])
    plain = decode(ToyBackbone(), list("abcde"), COSINE, steps=8, batch_size=2, start=start)
    assert torch.equal(plain.tokens, out.tokens)
    image = out.trace.images[0]
    assert image.cost[0] == 1.0
    assert image.equivalents == pytest.approx(sum(image.cost))
    assert image.equivalents < image.passes


def test_a_policy_may_mask_again_but_never_what_was_known():
    start = torch.full((2, 6, 5), MASK)
    start[:, 0] = 3
    asked = []

    def fickle(view):
        drop = ~view.masked if view.step[0] == 2 else torch.zeros_like(view.masked)
        asked.append(drop)
        return Commit(build("scheduled")(view), drop=drop)

    out = decode(ToyBackbone(), ["a", "b"], fickle, steps=8, start=start)
    assert torch.equal(out.tokens[:, 0], start[:, 0])
    assert bool((out.tokens >= 0).all())
    assert out.trace.images[0].dropped[2] > 0
    assert sum(out.trace.images[0].committed) == 25 + out.trace.images[0].dropped[2]


def test_a_policy_that_never_gets_on_is_stopped():
    def sisyphus(view):
        return Commit(build("scheduled")(view), drop=~view.masked)

    with pytest.raises(LadrError, match="not done after"):
        decode(ToyBackbone(), ["a"], sisyphus, steps=8)


def test_a_policy_that_takes_nothing_still_gets_on():
    out = decode(ToyBackbone(), ["a"], lambda view: torch.zeros_like(view.masked), steps=8)
    image = out.trace.images[0]
    assert image.committed == [1] * 30


def test_taking_observed_cells_changes_and_counts_nothing():
    start = torch.full((1, 6, 5), MASK)
    start[:, 0] = 3
    takes = []
    out = decode(
        ToyBackbone(), ["a"], lambda view: torch.ones_like(view.masked), start=start,
        on_step=lambda view, take: takes.append(take),
    )  # fmt: skip
    assert torch.equal(takes[0], start == MASK)
    assert out.trace.committed() == [[25]]
    assert torch.equal(out.settled == -1, start != MASK)
    assert torch.equal(out.tokens[:, 0], start[:, 0])


def test_a_note_that_comes_and_goes_keeps_its_column_aligned():
    def noting(view):
        notes = {"late": torch.tensor([1.0] * len(view.images))} if view.step[0] in (1, 2) else {}
        return Commit(build("scheduled")(view), notes=notes)

    image = decode(ToyBackbone(), ["a"], noting, steps=8).trace.images[0]
    assert len(image.notes["late"]) == image.passes
    assert [math.isnan(x) for x in image.notes["late"][:4]] == [True, False, False, True]


def test_known_tokens_only_need_no_pass():
    start = torch.zeros(2, 6, 5, dtype=torch.int64)
    backbone = ToyBackbone()
    out = decode(backbone, ["a", "b"], COSINE, start=start)
    assert backbone.calls == 0
    assert torch.equal(out.tokens, start)
    assert out.trace.rows() == []
    assert (out.settled == -1).all()


def test_an_error_in_the_callback_reaches_the_caller():
    class Enough(Exception):  # noqa: N818
        pass

    def stop(view, take):
        raise Enough

    with pytest.raises(Enough):
        decode(ToyBackbone(), ["a"], COSINE, on_step=stop)


def test_a_policy_may_be_given_by_name_or_as_a_dict():
    named = decode(ToyBackbone(), ["a"], "ladr", steps=8)
    assert torch.equal(named.tokens, decode(ToyBackbone(), ["a"], LADR(), steps=8).tokens)
    assert torch.equal(named.tokens, decode(ToyBackbone(), ["a"], {"policy": "ladr"}, steps=8).tokens)
    with pytest.raises(LadrError, match="'cosin' is not known"):
        decode(ToyBackbone(), ["a"], "cosin")


def test_one_and_the_same_call_twice_gives_the_same_tokens():
    options = {"steps": 8, "seeds": [3, 4]}
    a, b = (decode(ToyBackbone(), ["a", "b"], LADR(), **options) for _ in range(2))
    assert torch.equal(a.tokens, b.tokens)
    other = decode(ToyBackbone(), ["a", "b"], LADR(), steps=8, seeds=[4, 3])
    assert not torch.equal(a.tokens, other.tokens)


def test_the_reference_noise_runs_through_the_same_loop():
    a = decode(ToyBackbone(), ["a"], COSINE, steps=8, noise=UpstreamGumbel(0), batch_size=1)
    b = decode(ToyBackbone(), ["a"], COSINE, steps=8, noise=UpstreamGumbel(0), batch_size=1)
    assert torch.equal(a.tokens, b.tokens)
    with pytest.raises(LadrError, match="batch_size"):
        decode(ToyBackbone(), ["a", "b"], COSINE, noise=UpstreamGumbel(0))


# ----- bad input


class Broken(ToyBackbone):
    """Spoils the logits before they are returned."""

    def __init__(self, spoil, **options):
        super().__init__(**options)
        self.spoil = spoil

    def bind(self, prompts):
        denoiser = super().bind(prompts)
        logits = denoiser.logits
        denoiser.logits = lambda *args, **options: self.spoil(logits(*args, **options))
        return denoiser


def _with(value):
    def spoil(logits):
        logits[0, 2, 3, 1] = value
        return logits

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_with(math.nan), "logits: nan .*cell 13"),
        (_with(math.inf), "logits: inf .*cell 13"),
        (lambda x: x.fill_(-math.inf), "logits: -inf"),
        (lambda x: x[..., :-1], r"logits: shape \(1, 6, 5, 6\).*\(1, 6, 5, 7\) or \(30, 7\)"),
        (lambda x: x[:, :, :-1], r"logits: shape \(1, 6, 4, 7\)"),
        (lambda x: x.flatten(0, 2)[1:], r"logits: shape \(29, 7\)"),
        (lambda x: x.long(), "logits: torch.int64"),
        (lambda x: x.tolist(), "logits: list"),
    ],
)
def test_bad_logits_are_refused(spoil, message):
    with pytest.raises(LadrError, match=message):
        decode(Broken(spoil), ["a"], LADR())


def test_minus_infinity_forbids_a_code():
    def forbid(logits):
        logits[..., 2:] = -math.inf
        return logits

    out = decode(Broken(forbid), list("abcd"), LADR(), steps=8)
    assert set(out.tokens.unique().tolist()) <= {0, 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps: 0"),
        ({"steps": 2.5}, "steps: 2.5"),
        ({"steps": True}, "steps: True"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"temperature": -1}, "temperature: -1"),
        ({"temperature": math.nan}, "temperature: nan"),
        ({"prompts": []}, r"prompts: \[\]"),
        ({"prompts": "a cup"}, "prompts: 'a cup'"),
        ({"seeds": [1]}, "seeds: 1 for 2 prompts"),
        ({"seeds": [1, -2]}, r"seeds\[1\]: -2"),
        ({"seeds": [1, 2], "noise": ImageStreams([1, 2])}, "seeds: not together with noise"),
        ({"start": torch.zeros(2, 5, 6, dtype=torch.int64)}, r"start: .*\(2, 5, 6\).*\(2, 6, 5\)"),
        ({"start": torch.zeros(2, 6, 5)}, "start: torch.float32"),
        ({"start": torch.full((2, 6, 5), 7)}, r"code 7 .*0\.\.6"),
        ({"start": torch.full((2, 6, 5), -2)}, "code -2"),
        ({"start": [[0]]}, "start: list"),
        ({"policy": lambda view: view.masked[0]}, "take is torch.bool"),
        ({"policy": lambda view: view.tokens}, "take is torch.int64"),
        ({"policy": lambda view: None}, "take is NoneType"),
        ({"policy": lambda view: Commit(view.masked, drop=view.tokens)}, "drop is torch.int64"),
        ({"policy": lambda view: Commit(view.masked, tokens=view.tokens + 9)}, "code 8 is not allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "options",
)
def test_bad_arguments_are_named_with_their_value(options, message):
    call = {"prompts": ["a", "b"], "policy": COSINE} | options
    with pytest.raises(LadrError, match=message):
        decode(ToyBackbone(), **call)


def test_noise_that_draws_the_mask_is_refused():
    class Masking(ImageStreams):
        def tokens(self, images, masked, marginals: Marginals, temperature):
            return super().tokens(images, masked, marginals, temperature) - 1

    with pytest.raises(LadrError, match=r"code -1 is not allowed; codes are 0\.\.6"):
        decode(ToyBackbone(), ["a"], COSINE, noise=Masking([0]))


class LogitsAlone:
    """A denoiser that has nothing but `logits`."""

    def __init__(self, inner):
        self.logits = inner.logits


def test_a_denoiser_that_has_logits_alone_gets_the_defaults():
    plain, bare = ToyBackbone(), ToyBackbone()
    bind = bare.bind
    bare.bind = lambda prompts: LogitsAlone(bind(prompts))
    one, two = (decode(backbone, ["a", "bc"], {"policy": "klass"}, steps=8) for backbone in (plain, bare))
    assert torch.equal(one.tokens, two.tokens)
    assert adopted(LogitsAlone(bind(["a"]))).conditional is None
    assert adopted(LogitsAlone(bind(["a"]))).everywhere is False
    own = Denoiser()
    assert adopted(own) is own


def test_a_view_keeps_its_predictions_when_the_next_pass_remembers_it():
    views = []
    decode(ToyBackbone(), ["a"], {"policy": "klass"}, steps=6, on_step=lambda view, take: views.append(view))
    second = views[2]
    assert second.predictions.before is not None
    passed = second.passed(second.masked, {})
    assert passed.predictions.before is None
    assert second.predictions.before is not None
    assert torch.equal(passed.change, second.change), "a map that was read stays read"
