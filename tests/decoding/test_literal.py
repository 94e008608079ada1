"""Algorithm 1 to the letter, and why the project runs another reading of it."""

from itertools import pairwise

import pytest
import torch

from ladr import LADR, LadrError, build, decode
from toy import ToyBackbone

PRINTED = build({"policy": "ladr", "literal": True})


def watched(policy, *, grid=(16, 16), steps=32, **options):
    views = []
    out = decode(
        ToyBackbone(grid), ["x"], policy, steps=steps, seeds=[1],
        on_step=lambda view, take: views.append((view, take)), **options,
    )  # fmt: skip
    return out, views


def test_it_overwrites_what_it_has_already_observed():
    """Line 34 keeps the fresh sample of every cell that is not masked, observed ones included."""

    def rewritten(policy):
        _, views = watched(policy)
        changed = 0
        for (before, _), (after, _) in pairwise(views):
            known = ~before.masked
            changed += int((before.tokens[known] != after.tokens[known]).sum())
        return changed

    assert rewritten(PRINTED) > 100
    assert rewritten(LADR()) == 0


def test_it_commits_the_least_confident_cells():
    """Line 20 commits what comes after the first n_mask of a descending order: the wrong end."""
    _, views = watched(PRINTED)
    view, take = views[0]
    assert bool(take.any())
    assert float(view.top1[take].max()) <= float(view.top1[~take].min())
    _, views = watched(LADR(select="top1", noise=0.0))
    view, take = views[0]
    assert float(view.top1[take].min()) >= float(view.top1[~take].max())


def test_its_rescues_fall_on_the_first_rows_of_the_grid():
    """Line 29 sorts positions in the candidate list, line 30 uses them as cells."""
    out, _ = watched(PRINTED)
    rows = out.rescued[0].any(1).nonzero()[:, 0].float()
    ours, _ = watched(LADR())
    assert out.rescued.sum() < ours.rescued.sum() / 2
    assert float(rows.mean()) < 8


def test_it_takes_many_more_passes_and_ends_without_rescues():
    printed, _ = watched(PRINTED, grid=(32, 32), steps=64)
    ours, _ = watched(LADR(), grid=(32, 32), steps=64)
    a, b = printed.trace.images[0], ours.trace.images[0]
    assert a.passes > 1.5 * b.passes
    assert a.passes <= 64
    assert sum(a.rescued[-5:]) < sum(b.rescued[-5:]) / 4


def test_it_needs_predictions_at_observed_cells():
    with pytest.raises(LadrError, match="observed cells"):
        decode(ToyBackbone(packed=True), ["x"], PRINTED, steps=8)
    out = decode(ToyBackbone(), ["x", "y", "z"], PRINTED, steps=8, batch_size=2)
    assert bool((out.tokens >= 0).all())
    alone = decode(ToyBackbone(), ["z"], PRINTED, steps=8, seeds=[2])
    assert torch.equal(alone.tokens[0], out.tokens[2])
