"""Several tries of a picture: each is a decode of its own, and the likeliest stays."""

import pytest
import torch

from ladr import MASK, LadrError, build, decode
from ladr.decoding.noise import ImageStreams
from ladr.decoding.policies import Policy, Tries
from ladr.decoding.view import Commit
from ladr.experiment.params.policy import policy_issues
from ladr.experiment.params.sweeps import varied
from toy import ToyBackbone

SEEDS = [4, 11, 12, 13, 14, 15, 16]
PROMPTS = ["red", "green", "blue", "a", "bb", "c", "dd"]


class TwoBranches(ToyBackbone):
    """The toy, whose conditional branch prefers other codes than the guided one."""

    def bind(self, prompts):
        inner, tell = super().bind(prompts), self

        class Guided:
            conditional = None

            def logits(self, tokens, rows, *, t=None, recompute=None):
                out = inner.logits(tokens, rows, t=t)
                self.conditional = -0.5 * out if tell.packed else -0.5 * out[tokens == MASK]
                return out

            def keep(self, live):
                inner.keep(live)

        return Guided()


def told(backbone, spec, steps, **options):
    """The decode, and of each image its tries: tokens, log-likelihood in either branch, passes, and
    whether it was decoded to its end."""
    tries = [[] for _ in PROMPTS]

    def watch(view, take):
        for row, i in enumerate(view.images):
            if not tries[i] or tries[i][-1]["whole"] or bool(view.masked[row].all()):
                tries[i].append({"conditional": 0.0, "guided": 0.0, "passes": 0})
            cells, own = take[row], tries[i][-1]
            for branch in ("conditional", "guided"):
                p = view.of_branch(branch).prob_of(view.drawn.clamp_min(0))[row][cells]
                own[branch] += float(p.double().log().sum())
            own["passes"] += 1
            own["whole"] = not bool((view.masked[row] & ~cells).any())
            own["tokens"] = torch.where(cells, view.drawn[row], view.tokens[row])

    return decode(backbone, PROMPTS, spec, steps=steps, batch_size=3, on_step=watch, **options), tries


def likeliest(own, branch="conditional"):
    """The number of the try that must stay."""
    return max((n for n in range(len(own)) if own[n]["whole"]), key=lambda n: own[n][branch])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("branch", ["conditional", "guided"])
@pytest.mark.parametrize("of", ["doubt", "cosine", "ladr", "unsure"])
def test_the_likeliest_of_the_tries_stays(of, branch, packed):
    spec = {"policy": "tries", "of": of, "tries": 3, "branch": branch}
    out, tries = told(TwoBranches(packed=packed), spec, 18)
    for image, tokens, own in zip(out.trace.images, out.tokens, tries, strict=True):
        assert torch.equal(tokens, own[likeliest(own, branch)]["tokens"])
        assert image.passes == sum(one["passes"] for one in own)
    assert {len(own) for own in tries} == {3}
    assert len({likeliest(own, branch) for own in tries}) > 1  # neither the first nor the last by itself


def test_a_try_is_given_up_as_soon_as_it_is_no_likelier_and_changes_nothing_by_it():
    spec = {"policy": "tries", "of": "cosine", "tries": 4}
    out, tries = told(ToyBackbone(sharpness=8.0), spec, 24)
    early = 0
    for image, own in zip(out.trace.images, tries, strict=True):
        best = own[0]["conditional"]
        for one in own[1:]:
            lost = one["conditional"] <= best
            assert one["whole"] or lost
            assert one["passes"] == 6 or lost
            early += one["passes"] < 6
            best = max(best, one["conditional"])
        assert image.passes == sum(one["passes"] for one in own) <= 24
    assert early > 3


def test_the_branch_decides():
    specs = [{"policy": "tries", "of": "cosine", "branch": branch} for branch in ("conditional", "guided")]
    one, two = (told(TwoBranches(), spec, 12)[0].tokens for spec in specs)
    assert not torch.equal(one, two)


@pytest.mark.parametrize("of", ["doubt", "cosine", "halton", "random", "sprint", "threshold"])
def test_one_try_is_the_policy_itself(of):
    backbone = TwoBranches()
    once = decode(backbone, PROMPTS, {"policy": "tries", "of": of, "tries": 1}, steps=7)
    alone = decode(backbone, PROMPTS, of, steps=7)
    if max(image.passes for image in alone.trace.images) <= 7:
        assert torch.equal(once.tokens, alone.tokens)
        assert torch.equal(once.settled, alone.settled)
        assert torch.equal(once.rescued, alone.rescued)
    assert all(image.passes <= 7 for image in once.trace.images)


