"""Muon against the library's own, and what its orthogonalisation promises."""

import torch

from ladr.training.muon import Muon, orthogonalise


def weights(seed: int) -> list[torch.nn.Parameter]:
    torch.manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape)) for shape in ((8, 8), (8, 8), (24, 8), (8, 24))]


def test_steps_are_those_of_the_library():
    ours, theirs = weights(0), weights(0)
    mine = Muon(ours, lr=0.02, weight_decay=0.1)
    other = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1)
    for step in range(4):
        torch.manual_seed(100 + step)
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape)
            b.grad = a.grad.clone()
        mine.step()
        other.step()
    for a, b, start in zip(ours, theirs, weights(0), strict=True):
        assert (a - b).norm() < 0.02 * (b - start).norm()


def test_singular_values_come_near_one():
    torch.manual_seed(1)
    for shape in ((3, 16, 40), (2, 40, 16)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape) * 7))
        assert values.min() > 0.4
        assert values.max() < 1.4


def test_state_is_kept_under_the_librarys_name():
    ours = weights(2)
    optimizer = Muon(ours, lr=0.01, weight_decay=0.0)
    for w in ours:
        w.grad = torch.ones_like(w)
    optimizer.step()
    assert all(set(s) == {"momentum_buffer"} for s in optimizer.state_dict()["state"].values())
