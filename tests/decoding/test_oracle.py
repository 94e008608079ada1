"""The oracle commits what a slower run has drawn in the end, and nothing else but to end."""

import pytest
import torch

from ladr import MASK, LadrError, backbones, build, decode
from ladr.decoding.policies.replay import SOURCES
from toy import ToyBackbone

PROMPTS = ["red", "green", "blue", "a", "bb"]
STEPS = 24


def both(backbone, steps=STEPS, **options):
    """The slower run, the oracle's, and for each of the oracle's passes its view and what it took."""
    options |= {"steps": steps, "seeds": range(5)}
    slow = decode(backbone, PROMPTS, "cosine", **options)
    seen = []
    policy = build("oracle").with_tokens(slow.tokens)
    quick = decode(backbone, PROMPTS, policy, on_step=lambda *one: seen.append(one), batch_size=3, **options)
    return slow, quick, seen


@pytest.mark.parametrize(
    "backbone", [backbones.load("field", grid=(8, 8), codes=4), ToyBackbone((8, 7))], ids=["field", "toy"]
)
def test_it_commits_what_the_slower_run_ends_with_and_one_cell_where_it_sees_none(backbone):
    slow, quick, seen = both(backbone)
    forced = torch.zeros(5, *backbone.grid, dtype=torch.bool)
    for view, take in seen:
        final = slow.tokens[view.images]
        for row, image in enumerate(view.images):
            right = view.masked[row] & (view.drawn[row] == final[row])
            if view.step[row] == STEPS - 1:
                assert torch.equal(take[row], view.masked[row])
            elif right.any():
                assert torch.equal(take[row], right)
            else:
                assert int(take[row].sum()) == 1
                assert view.top1[row][take[row]] == view.top1[row][view.masked[row]].max()
            forced[image] |= take[row] & ~right
    assert torch.equal(quick.tokens[~forced], slow.tokens[~forced])
    assert (quick.tokens != slow.tokens)[forced].all()
    assert 0 < forced.float().mean() < 0.5


def test_it_takes_fewer_passes_than_the_slower_run_and_never_more():
    slow, quick, _ = both(backbones.load("field", grid=(8, 8), codes=3))
    pairs = list(zip(quick.trace.images, slow.trace.images, strict=True))
    assert all(one.passes < other.passes == STEPS for one, other in pairs)
    chance, unlike = ToyBackbone(sharpness=0.0), build("oracle").with_tokens(slow.tokens[:, :6, :5])
    out = decode(chance, PROMPTS, unlike, steps=5, seeds=range(5, 10))
    assert {image.passes for image in out.trace.images} == {5}
    assert all(image.committed[-1] > 5 for image in out.trace.images)


def test_without_chance_it_draws_the_image_of_the_slower_run():
    slow, quick, _ = both(ToyBackbone((8, 7), sharpness=9.0), temperature=0.0)
    assert (quick.tokens == slow.tokens).float().mean() > 0.9
    assert sum(i.passes for i in quick.trace.images) < sum(i.passes for i in slow.trace.images)


def test_its_tokens_are_those_of_the_images_of_the_call():
    slow = decode(ToyBackbone(), PROMPTS, "cosine", steps=8)
    policy = build("oracle")
    whole = decode(ToyBackbone(), PROMPTS, policy.with_tokens(slow.tokens), steps=8, batch_size=2)
    order = [3, 0, 4]
    some = policy.with_tokens(slow.tokens[order].to(torch.int8))
    parts = decode(ToyBackbone(), [PROMPTS[i] for i in order], some, steps=8, seeds=order)
    assert torch.equal(parts.tokens, whole.tokens[order])
    assert some.spec == policy.spec


def test_in_a_pair_it_knows_the_tokens_too():
    pair = build({"policy": "union", "first": "oracle", "second": {"policy": "cosine"}})
    assert pair.foretold == "cosine"
    slow = decode(ToyBackbone(), PROMPTS, "cosine", steps=8)
    out = decode(ToyBackbone(), PROMPTS, pair.with_tokens(slow.tokens), steps=8)
    assert all(image.passes <= 8 for image in out.trace.images)
    with pytest.raises(LadrError, match="tokens to look for are missing"):
        decode(ToyBackbone(), PROMPTS, pair, steps=8)


def test_what_it_lacks_is_said_in_one_line():
    policy = build({"policy": "oracle", "of": "tokens:plain"})
    assert policy.foretold == "plain"
    assert policy.replays is None
    with pytest.raises(LadrError, match=r"tokens:plain.*row of params\.yaml.*with_tokens") as refused:
        decode(ToyBackbone(), PROMPTS, policy)
    assert "\n" not in str(refused.value)
    for tokens in (torch.full((4, 6, 5), MASK), torch.full((5, 5, 6), MASK)):
        with pytest.raises(LadrError, match=r"tokens:plain.*, \(5, 6, 5\) are needed"):
            decode(ToyBackbone(), PROMPTS, policy.with_tokens(tokens))
    for tokens in (None, [[1]], torch.zeros(5, 6, 5), torch.zeros(6, 5, dtype=torch.long)):
        with pytest.raises(LadrError, match=r"integers \(N, H, W\)"):
            policy.with_tokens(tokens)
    for other in ("cosine", *(word for word in SOURCES if word != "tokens:")):
        with pytest.raises(LadrError, match=r"of: .* is not allowed; tokens:NAME"):
            build({"policy": "oracle", "of": other})