def test_a_try_is_a_decode_of_its_own_with_the_noise_that_follows():
    """The second try is the decode that begins with the stream where the first one left it."""

    class Later(ImageStreams):
        def __init__(self, seeds, passes):
            super().__init__(seeds)
            self._uniform([0], torch.ones(1, 6, 5, dtype=torch.bool))
            for _ in range(2 * passes - 1):
                torch.rand(6, 5, generator=self._streams[0])

    _, tries = told(ToyBackbone(), {"policy": "tries", "of": "cosine"}, 12, seeds=SEEDS)
    assert [one["passes"] for one in tries[0]] == [6, 6], "other SEEDS: of the first image the second try won"
    first = decode(ToyBackbone(), PROMPTS[:1], "cosine", steps=6, seeds=SEEDS[:1])
    second = decode(ToyBackbone(), PROMPTS[:1], "cosine", steps=6, noise=Later(SEEDS[:1], 6))
    assert torch.equal(tries[0][0]["tokens"], first.tokens[0])
    assert torch.equal(tries[0][1]["tokens"], second.tokens[0])


def test_orders_drawn_by_chance_are_drawn_anew():
    seen = []
    decode(
        ToyBackbone(), PROMPTS[:1], {"policy": "tries", "of": "random"}, steps=12,
        on_step=lambda view, take: seen.append(take[0]),
    )  # fmt: skip
    assert len(seen) > 6
    assert not torch.equal(seen[0], seen[6])


def test_no_more_passes_than_planned_and_another_try_only_where_one_fits():
    out, tries = told(
        ToyBackbone(sharpness=6.0), {"policy": "tries", "of": "doubt", "tries": 6, "each": 8}, 12
    )
    counts = []
    for image, own in zip(out.trace.images, tries, strict=True):
        passes = [one["passes"] for one in own]
        assert image.passes == sum(passes) <= 12
        assert max(passes) <= 8
        length = passes[0]
        for n in range(1, len(passes) + 1):
            fits = 12 - sum(passes[:n]) >= length
            assert fits == (n < len(passes)) or n == 6
            length = passes[n] if n < len(own) and own[n]["whole"] else length
        counts.append(len(passes))
    assert len(set(counts)) > 1


@pytest.mark.parametrize("of", ["doubt", "ladr"])
def test_what_stays_says_when_its_cells_settled_and_which_were_rescued(of):
    out, tries = told(TwoBranches(), {"policy": "tries", "of": of, "tries": 3, "each": 9}, 27)
    for i, own in enumerate(tries):
        best = likeliest(own)
        before = sum(one["passes"] for one in own[:best])
        settled, image = out.settled[i], out.trace.images[i]
        assert before <= int(settled.min()) <= int(settled.max()) < before + own[best]["passes"]
        rescued = image.rescued[before : before + own[best]["passes"]]
        assert int(out.rescued[i].sum()) == sum(rescued)
        assert sum(image.committed) - sum(image.dropped) == 30
        assert image.dropped[own[0]["passes"] - 1] == 0  # the first picture is put aside, not thrown away
    assert len({likeliest(own) for own in tries}) > 1


def test_what_was_known_from_the_start_stays_in_every_try():
    start = torch.full((7, 6, 5), MASK)
    start[:, 2] = 4
    start[6] = 1
    seen = []
    out = decode(
        ToyBackbone(), PROMPTS, {"policy": "tries", "of": "cosine", "tries": 3}, steps=9, start=start,
        on_step=lambda view, take: seen.append(bool((view.tokens[:, 2] == 4).all())),
    )  # fmt: skip
    assert all(seen)
    assert torch.equal(out.tokens[start != MASK], start[start != MASK])
    assert [image.passes > 3 for image in out.trace.images] == [True] * 6 + [False]
    assert all(sum(image.committed) - sum(image.dropped) == 25 for image in out.trace.images[:6])


def test_with_fewer_passes_than_tries_there_are_as_many_as_passes():
    out, tries = told(ToyBackbone(), {"policy": "tries", "of": "cosine", "tries": 5}, 2)
    assert {len(own) for own in tries} == {2}
    assert {image.passes for image in out.trace.images} == {2}


