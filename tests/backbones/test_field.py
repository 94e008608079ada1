"""The exact field backbone against brute force over every grid."""

from itertools import product

import pytest
import torch

from ladr.backbones.exact.field import PIXELS, Field, FieldSpec
from ladr.backbones.exact.transfer import Transfer
from ladr.base.errors import LadrError

GRIDS = [(3, 3, 3), (2, 4, 2), (4, 2, 3), (1, 6, 3), (5, 1, 2), (1, 1, 4)]


def random_grids(H, W, K, B=2, seed=0):
    """B grids with a different bond everywhere, some of them repelling."""
    stream = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=stream, dtype=torch.float64)  # noqa: E731
    return Transfer(draw(B, H, W, K), 1.5 * draw(B, H - 1, W), 1.5 * draw(B, H, W - 1))


def all_grids(H, W, K):
    return torch.tensor(list(product(range(K), repeat=H * W))).view(-1, H, W)


def score_by_hand(grid, x):
    """The exponent of p(x) of one flat grid, cell by cell, sharing no code with Transfer."""
    unary, down, right = grid
    total = 0.0
    for r, c in product(range(len(x)), range(len(x[0]))):
        total += unary[r][c][x[r][c]]
        total += down[r][c] if r + 1 < len(x) and x[r][c] == x[r + 1][c] else 0
        total += right[r][c] if c + 1 < len(x[0]) and x[r][c] == x[r][c + 1] else 0
    return total


def brute(H, W, K, B=2):
    """The grids of `random_grids`, every x (n,H,W), and p(x) of each grid (B,n) and log Z (B,)."""
    stream = torch.Generator().manual_seed(0)
    parts = [torch.randn(*s, generator=stream, dtype=torch.float64) for s in
             [(B, H, W, K), (B, H - 1, W), (B, H, W - 1)]]  # fmt: skip
    parts[1:] = [1.5 * parts[1], 1.5 * parts[2]]
    x = all_grids(H, W, K)
    scores = torch.tensor(
        [[score_by_hand([p[b].tolist() for p in parts], g) for g in x.tolist()] for b in range(B)],
        dtype=torch.float64,
    )
    return random_grids(H, W, K, B), x, scores.softmax(1), scores.logsumexp(1)


