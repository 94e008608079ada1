"""Every policy of the registry, then the rules of single ones."""

import dataclasses
import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from ladr import LADR, MASK, POLICIES, Commit, LadrError, build, decode
from ladr.decoding.caches import CACHES, cache
from ladr.decoding.frontier import frontier
from ladr.decoding.policies import (
    PAPER,
    AllIn,
    EntropyBound,
    Klass,
    LocalLeap,
    Order,
    Phase,
    Phases,
    Policy,
    Prophet,
    Rescue,
    Scheduled,
    Threshold,
    Tries,
    calibrate,
)
from ladr.decoding.policies.orders import halton, quincunx
from staying import Staying
from toy import ToyBackbone, knowing

PROMPTS = ["red", "green", "blue", "a", "bb", "ccc", "d"]
VARIANTS = [
    *({"policy": name} for name in POLICIES),
    *({"policy": "ladr", "where": w} for w in ("non-frontier-first", "anywhere", "independent", "parity")),
    *({"policy": "ladr", "rank": r} for r in ("confidence", "random")),
    {"policy": "ladr", "token": "argmax", "kernel": 5, "frontier_from": "prev", "schedule": "fixed"},
    {"policy": "ladr", "select": "top1", "noise": 0.0, "thin": True},
    {"policy": "scheduled", "rank": "gap", "anneal": "annealed", "curve": "root"},
    {"policy": "scheduled", "rank": "entropy", "independent": True},
    {"policy": "prophet", "scale": 0.3, "token": "argmax"},
    {"policy": "threshold", "level": 0.5, "schedule": "none"},
    {"policy": "entropy_bound", "schedule": "none"},
    {"policy": "klass", "level": 0.3, "kl": 0.5, "stable": 1},
    {"policy": "moment", "halton": 0.5, "beta": 1.5, "schedule": "inverse"},
    {"policy": "remdm", "share": 0.2, "start": 0.2},
    {"policy": "free_correction", "share": 0.3},
    {"policy": "checkerboard", "rest": 2, "rank": "sampled", "noise": 0.5},
    {"policy": "ccd", "level": 0.3},
    {"policy": "sprint", "level": 0.5, "rank": "entropy"},
    {"policy": "certainty_prior", "sigma": 0.7, "rank": "top1", "noise": 0.0},
    {"policy": "doubt", "picks": "scheduled", "start": 0.4},
    {"policy": "doubt", "picks": "none", "branch": "guided", "budget": 0.3},
    {"policy": "doubt", "rank": "halton", "where": "independent", "power": 1, "sure": 0.6},
    {"policy": "doubt", "rank": "random", "where": "frontier", "budget": 0.2, "noise": 0.3},
    {"policy": "free_riders", "where": "frontier", "budget": 1.0},
    {"policy": "free_riders", "where": "independent", "budget": 1.0},
    {"policy": "then", "first": {"policy": "quincunx"}, "second": {"policy": "rescue", "where": "parity"}},
    {"policy": "union", "first": {"policy": "cosine"}, "second": {"policy": "all_in"}},
]


def label(spec):
    return "-".join(map(str, spec.values()))[:40]


every_policy = pytest.mark.parametrize("spec", VARIANTS, ids=label)


def run(spec, prompts=PROMPTS, *, grid=(6, 5), seeds=None, **options):
    options = {"steps": 8, "batch_size": 3} | options
    seeds = list(range(len(prompts))) if seeds is None else seeds
    if isinstance(spec, dict | str):
        unseen = options | {"on_step": None}
        spec = knowing(spec, lambda name: run(name, prompts, grid=grid, seeds=seeds, **unseen))
    return decode(ToyBackbone(grid), prompts, spec, seeds=seeds, **options)