def test_what_cannot_be_tried_again_is_refused_by_name():
    for of in ("ccd", "klass", "remdm", "free_correction"):
        with pytest.raises(LadrError, match=rf"of: policy '{build(of).name}' is not allowed; it looks back"):
            build({"policy": "tries", "of": of})
    for whole in ("tries", "careful"):
        with pytest.raises(LadrError, match="of: policy 'tries' is not allowed; it keeps whole pictures"):
            build({"policy": "tries", "of": whole})
        for pair in ("then", "union"):
            with pytest.raises(LadrError, match="second: policy 'tries' is not allowed; it keeps whole"):
                build({"policy": pair, "first": "cosine", "second": whole})
    with pytest.raises(LadrError, match="of: 'cosine' is not allowed; a policy, such as build"):
        Tries(of="cosine")
    for field, value in (("tries", 0), ("tries", 1.5), ("each", 0), ("branch", "both")):
        with pytest.raises(LadrError, match=f"{field}: "):
            build({"policy": "tries", field: value})


def test_a_rule_that_masks_cells_again_has_one_try():
    class Dropping(Policy):
        name = "dropping"

        def __call__(self, view):
            return Commit(view.masked & (view.gumbel > 1), drop=~view.masked & (view.gumbel > 2))

    with pytest.raises(LadrError, match="of: policy 'dropping' masks or writes over known cells"):
        decode(ToyBackbone(), PROMPTS, Tries(of=Dropping()), steps=8)


def test_it_plans_a_quarter_more_for_every_other_try():
    planned = [Tries(tries=n, each=16).planned for n in (1, 2, 3)]
    assert planned == [16, 20, 24]
    assert Tries(each=2).planned == 3
    assert Tries().planned == 32


def test_mistakes_inside_of_are_found_where_they_stand():
    row = {"policy": "tries", "of": {"policy": "doubt", "bugdet": 0.2}, "tris": 2}
    found = {issue.path: issue.message for issue in policy_issues(("row",), row)}
    assert "budget" in found["row", "of", "bugdet"]
    assert len([*policy_issues(("row",), row)]) == len(found) == 2
    assert "tries" in found["row", "tris"]
    assert ("row", "of") in {i.path for i in policy_issues(("row",), {"policy": "tries", "of": 3})}
    assert [*policy_issues(("row",), {"policy": "tries", "of": "doubt", "each": 16})] == []
    assert [*policy_issues(("row",), {"policy": "tries"})] == []


class Flags(Policy):
    """The first cell alone, and these flags for every image of every pass."""

    def __init__(self, **flags):
        self.flags = flags

    def __call__(self, view):
        every = torch.ones(len(view.tokens), dtype=torch.bool)
        cells = torch.arange(view.masked[0].numel()).view(1, *view.grid)
        return Commit(view.masked & (cells < 1), **{name: every & on for name, on in self.flags.items()})


def test_only_a_complete_picture_is_put_aside_and_only_such_a_one_is_taken_back():
    with pytest.raises(LadrError, match="best names an image with cells still to commit"):
        decode(ToyBackbone(), PROMPTS, Flags(best=True), steps=4)
    with pytest.raises(LadrError, match="over ends image 0 with the picture put aside, and there is none"):
        decode(ToyBackbone(), PROMPTS, Flags(over=True), steps=4)


def test_who_begins_anew_for_ever_is_stopped():
    with pytest.raises(LadrError, match="image 0 is not done after 35 passes"):
        decode(ToyBackbone(), PROMPTS, Flags(again=True), steps=4)


@pytest.mark.parametrize("value", [torch.ones(2), torch.ones(1, dtype=torch.bool), True])
def test_of_another_shape_or_kind_it_is_refused(value):
    class Wrong(Policy):
        def __call__(self, view):
            return Commit(view.masked, best=value)

    with pytest.raises(LadrError, match=r"best is .*, not a bool tensor \(2,\)"):
        decode(ToyBackbone(), PROMPTS[:2], Wrong(), steps=4)


def test_a_picture_kept_by_nobody_ends_as_it_is():
    class Twice(Policy):
        def __call__(self, view):
            return Commit(view.masked, again=torch.tensor([s == 0 for s in view.step]))

    out = decode(ToyBackbone(), PROMPTS, Twice(), steps=4)
    assert {image.passes for image in out.trace.images} == {2}
    assert bool((out.settled == 1).all())
    assert bool((out.tokens >= 0).all())


@pytest.mark.parametrize("of", ["doubt", {"policy": "doubt"}])
def test_a_field_of_the_tried_policy_can_be_swept(of):
    row = varied({"policy": "tries", "of": of}, {"of.budget": 0.3, "tries": 3})
    assert build(row) == build({"policy": "tries", "of": {"policy": "doubt", "budget": 0.3}, "tries": 3})
