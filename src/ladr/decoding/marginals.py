"""The predicted distributions of the masked cells, read in one sweep.

A full table of probabilities is never stored: rows are swept in chunks that stay in the processor's cache,
and what a decoder needs (drawn code, its probability, arg-max, the two largest probabilities) is kept.
"""

import math
from functools import cached_property

from ladr.base.late import Tensor, torch
from ladr.base.late import functional as nn


def _blocks(p: Tensor) -> Tensor:
    """(n, K) -> (n, K / block, block), block near the root of K, the tail filled with zeros.

    A search goes through the sums or peaks of the blocks first, then through one block.
    """
    K = p.shape[1]
    if K < 32:
        return p[:, None]
    block = 1 << math.ceil(math.log2(K) / 2)
    if K % block:
        p = nn.pad(p, (0, block - K % block))
    return p.view(len(p), -1, block)


def _pick(blocks: Tensor, which: Tensor) -> Tensor:
    """Block `which` (n,) of each row: (n, block)."""
    return blocks[torch.arange(len(blocks), device=blocks.device), which]


def _first_above(mass: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Index of the first running sum above the target, and the sum before it; never an entry without mass."""
    running = mass.cumsum(-1)
    below = torch.nextafter(running[:, -1], torch.zeros_like(target))
    target = torch.minimum(target, below)
    index = (running <= target[:, None]).sum(-1)
    before = running.gather(1, (index - 1).clamp_min(0)[:, None])[:, 0]
    return index, target - torch.where(index > 0, before, torch.zeros_like(before))


def inverse_cdf(blocks: Tensor, uniform: Tensor) -> Tensor:
    """(n,) int64 codes: the inverse of the cumulative sum of blocks (n, b, block) at uniform (n,) in [0,
    1)."""
    sums = blocks.sum(-1)
    which, rest = _first_above(sums, uniform * sums.sum(-1))
    within, _ = _first_above(_pick(blocks, which), rest)
    return which * blocks.shape[2] + within


def _best_two(blocks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Arg-max (the lowest code on ties), largest and second largest probability of each row."""
    peaks = blocks.amax(-1)
    which = peaks.argmax(-1)
    inside = _pick(blocks, which).clone()
    within = inside.argmax(-1)
    best = inside.gather(1, within[:, None])[:, 0]
    inside.scatter_(1, within[:, None], 0)
    others = peaks.scatter(1, which[:, None], 0)
    second = torch.maximum(inside.amax(-1), others.amax(-1))
    return which * blocks.shape[2] + within, best, second


class Marginals:
    """Predicted distributions of M cells from logits (M, K) after guidance; probabilities are at
    temperature 1.

    `argmax`, `top1`, `top2`, `entropy`, `logit_gap` are (M,) and computed when first read.
    """

    def __init__(self, logits: Tensor):
        self.logits = logits.float()
        self._stats: tuple[Tensor, ...] | None = None
        self._drawn: tuple[Tensor, ...] | None = None

    @property
    def codes(self) -> int:
        return self.logits.shape[1]

    def _chunks(self) -> list[slice]:
        M, K = self.logits.shape
        size = max(1, (1 << 19) // K) if self.logits.device.type == "cpu" else 4096
        return [slice(a, a + size) for a in range(0, M, size)] or [slice(0, 0)]

    def _sweep(self, uniform: Tensor | None = None, temperature: float = 1.0) -> None:
        stats, drawn = [], []
        for rows in self._chunks():
            p = self.logits[rows].softmax(-1)
            blocks = _blocks(p)
            stats.append(_best_two(blocks))
            if uniform is not None:
                if temperature != 1:
                    blocks = _blocks((self.logits[rows] / temperature).softmax(-1))
                codes = inverse_cdf(blocks, uniform[rows])
                drawn.append((codes, p.gather(1, codes[:, None])[:, 0]))
        self._stats = tuple(map(torch.cat, zip(*stats, strict=True)))
        if drawn:
            self._drawn = tuple(map(torch.cat, zip(*drawn, strict=True)))

    def draw(self, uniform: Tensor, temperature: float = 1.0) -> Tensor:
        """(M,) int64: one code per cell from one uniform per cell; temperature 0 is the arg-max.

        A code of probability zero is never drawn.
        """
        if temperature == 0:
            return self.argmax
        self._sweep(uniform, temperature)
        return self._drawn[0]

    def _stat(self, i: int) -> Tensor:
        if self._stats is None:
            self._sweep()
        return self._stats[i]

    @property
    def finite(self) -> Tensor:
        """(M,) bool: no NaN or +inf among a cell's logits, and not -inf alone."""
        return torch.isfinite(self.logits.amax(-1) if self._stats is None else self.top1)

    @property
    def argmax(self) -> Tensor:
        return self._stat(0)

    @property
    def top1(self) -> Tensor:
        return self._stat(1)

    @cached_property
    def peak(self) -> Tensor:
        """`top1` without what else a sweep finds, for marginals of which nothing else is asked."""
        if self._stats is not None:
            return self.top1
        out = [torch.exp(self.logits[r].amax(-1) - self.logits[r].logsumexp(-1)) for r in self._chunks()]
        return torch.cat(out)

    @property
    def top2(self) -> Tensor:
        return self._stat(2)

    def prob(self, codes: Tensor) -> Tensor:
        """(M,) probability of one code per cell; free for the codes that `draw` returned last."""
        if self._drawn is not None and codes is self._drawn[0]:
            return self._drawn[1]
        out = [self.logits[r].softmax(-1).gather(1, codes[r, None])[:, 0] for r in self._chunks()]
        return torch.cat(out)

    @cached_property
    def entropy(self) -> Tensor:
        """Shannon entropy in nats."""
        out = []
        for rows in self._chunks():
            p = self.logits[rows].softmax(-1)
            out.append(torch.special.entr(p).sum(-1))
        return torch.cat(out)

    @cached_property
    def logit_gap(self) -> Tensor:
        """Difference of the two largest logits (infinite for K = 1)."""
        if self.codes == 1:
            return torch.full_like(self.logits[:, 0], torch.inf)
        best = self.logits.topk(2, dim=-1).values
        return best[:, 0] - best[:, 1]

    def log_moment(self, beta: float) -> Tensor:
        """(M,) log of the sum over codes of p^beta."""
        out = []
        for rows in self._chunks():
            logits = self.logits[rows]
            out.append((beta * logits).logsumexp(-1) - beta * logits.logsumexp(-1))
        return torch.cat(out)

    def kl(self, other: "Marginals", place: Tensor) -> Tensor:
        """(M,) KL(this || other) in nats, cell i of this against cell place[i] of the other."""
        out = []
        for rows in self._chunks():
            log_p = self.logits[rows].log_softmax(-1)
            log_q = other.logits[place[rows].clamp_min(0)].log_softmax(-1)
            p = log_p.exp()
            out.append(torch.where(p > 0, p * (log_p - log_q), 0).sum(-1))
        return torch.cat(out)

    def rows(self, cells: Tensor) -> "Marginals":
        """The marginals of the cells where cells (M,) bool holds."""
        out = Marginals(self.logits[cells])
        if self._stats is not None:
            out._stats = tuple(s[cells] for s in self._stats)
        return out