@every_policy
def test_results_do_not_depend_on_the_batch(spec):
    """Alone, in any batch, in any order, after refills: the same tokens, token for token."""
    batched = run(spec)
    assert int(batched.tokens.min()) >= 0
    for i in (0, 4, 6):
        alone = run(spec, PROMPTS[i : i + 1], seeds=[i])
        assert torch.equal(alone.tokens[0], batched.tokens[i])
        assert alone.trace.committed()[0] == batched.trace.committed()[i]
    backwards = run(spec, PROMPTS[::-1], seeds=list(range(len(PROMPTS)))[::-1], batch_size=7)
    assert torch.equal(backwards.tokens.flip(0), batched.tokens)


PRINTED = {"policy": "ladr", "literal": True}  # Algorithm 1 to the letter, which rewrites what it knows


@pytest.mark.parametrize("spec", [*VARIANTS, PRINTED], ids=label)
@pytest.mark.parametrize("grid", [(6, 5), (1, 9), (1, 1)])
def test_committed_cells_stay_and_every_pass_commits(spec, grid):
    """What was known from the start stays too, and only a policy that declares it masks cells again."""
    g = torch.Generator().manual_seed(2)
    known = torch.randint(7, (4, *grid), generator=g)
    start = known.masked_fill(torch.rand(4, *grid, generator=g) < 0.7, MASK)
    start[3] = known[3]
    steps = 32 if build(spec).whole else 8  # so that there are passes for another try
    options = {"prompts": PROMPTS[:4], "grid": grid, "start": start, "steps": steps}
    policy = knowing(spec, lambda name: run(name, **options))
    for given in (None, *map(cache, CACHES)) if grid == (6, 5) else (None,):
        staying = Staying(policy, start)

        def watch(view, take, staying=staying):
            assert not (take & ~view.masked).any()
            assert bool(take.flatten(1).any(1).all())
            staying(view, take)

        out = run(policy, **options, cache=given, on_step=watch)
        staying.end(out.tokens)
        assert torch.equal(out.tokens[start != MASK], start[start != MASK])
        assert bool((out.tokens >= 0).all())
        assert out.trace.images[3].passes == 0
        assert len(staying.expected) == 3 or grid == (1, 1)
        assert policy.masks_again or not staying.dropped
        if grid == (6, 5):
            assert staying.kept or spec == PRINTED
            assert staying.dropped or "share" not in spec
            assert bool(staying.rewritten) == (spec == PRINTED)
            assert bool(staying.begun) == policy.whole
        for image, before in zip(out.trace.images, start, strict=True):
            assert all(n >= 1 for n in image.committed)
            assert sum(image.committed) - sum(image.dropped) == int((before == MASK).sum())


def test_a_policy_declares_that_it_masks_cells_again():
    """A composed one if any part does, a function or a class from outside by an attribute."""

    def outside(view):
        return view.masked

    assert {name for name in POLICIES if build(name).masks_again} == {"remdm", "free_correction"}
    assert not build(outside).masks_again
    plain, again = build("cosine"), build("remdm")
    assert again.then(outside).masks_again
    assert (plain | again).masks_again
    assert not plain.then(outside).masks_again
    outside.masks_again = True
    assert build(outside).masks_again
    assert plain.then(outside).masks_again
    with pytest.raises(LadrError, match=r"of: policy .*outside' masks or writes over known cells"):
        Tries(of=build(outside))


@every_policy
def test_specs_round_trip_as_plain_json(spec):
    policy = build(spec)
    plain = json.loads(json.dumps(policy.spec))
    assert build(plain) == policy
    assert build(plain).spec == plain
    assert plain["version"] == policy.version


def test_whole_numbers_and_floats_are_one_spec():
    """1 and 1.0 in a params file mean the same run."""
    whole = build({"policy": "ladr", "noise": 1, "phases": {"refinement": {"until": 1, "alpha": 1}}})
    assert json.dumps(whole.spec) == json.dumps(build("ladr").spec)


@pytest.mark.parametrize("name", sorted({type(build(n)).name for n in POLICIES}))
def test_every_field_of_a_policy_is_in_its_spec_and_matters(name):
    policy = build(name)
    fields = {f.name for f in dataclasses.fields(policy) if f.metadata.get("spec", True)}
    assert set(policy.spec) == fields | {"policy", "version"}
    assert hash(policy) == hash(build(policy.spec))


