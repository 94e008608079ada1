"""Streams that belong to images, draws with the right frequencies, and the reference decoder's recipe."""

import pytest
import torch

from ladr import LadrError
from ladr.decoding.marginals import Marginals
from ladr.decoding.noise import ImageStreams, UpstreamGumbel, gumbel_of, seed_of


def test_seeds_are_stable_across_releases():
    assert seed_of("mini-geneval", "color/0001", 0) == 860691031724048859
    assert seed_of("a", "b", 0) != seed_of("a", "b", 1) != seed_of("a", "b\x1f1", 0)
    assert 0 <= seed_of("x", "y", 3) < 2**63


def test_a_stream_belongs_to_its_image():
    masked = torch.ones(3, 4, 5, dtype=torch.bool)
    together = ImageStreams([5, 6, 7])
    first = together.gumbel([0, 1, 2], masked)
    second = together.gumbel([2, 0], masked[:2])
    alone = ImageStreams([7])
    assert torch.equal(alone.gumbel([0], masked[:1])[0], first[2])
    assert torch.equal(alone.gumbel([0], masked[:1])[0], second[0])
    assert not torch.equal(first[0], first[1])


def test_tokens_cost_one_uniform_per_cell_whatever_is_masked():
    masked = torch.zeros(1, 4, 5, dtype=torch.bool)
    masked[0, 1, 2] = True
    some, full = ImageStreams([1]), ImageStreams([1])
    some.tokens([0], masked, Marginals(torch.zeros(1, 6)), 1.0)
    full.tokens([0], torch.ones_like(masked), Marginals(torch.zeros(20, 6)), 0.5)
    assert torch.equal(some.gumbel([0], masked), full.gumbel([0], masked))


def test_keys_shift_no_stream_and_depend_on_their_label():
    a, b = ImageStreams([1, 2]), ImageStreams([1, 2])
    masked = torch.ones(2, 3, 3, dtype=torch.bool)
    keys = a.keys([0, 1], ["x/0", "x/0"], (3, 3))
    assert torch.equal(a.gumbel([0, 1], masked), b.gumbel([0, 1], masked))
    assert torch.equal(b.keys([1], ["x/0"], (3, 3))[0], keys[1])
    assert not torch.equal(a.keys([0], ["x/1"], (3, 3))[0], keys[0])


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "3"])
def test_a_seed_is_a_63_bit_integer(seed):
    with pytest.raises(LadrError, match=r"seeds\[1\]"):
        ImageStreams([0, seed])


@pytest.mark.parametrize("codes", [2, 5, 64, 600, 1024])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_draws_follow_the_distribution(codes, temperature):
    """Evenly spaced uniforms through the inverse CDF give each code its share, to one part in n."""
    g = torch.Generator().manual_seed(codes)
    logits = 2 * torch.randn(codes, generator=g)
    n = 20_000
    uniform = (torch.arange(n) + 0.5) / n
    drawn = Marginals(logits.expand(n, -1)).draw(uniform, temperature)
    share = torch.bincount(drawn, minlength=codes) / n
    assert (share - (logits / temperature).softmax(-1)).abs().max() < 2 / n