@pytest.mark.parametrize("shape", GRIDS)
def test_partition_function_entropy_and_log_prob_equal_brute_force(shape):
    truth, x, p, log_z = brute(*shape)
    assert torch.allclose(truth.log_partition(), log_z, rtol=0, atol=1e-10)
    assert torch.allclose(truth.entropy(), -(p * p.log()).sum(1), rtol=0, atol=1e-10)
    some = [0, len(x) // 3, len(x) - 1]
    for i in some:
        assert torch.allclose(truth.log_prob(x[[i, i]]), p[:, i].log(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", GRIDS)
def test_marginals_given_any_observed_cells_equal_brute_force(shape):
    H, W, K = shape
    truth, x, p, _ = brute(*shape)
    stream = torch.Generator().manual_seed(1)
    for share in (0.0, 0.3, 0.6, 1.0):
        code = torch.randint(K, (2, H, W), generator=stream)
        tokens = torch.where(torch.rand(2, H, W, generator=stream) < share, code, -1)
        agree = torch.stack([((row < 0) | (x == row)).flatten(1).all(1) for row in tokens])
        given = p * agree / (p * agree).sum(1, keepdim=True)
        expected = torch.stack([(given[:, :, None, None] * (x == k)).sum(1) for k in range(K)], -1)
        got = truth.log_marginals(tokens)
        assert got.shape == (2, H, W, K)
        assert torch.isfinite(got).all()
        assert torch.allclose(got.exp(), expected, rtol=0, atol=1e-10)
        assert torch.allclose(truth.log_evidence(tokens), (p * agree).sum(1).log(), rtol=0, atol=1e-9)


def test_local_conditionals_are_the_marginals_given_everything_else():
    truth = random_grids(3, 4, 3)
    x = torch.randint(3, (2, 3, 4), generator=torch.Generator().manual_seed(2))
    local = truth.local_log_probs(x)
    for r, c in product(range(3), range(4)):
        hidden = x.clone()
        hidden[:, r, c] = -1
        assert torch.allclose(local[:, r, c], truth.log_marginals(hidden)[:, r, c], rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(3, 2, 3), (2, 3, 2)])
def test_samples_follow_the_exact_distribution(shape):
    H, W, K = shape
    truth, x, p, _ = brute(*shape)
    n = 40_000
    drawn = truth[1:].sample(torch.rand(n, H, W, generator=torch.Generator().manual_seed(3)))
    place = K ** torch.arange(H * W - 1, -1, -1)
    count = torch.bincount((drawn.flatten(1) * place).sum(1), minlength=len(x)).double()
    chi2 = ((count - n * p[1]) ** 2 / (n * p[1])).sum()
    freedom = len(x) - 1
    assert abs(chi2 - freedom) < 5 * (2 * freedom) ** 0.5


def test_conditional_samples_keep_the_observed_cells_and_their_own_grid():
    truth = random_grids(3, 3, 3)
    tokens = torch.full((2, 3, 3), -1)
    tokens[0, 1, 1], tokens[1, 0, 2] = 2, 1
    n = 4000
    owner = torch.arange(2).repeat_interleave(n)
    uniforms = torch.rand(2 * n, 3, 3, generator=torch.Generator().manual_seed(4))
    drawn = truth.sample(uniforms, tokens, owner)
    assert (drawn[:n, 1, 1] == 2).all()
    assert (drawn[n:, 0, 2] == 1).all()
    share = torch.stack([(drawn.view(2, n, 3, 3) == k).double().mean(1) for k in range(3)], -1)
    assert (share - truth.log_marginals(tokens).exp()).abs().max() < 0.04


def test_strong_coupling_and_improbable_evidence_stay_finite():
    truth = Field((10, 10), 2, coupling=12.0, external=0.0).truth()
    tokens = torch.full((1, 10, 10), -1)
    tokens[0, ::2, ::2], tokens[0, 1::2, 1::2] = 0, 1
    marginals = truth.log_marginals(tokens)
    assert torch.isfinite(marginals).all()
    assert torch.allclose(marginals.exp().sum(-1), torch.ones(1, 10, 10, dtype=torch.float64))
    assert truth.entropy()[0] == pytest.approx(torch.tensor(2.0).log().item(), abs=1e-3)


def test_large_enough_grids_are_supported():
    for grid, codes in (((8, 8), 3), ((10, 10), 2)):
        backbone = Field(grid, codes)
        logits = backbone.bind([""]).logits(torch.full((1, *grid), -1), torch.tensor([0]))
        assert logits.shape == (1, *grid, codes)
    with pytest.raises(LadrError, match=r"3\^16 states"):
        Field((16, 16), 3).truth()


def test_prompts_choose_the_grid():
    backbone = Field((3, 4), 3)
    denoiser = backbone.bind(["", "coupling=0", "seed=7, coupling = 1.5", "a red cup", "a blue cup"])
    tokens = torch.full((5, 3, 4), -1)
    tokens[:, 0, 0] = 1
    logits = denoiser.logits(tokens, torch.arange(5))
    alone = backbone.bind(["seed=7 coupling=1.5"]).logits(tokens[:1], torch.tensor([0]))
    assert torch.equal(logits[2:3], alone)
    assert not torch.allclose(logits[3], logits[4])
    free = FieldSpec(coupling=0.0).parameters((3, 4), 3)[0].log_softmax(-1)
    assert torch.allclose(logits[1, 1:], free[1:])  # without coupling an observed cell tells nothing
    assert torch.equal(denoiser.logits(tokens[:2], torch.tensor([3, 3]))[1], logits[3])


@pytest.mark.parametrize("prompt", ["couplnig=1", "coupling=high", "seed=1.5"])
def test_a_bad_prompt_names_the_setting(prompt):
    with pytest.raises(LadrError, match=prompt.split("=")[0]):
        Field().bind([prompt])


@pytest.mark.parametrize("settings", [{"coupling": float("nan")}, {"coupling": 40.0}, {"beta": 1.0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(LadrError, match=r"coupling|beta"):
        Field((8, 8), 3, **settings).truth()


def test_contrast_couples_the_left_half_more_strongly():
    _, down, right = FieldSpec(coupling=1.0, contrast=0.5).parameters((4, 4), 3)
    assert down[0].tolist() == [1.5, 1.5, 0.5, 0.5]
    assert right[0].tolist() == [1.5, 1.5, 0.5]


def test_render_draws_one_square_per_cell_and_grey_where_masked():
    image = Field((2, 3), 3).render(torch.tensor([[[0, 1, 2], [-1, 0, 1]]]))
    assert image.shape == (1, 2 * PIXELS, 3 * PIXELS, 3)
    assert image.dtype.name == "uint8"
    corners = image[0, ::PIXELS, ::PIXELS].reshape(-1, 3)
    assert len({tuple(c) for c in corners}) == 4
    assert len(set(corners[3].tolist())) == 1