# Tokens of fixed runs by the words of each policy: its spec and a digest. `make golden` writes what is new.
TOKENS = Path(__file__).parent / "golden" / "tokens.json"


def words_of(spec):
    """`ladr where=anywhere`: the name of a policy, then the fields that are set."""
    fields = {k: words_of(v) if isinstance(v, dict) else v for k, v in spec.items() if k != "policy"}
    return " ".join([spec["policy"], *(f"{key}={value}" for key, value in fields.items())])


def recorded(spec):
    """The spec as it is written to cells, and a digest of its tokens."""
    out = run(spec, PROMPTS[:3], grid=(8, 8), steps=12)
    digest = hashlib.sha256(np.ascontiguousarray(out.tokens.numpy()).tobytes()).hexdigest()[:8]
    return {"spec": json.loads(json.dumps(build(spec).spec)), "tokens": digest}


def renew(path, name, record):
    """Write this record, unless it says that the same spec gives other tokens than before."""
    golden = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    before = golden.get(name, record)
    assert before["spec"] != record["spec"] or before == record, f"{name}: raise the version of the policy"
    lines = (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted({**golden, name: record}.items()))
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@every_policy
def test_tokens_change_only_with_the_version(spec, request):
    name, record = words_of(spec), recorded(spec)
    if request.config.getoption("--renew-golden"):
        renew(TOKENS, name, record)
    golden = json.loads(TOKENS.read_text(encoding="utf-8"))
    assert name in golden, f"{name} is new: `make golden` records its tokens"
    assert golden[name]["spec"] == record["spec"], f"{name}: its fields or version changed: `make golden`"
    assert golden[name]["tokens"] == record["tokens"], f"{name}: other tokens, but not another version"


def test_every_golden_record_is_of_a_policy_that_is_tested():
    assert set(json.loads(TOKENS.read_text(encoding="utf-8"))) == {words_of(spec) for spec in VARIANTS}


def test_renewing_records_what_is_new_and_refuses_other_tokens_of_the_same_version(tmp_path):
    record = {"spec": {"policy": "mine", "version": 1}, "tokens": "aa"}
    renew(tmp_path / "tokens.json", "mine", record)
    renew(tmp_path / "tokens.json", "another", record)
    with pytest.raises(AssertionError, match="mine: raise the version"):
        renew(tmp_path / "tokens.json", "mine", record | {"tokens": "bb"})
    renew(tmp_path / "tokens.json", "mine", {"spec": {"policy": "mine", "version": 2}, "tokens": "bb"})
    assert json.loads((tmp_path / "tokens.json").read_text())["mine"]["tokens"] == "bb"


# ----- the standard step


def test_rescue_off_with_the_fixed_schedule_is_cosine_decoding():
    off = {name: {"alpha": 0.0} for name in ("exploration", "structure", "refinement")}
    plain = run("cosine", steps=16)
    ladr = run({"policy": "ladr", "schedule": "fixed", "phases": off}, steps=16)
    assert torch.equal(plain.tokens, ladr.tokens)
    assert plain.trace.committed() == ladr.trace.committed()
    assert sum(image["rescued"] for image in ladr.trace.summary()) == 0


@pytest.mark.parametrize("rank", ["sampled", "top1", "gap", "entropy"])
def test_the_standard_step_takes_the_best_by_its_rank(rank):
    def check(view, take):
        score = {
            "sampled": view.drawn_prob,
            "top1": view.top1,
            "gap": view.gap,
            "entropy": -view.entropy,
        }[rank]
        for b in range(len(take)):
            left = view.masked[b] & ~take[b]
            if left.any():
                assert score[b][take[b]].min() >= score[b][left].max()

    run({"policy": "scheduled", "rank": rank, "noise": 0.0}, on_step=check)