@pytest.mark.parametrize("codes", [3, 40, 700, 1024])
def test_codes_without_probability_are_never_drawn(codes):
    g = torch.Generator().manual_seed(1)
    logits = torch.randn(4000, codes, generator=g).masked_fill(
        torch.rand(4000, codes, generator=g) < 0.7, -torch.inf
    )
    logits[:, codes // 2] = 0.0
    uniform = torch.rand(4000, generator=g)
    uniform[:50], uniform[50:100] = 0.0, 1 - 2**-24
    drawn = Marginals(logits).draw(uniform, 1.0)
    assert 0 <= int(drawn.min()) <= int(drawn.max()) < codes
    assert logits.gather(1, drawn[:, None]).isfinite().all()


@pytest.mark.parametrize("codes", [1, 2, 3, 31, 32, 33, 64, 500, 1024])
def test_the_sweep_equals_a_full_table(codes):
    g = torch.Generator().manual_seed(codes)
    logits = 3 * torch.randn(3000, codes, generator=g)
    logits[::7] = logits[::7].round()  # ties
    m, p = Marginals(logits), logits.softmax(-1)
    best = p.topk(min(2, codes), dim=-1).values
    assert torch.equal(m.argmax, p.argmax(-1))
    assert torch.equal(m.top1, best[:, 0])
    assert torch.equal(m.top2, best[:, 1] if codes > 1 else torch.zeros(3000))
    codes_drawn = m.draw(torch.rand(3000, generator=g), 1.0)
    assert torch.equal(m.prob(codes_drawn), p.gather(1, codes_drawn[:, None])[:, 0])
    assert torch.allclose(m.entropy, torch.special.entr(p).sum(-1), atol=1e-5)
    other = Marginals(3 * torch.randn(3000, codes, generator=g))
    q = other.logits.softmax(-1)
    assert torch.allclose(m.kl(other, torch.arange(3000)), (p * (p / q).log()).sum(-1), atol=1e-3)


def test_rows_do_not_depend_on_their_company():
    """The same cell gives the same code, bit for bit, in any number of cells, at any place."""
    g = torch.Generator().manual_seed(9)
    for codes in (3, 64, 192, 1000, 1024):
        logits, uniform = 4 * torch.randn(150, codes, generator=g), torch.rand(150, generator=g)
        m = Marginals(logits)
        drawn = m.draw(uniform)
        for i in (0, 1, 70, 149):
            one = Marginals(logits[i : i + 1])
            assert one.draw(uniform[i : i + 1])[0] == drawn[i]
            assert one.top1[0] == m.top1[i]
            assert one.top2[0] == m.top2[i]


def test_half_precision_logits_are_read_in_float32():
    logits = torch.tensor([[8.0, 7.9375, 0.0]], dtype=torch.bfloat16)
    m = Marginals(logits)
    assert m.top1.dtype == torch.float32
    assert float(m.top1 - m.top2) == pytest.approx(0.0312, abs=1e-3)


def test_the_reference_recipe_consumes_what_it_should():
    """Gumbel-max over (1, n, K), then (1, n); at temperature 0 the first draw is left out."""
    masked = torch.tensor([[[True, False], [True, True]]])
    logits = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    g = torch.Generator().manual_seed(11)
    u, v = torch.rand((1, 3, 6), generator=g), torch.rand((1, 3), generator=g)
    noise = UpstreamGumbel(11)
    drawn = noise.tokens([0], masked, Marginals(logits), 2.0)
    assert torch.equal(drawn, (logits / 2 + gumbel_of(u[0])).argmax(-1))
    chosen = noise.gumbel([0], masked)
    assert torch.equal(chosen[masked], gumbel_of(v[0]))
    assert torch.equal(torch.rand(4, generator=noise.generator), torch.rand(4, generator=g))
    greedy = UpstreamGumbel(11)
    assert torch.equal(greedy.tokens([0], masked, Marginals(logits), 0), logits.argmax(-1))
    first = torch.rand((1, 3), generator=torch.Generator().manual_seed(11))
    assert torch.equal(greedy.gumbel([0], masked)[masked], gumbel_of(first[0]))


def test_the_reference_recipe_is_for_one_image():
    with pytest.raises(LadrError, match="one image at a time"):
        UpstreamGumbel(0).tokens([0, 1], torch.ones(2, 1, 1, dtype=torch.bool), None, 1.0)


@pytest.mark.parametrize("swept", [False, True])
def test_logits_without_a_finite_peak_are_told_whether_swept_or_not(swept):
    logits = torch.zeros(4, 5)
    logits[0, 1], logits[1, 2], logits[2, 0], logits[3] = -torch.inf, torch.nan, torch.inf, -torch.inf
    m = Marginals(logits)
    if swept:
        m.draw(torch.full((4,), 0.5))
    assert m.finite.tolist() == [True, False, False, False]
