"""Grid geometry against scipy's, and sets without neighbours against a plain walk."""

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from ladr import LadrError
from ladr.decoding.frontier import dilate, frontier, independent, parity, ranks, top

GRIDS = [(1, 1), (1, 9), (7, 1), (5, 8), (8, 5), (6, 6)]


def masks(grid, n=12):
    g = torch.Generator().manual_seed(3)
    share = torch.linspace(0, 1, n)[:, None, None]
    return torch.rand(n, *grid, generator=g) < share


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("kernel", [1, 3, 5, 9])
def test_frontier_is_scipys_dilation_of_the_observed(grid, kernel):
    square = np.ones((kernel, kernel), dtype=bool)
    batch = masks(grid)
    assert not batch[0].any()
    assert batch[-1].all()
    found = frontier(batch, kernel)
    for masked, edge in zip(batch.numpy(), found.numpy(), strict=True):
        assert (edge == (masked & binary_dilation(~masked, square))).all()


def test_nothing_observed_has_no_frontier():
    assert not frontier(torch.ones(2, 4, 4, dtype=torch.bool)).any()


@pytest.mark.parametrize("kernel", [0, 2, -3, 1.5, True, "3"])
def test_a_kernel_is_odd_and_positive(kernel):
    with pytest.raises(LadrError, match="kernel"):
        dilate(torch.ones(1, 3, 3, dtype=torch.bool), kernel)


def test_ranks_break_ties_by_cell_index():
    score = torch.tensor([[[1.0, 2.0, 1.0], [2.0, 0.0, 1.0]]])
    pool = torch.tensor([[[True, True, True], [True, True, False]]])
    assert ranks(score, pool).tolist() == [[[2, 0, 3], [1, 4, 5]]]
    take = top(score, torch.tensor([3]), pool)
    assert take.tolist() == [[[True, True, False], [True, False, False]]]


def test_top_takes_no_more_than_the_pool_and_each_image_its_own_count():
    score = torch.arange(12.0).view(2, 2, 3)
    pool = score % 2 == 0
    taken = top(score, torch.tensor([2, 9]), pool)
    assert taken.flatten(1).sum(1).tolist() == [2, 3]
    assert (taken & ~pool).sum() == 0


def walk(score, pool):
    """The definition: best first, lower index on ties, skip whatever touches a cell already taken."""
    H, W = score.shape
    taken = np.zeros((H, W), dtype=bool)
    for cell in sorted(range(H * W), key=lambda c: (-score[c // W, c % W], c)):
        h, w = divmod(cell, W)
        near = [(h - 1, w), (h + 1, w), (h, w - 1), (h, w + 1)]
        if pool[h, w] and not any(0 <= a < H and 0 <= b < W and taken[a, b] for a, b in near):
            taken[h, w] = True
    return taken


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_independent_is_the_greedy_walk(grid, levels):
    g = torch.Generator().manual_seed(levels)
    pool = masks(grid)
    score = torch.randint(levels, pool.shape, generator=g).float()
    found = independent(score, pool)
    for one, where, taken in zip(score.numpy(), pool.numpy(), found.numpy(), strict=True):
        assert (taken == walk(one, where)).all()


def test_parity_is_a_checkerboard_that_alternates():
    colours = parity((3, 4), torch.tensor([0, 1, 2]))
    assert colours[0].tolist() == [[(h + w) % 2 == 0 for w in range(4)] for h in range(3)]
    assert torch.equal(colours[1], ~colours[0])
    assert torch.equal(colours[2], colours[0])