def test_selection_noise_scatters_and_annealing_ends_it():
    quiet, loud = run({"policy": "cosine", "noise": 0.0}), run("cosine")
    assert not torch.equal(quiet.settled, loud.settled)
    policy = Scheduled(noise=2.0, anneal="annealed")
    last = []
    run(
        policy,
        on_step=lambda v, take: last.append((policy.score(v) - v.drawn_prob.clamp_min(1e-20).log()).abs()),
    )
    assert float(last[0].max()) > 1
    fixed = run({"policy": "maskgit"}, PROMPTS[:1], on_step=lambda v, take: last.append(v))
    assert fixed.trace.images[0].passes == 8
    end = last[-1]
    assert torch.equal(build("maskgit").score(end), end.drawn_prob.clamp_min(1e-20).log())


def test_a_thinned_standard_step_has_no_neighbours():
    passes = []

    def check(view, take):
        for mask in take:
            assert not (mask[1:] & mask[:-1]).any()
            assert not (mask[:, 1:] & mask[:, :-1]).any()
        passes.append(1)

    out = run({"policy": "scheduled", "independent": True}, steps=6, on_step=check)
    assert max(row["passes"] for row in out.trace.summary()) <= 6 + 3


def test_all_in_waits_for_its_time():
    out = run(
        {"policy": "union", "first": {"policy": "scheduled"}, "second": {"policy": "all_in", "at": 0.5}}
    )
    for image in out.trace.images:
        times = [row["t"] for row in out.trace.rows() if row["image"] == 0]
        assert all(t < 0.5 for t in times[:-1])
        assert times[-1] >= 0.5
        assert image.committed[-1] == image.masked[-1]
    assert build(AllIn(0.5).spec) == AllIn(0.5)


# ----- the rescue


@pytest.mark.parametrize("where", ["frontier", "independent", "parity"])
@pytest.mark.parametrize("kernel", [3, 5])
def test_rescued_cells_obey_their_bounds(where, kernel):
    policy = LADR(where=where, kernel=kernel, phases=Phases([Phase("all", 1.0, 0.4, 0.1)]))
    standard, rescue = policy.parts.first, policy.parts.second
    rescued = 0

    def check(view, take):
        nonlocal rescued
        std = standard(view)
        edge = frontier(view.masked & ~std, kernel)
        extra = take & ~std
        assert not (extra & ~edge).any()
        assert bool((view.gap[extra] > 0.1).all())
        for b in range(len(take)):
            assert 10 * int(extra[b].sum()) <= 4 * int(edge[b].sum())
        if where != "frontier":
            assert not (extra[:, 1:] & extra[:, :-1]).any()
            assert not (extra[:, :, 1:] & extra[:, :, :-1]).any()
        again = rescue(view.after(std))
        assert torch.equal(again.take, extra)
        rescued += int(extra.sum())

    run(policy, grid=(9, 8), on_step=check)
    assert rescued > 0


def test_a_larger_alpha_never_rescues_fewer():
    alphas = [0.0, 0.1, 0.29, 0.3, 0.7, 1.0]

    def check(view, take):
        after = view.after(Scheduled()(view))
        takes = [Rescue(Phases([Phase("all", 1.0, a, 0.05)]))(after).take for a in alphas]
        for less, more in pairwise(takes):
            assert not (less & ~more).any()
        assert not takes[0].any()

    run("ladr", grid=(9, 8), on_step=check)


def test_tau_above_one_rescues_none():
    out = run(LADR(phases=Phases([Phase("all", 1.0, 1.0, 1.0001)])))
    assert out.rescued.sum() == 0
    assert run("ladr").rescued.sum() > 0


def test_no_filter_is_not_the_same_as_tau_zero():
    """With tau = 0 exact ties of the two best codes stay, without a filter they go."""
    backbone = ToyBackbone()
    backbone.sharpness = 0.0
    for tau, expected in ((0.0, False), (None, True)):
        policy = LADR(phases=Phases([Phase("all", 1.0, 1.0, tau)]))
        assert bool(decode(backbone, ["x"], policy, steps=8, seeds=[0]).rescued.any()) is expected


def test_the_share_is_the_exact_floor():
    assert Phase("p", 1, 0.29).share(100) == 29  # 0.29 * 100 is 28.999... in binary
    assert Phase("p", 1, 0.1).share(9) == 0
    assert [Phase("p", 1, 0.3).share(n) for n in range(4097)] == [3 * n // 10 for n in range(4097)]


def test_phases_are_half_open_and_the_papers_by_default():
    names = [PAPER.at(t).name for t in (0.0, 0.19999, 0.2, 0.69999, 0.7, 1.0)]
    assert names == ["exploration", "exploration", "structure", "structure", "refinement", "refinement"]
    part = build({"policy": "ladr", "phases": {"exploration": {"alpha": 0.0}}})
    assert [(p.until, p.alpha, p.tau) for p in part.phases] == [
        (0.2, 0, 0.05),
        (0.7, 0.3, 0.05),
        (1.0, 1.0, None),
    ]


class SureBackbone(ToyBackbone):
    """Two codes; every gap is above 0.4 and new in each pass."""

    def __init__(self):
        super().__init__((64, 64), 2)
        self.generator = torch.Generator().manual_seed(1)

    def bind(self, prompts):
        denoiser = super().bind(prompts)
        denoiser.logits = self.sure
        return denoiser

    def sure(self, tokens, rows, **_):
        margin = 1 + 4 * torch.rand(tokens.shape, generator=self.generator)
        return torch.stack([torch.zeros_like(margin), margin], dim=-1)


@pytest.mark.parametrize(
    ("spec", "passes"),
    [
        ({"policy": "ladr"}, 12),
        ({"policy": "ladr", "select": "top1", "noise": 0.0}, 12),
        ({"policy": "ladr", "phases": {"exploration": {"alpha": 0.0}}}, 19),
        ({"policy": "scheduled"}, 63),
        ({"policy": "cosine"}, 64),
    ],
)
def test_passes_on_the_papers_grid_when_every_gap_passes(spec, passes):
    """64x64 cells, T = 64: the paper's speed follows from counting alone."""
    out = decode(SureBackbone(), ["x"] * 3, build(spec), steps=64, seeds=[0, 1, 2])
    assert [image.passes for image in out.trace.images] == [passes] * 3


@pytest.mark.parametrize(
    ("spec", "passes"),
    [
        ({"policy": "ladr"}, {13, 14}),
        ({"policy": "ladr", "phases": {"exploration": {"alpha": 0.0}}}, {19, 20}),
    ],
)
def test_equal_gaps_everywhere_take_a_pass_or_two_more(spec, passes):
    """Where nothing scatters the rescued cells, known cells lie closer and have fewer neighbours."""
    backbone = SureBackbone()
    backbone.sure = lambda tokens, rows, **_: torch.stack([z := torch.zeros(tokens.shape), z + 4], dim=-1)
    out = decode(backbone, ["x"] * 8, build(spec), steps=64, seeds=list(range(8)))
    assert {image.passes for image in out.trace.images} == passes


@pytest.mark.parametrize("where", ["non-frontier-first", "anywhere"])
def test_other_positions_get_the_budget_that_the_frontier_would_have_had(where):
    standard, own = LADR().parts.first, LADR().parts.second

    def check(view, take):
        after = view.after(standard(view))
        edge, _ = own.candidates(after)
        k = own(after).take.flatten(1).sum(1)
        extra = take & ~standard(view)
        assert torch.equal(extra.flatten(1).sum(1), k)
        inside = (extra & edge).flatten(1).sum(1)
        free = (after.masked & ~edge).flatten(1).sum(1)
        if where == "non-frontier-first":
            assert torch.equal(inside, (k - free).clamp_min(0))

    run({"policy": "ladr", "where": where}, grid=(9, 8), on_step=check)


def test_the_frontier_before_the_step_lacks_its_cells():
    """With M_t instead of M_std the first pass has no frontier at all."""
    out = run(
        {"policy": "ladr", "frontier_from": "prev", "phases": {"exploration": {"alpha": 1.0, "tau": None}}}
    )
    assert all(image.rescued[0] == 0 for image in out.trace.images)
    out = run({"policy": "ladr", "phases": {"exploration": {"alpha": 1.0, "tau": None}}})
    assert all(image.rescued[0] > 0 for image in out.trace.images)


def test_rescued_arg_max_tokens_are_committed_and_others_are_not_touched():
    backbone = ToyBackbone((9, 8), sharpness=0.3)
    policy = LADR(token="argmax", phases=Phases([Phase("all", 1.0, 0.5, None)]))
    pairs = []
    out = decode(backbone, ["x"], policy, steps=8, seeds=[0], on_step=lambda v, take: pairs.append((v, take)))
    different = 0
    for view, take in pairs:
        extra = take & out.rescued
        assert torch.equal(out.tokens[extra], view.argmax[extra])
        plain = take & ~out.rescued
        assert torch.equal(out.tokens[plain], view.drawn[plain])
        different += int((view.argmax != view.drawn)[extra].sum())
    assert different > 0
    assert sum(out.trace.images[0].unlike) == 0
    sampled = decode(backbone, ["x"], dataclasses.replace(policy, token="sampled"), steps=8, seeds=[0])
    assert sum(sampled.trace.images[0].unlike) > 0


@pytest.mark.parametrize(
    "spec",
    [
        {"policy": "ladr", "where": "non-frontier-first", "budget": "replay:ladr"},
        {"policy": "ladr", "where": "anywhere", "rank": "random", "budget": "replay:ladr"},
        {"policy": "ladr", "where": "parity", "budget": "replay:ladr"},
        {"policy": "ladr", "where": "frontier", "rank": "confidence", "budget": "replay:ladr"},
        {"policy": "scheduled", "schedule": "replay:ladr"},
        {"policy": "halton", "schedule": "replay:ladr"},
    ],
)
def test_a_replay_commits_the_same_number_in_every_pass(spec):
    first = run("ladr", grid=(9, 8))
    policy = build(spec)
    assert policy.replays == "ladr"
    with pytest.raises(LadrError, match=r"replay:ladr.*with_counts"):
        run(policy, grid=(9, 8))
    again = run(policy.with_counts(first.trace.committed()), grid=(9, 8))
    assert again.trace.committed() == first.trace.committed()
    assert not torch.equal(again.settled, first.settled)
    assert policy.with_counts(first.trace.committed()).spec == policy.spec


# ----- the others


def test_halton_visits_every_cell_and_begins_spread_out():
    for grid in ((8, 8), (5, 7), (1, 6)):
        order = halton(*grid)
        assert sorted(order) == list(range(grid[0] * grid[1]))
    first = [c for c, rank in enumerate(halton(8, 8)) if rank < 4]
    assert len({(c // 8 // 4, c % 8 // 4) for c in first}) >= 3


def test_quincunx_fills_one_checkerboard_before_the_other():
    order = quincunx(8, 8)
    early = {c for c, rank in enumerate(order) if rank < 32}
    assert early == {h * 8 + w for h in range(8) for w in range(8) if (h + w) % 2 == 0}
    assert {c for c, rank in enumerate(order) if rank < 16} == {
        h * 8 + w for h in range(0, 8, 2) for w in range(0, 8, 2)
    }


def test_orders_do_not_look_at_predictions():
    for order in ("halton", "quincunx", "random", "raster"):
        a = decode(ToyBackbone(sharpness=0.1), ["x"], Order(order=order), steps=8, seeds=[4])
        b = decode(ToyBackbone(sharpness=9.0), ["y"], Order(order=order), steps=8, seeds=[4])
        assert torch.equal(a.settled, b.settled)
    raster = run("raster").settled[0].flatten().tolist()
    assert raster == sorted(raster)
    random = run("random").settled
    assert not torch.equal(random[0], random[1])


def test_a_confidence_threshold_joins_the_schedule():
    def check(view, take):
        assert bool(take[view.masked & (view.top1 >= 0.6)].all())
        assert bool((take.flatten(1).sum(1) >= view.due()).all())

    fast, slow = run(Threshold(level=0.6), on_step=check), run(Threshold(level=1.0))
    assert fast.trace.images[0].passes < slow.trace.images[0].passes <= 8


def test_the_entropy_bound_holds_and_is_used():
    bound = 2.0

    def check(view, take):
        for b in range(len(take)):
            h = view.entropy[b][take[b]]
            assert float(h.sum() - h.max()) <= bound + 1e-4
            rest = view.entropy[b][view.masked[b] & ~take[b]]
            if len(rest):
                assert float(h.max()) <= float(rest.min())
                assert float(h.sum()) > bound - 1e-4  # the next cell would not have fitted

    run(EntropyBound(schedule="none", bound=bound), on_step=check)


def test_local_leap_relaxes_the_bar_near_anchors():
    policy = LocalLeap(schedule="none", anchor=0.8, relaxed=0.5, radius=1)
    relaxed = 0

    def check(view, take):
        nonlocal relaxed
        for b in range(len(take)):
            anchors = view.masked[b] & (view.top1[b] >= 0.8)
            if not anchors.any():
                assert take[b].sum() == 1
                continue
            near = frontier(~anchors[None], 3)[0] | anchors
            assert torch.equal(take[b], anchors | (view.masked[b] & near & (view.top1[b] >= 0.5)))
            relaxed += int((take[b] & ~anchors).sum())

    run(policy, on_step=check)
    assert relaxed > 0


def test_klass_waits_until_the_distribution_stands_still():
    seen = []

    def check(view, take):
        seen.append((view.step[0], int(take.sum()), view))

    policy = Klass(schedule="none", level=0.0, kl=1e-6, stable=2)
    run(policy, ["x"], on_step=check)
    views = [v for _, _, v in seen]
    assert [n for _, n, _ in seen[:2]] == [1, 1]
    assert max(n for _, n, _ in seen) > 1
    for past, now in pairwise(views):
        cell = now.masked.nonzero()[0]
        b, h, w = cell.tolist()
        p = now.predictions.marginals.logits[now.masked.flatten().cumsum(0)[h * 5 + w] - 1].softmax(-1)
        q = past.predictions.marginals.logits[past.masked.flatten().cumsum(0)[h * 5 + w] - 1].softmax(-1)
        assert float(now.change[b, h, w]) == pytest.approx(float((p * (p / q).log()).sum()), abs=1e-5)


def test_prophet_leaves_when_the_mean_gap_says_so():
    sureness = run(Prophet(scale=1e9), steps=16).trace.note("sureness")
    scale = calibrate(sureness, 6)
    out = run(Prophet(scale=scale), steps=16)
    mean = sum(image.passes for image in out.trace.images) / len(PROMPTS)
    assert abs(mean - 6) <= 1
    for image, row in zip(out.trace.images, sureness, strict=True):
        expected = next((i for i, s in enumerate(row, 1) if s >= scale), 16)
        assert image.passes == expected
        assert image.committed[-1] == image.masked[-1]
    assert [i.passes for i in run(Prophet(scale=0.0), steps=16).trace.images] == [1] * 7
    assert [i.passes for i in run(Prophet(scale=1e9), steps=16).trace.images] == [16] * 7


def test_prophet_reads_the_mean_over_masked_cells_in_units_of_the_threshold():
    def check(view, take):
        logits = view.predictions.marginals.logits
        best = logits.topk(2).values
        gaps = (best[:, 0] - best[:, 1])[: int(view.masked[0].sum())]
        limit = {0: 7.5, 1: 5.0, 2: 5.0, 3: 5.0, 4: 2.5, 5: 2.5}  # progress (s + 1) / 6
        limit = limit[view.step[0]]
        assert float(Prophet().sureness(view)[0]) == pytest.approx(float(gaps.mean()) / limit, rel=1e-5)

    run(Prophet(scale=1e9), steps=6, on_step=check)


def test_conditional_logits_are_asked_for_by_name():
    with pytest.raises(LadrError, match="logits: 'conditional' is not told"):
        run(Prophet(logits="conditional"))


# ----- bad input


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ladder", "policy: 'ladder' is not known.*'ladr'"),
        (3, "policy: 3 is not allowed"),
        ({"alpha": 3}, "key 'policy'"),
        ({"policy": "ladr", "wher": "frontier"}, "policy 'ladr': no field 'wher'.*'where'"),
        ({"policy": "ladr", "where": "frontire"}, "where: 'frontire'.*'frontier'"),
        ({"policy": "ladr", "counts": [[1]]}, "no field 'counts'"),
        ({"policy": "ladr", "phases": {"exploration": {"alpha": 1.5}}}, "exploration.alpha: 1.5 .*0 to 1"),
        ({"policy": "ladr", "phases": {"exploration": {"alpha": "x"}}}, "exploration.alpha: 'x'"),
        ({"policy": "ladr", "phases": {"exploration": {"tau": -0.1}}}, "exploration.tau: -0.1"),
        ({"policy": "ladr", "phases": {"exploration": {"until": 0.8}}}, "structure.until: 0.7 overlaps.*0.8"),
        ({"policy": "ladr", "phases": {"a": {"until": 0.5, "alpha": 0.1}}}, "a.until: 0.5 leaves a gap"),
        ({"policy": "ladr", "phases": {"a": {"until": 1.0}}}, "phases.a: .*the field 'alpha' is missing"),
        ({"policy": "ladr", "phases": {"explore": {"until": 0.9}}}, "phases.explore: .*mean 'exploration'"),
        ({"policy": "ladr", "phases": {"exploration": {}, "struct": {"alpha": 0.1}}}, "mean 'structure'"),
        ({"policy": "ladr", "phases": {"refine": {"tau": 0.1}}}, "phases.refine: .*'refinement'"),
        ({"policy": "ladr", "phases": {"structure": {"alfa": 0.1}}}, "no field 'alfa'.*'alpha'"),
        ({"policy": "ladr", "phases": {}}, "phases"),
        ({"policy": "ladr", "phases": 3}, "phases: 3"),
        ({"policy": "ladr", "phases": {"structure": 3}}, "phases.structure: 3"),
        ({"policy": "ladr", "kernel": 4}, "kernel: 4"),
        ({"policy": "ladr", "schedule": "replay"}, "schedule: 'replay'"),
        ({"policy": "ladr", "budget": "other"}, "budget: 'other'"),
        ({"policy": "ladr", "noise": float("nan")}, "noise: nan"),
        ({"policy": "ladr", "literal": "yes"}, "literal: 'yes'"),
        ({"policy": "ladr", "version": 99}, "version 99 was asked for"),
        ({"policy": "cosine", "rank": "best"}, "rank: 'best'"),
        ({"policy": "cosine", "curve": "cosin"}, "curve: 'cosin'.*'cosine'"),
        ({"policy": "threshold", "level": 2}, "level: 2"),
        ({"policy": "entropy_bound", "bound": -1}, "bound: -1"),
        ({"policy": "localleap", "radius": 1.5}, "radius: 1.5"),
        ({"policy": "klass", "stable": 3}, "stable: 3"),
        ({"policy": "order", "order": "spiral"}, "order: 'spiral'"),
        ({"policy": "then", "first": "cosine"}, "second"),
        ({"policy": "then", "first": "cosine", "second": {"policy": "rescu"}}, "'rescu'.*'rescue'"),
        ({"policy": "all_in", "at": True}, "at: True"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, str | dict) else type(value).__name__,
)
def test_bad_fields_name_the_field_and_the_value(spec, message):
    with pytest.raises(LadrError, match=message):
        build(spec)


def test_any_function_of_a_view_is_a_policy():
    def first_cell(view):
        first = view.masked.flatten(1).long().argmax(1)
        return torch.nn.functional.one_hot(first, 30).bool().view_as(view.masked)

    out = run(first_cell)
    assert [row["passes"] for row in out.trace.summary()] == [30] * 7
    piped = run(Scheduled().then(lambda view: Commit(view.masked & (view.top1 > 0.5))))
    assert piped.trace.images[0].passes < 8
    assert isinstance(Scheduled() | AllIn(), Policy)
