"""The predicted distributions of the masked cells, read in one sweep.

A full table of probabilities is never stored: rows are swept in chunks that stay in the processor's cache,
and what a decoder needs (drawn code, its probability, arg-max, the two largest probabilities) is kept.
"""

import math
from collections.abc import Callable
from functools import cached_property

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.base.late import functional as nn

COLDEST = 1e-30  # colder draws are its arg-max, and float32 knows no reciprocal


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
    return p.view(len(p), p.shape[1] // block, block)


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


def _mended(values: Tensor, slowly: Callable[[Tensor], Tensor]) -> Tensor:
    """(M,) values, those that are NaN computed anew by `slowly(cells)`, cells (M,) bool: zero times infinity
    comes from logits of -inf."""
    wrong = values.isnan()
    if bool(wrong.any()):
        values[wrong] = slowly(wrong)
    return values


def _cooled(logits: Tensor, temperature: float) -> Tensor:
    """logits (n, K) over the temperature; the largest is subtracted first where that would leave float32."""
    temperature = min(max(temperature, COLDEST), 1 / COLDEST)
    cooled = logits / temperature
    if not bool(torch.isfinite(cooled.amax(-1)).all()):
        cooled = (logits - logits.amax(-1, keepdim=True)) / temperature
    return cooled


class Marginals:
    """Predicted distributions of M cells from logits (M, K) after guidance; probabilities are at
    temperature 1.

    All maps are (M,) and computed when first read, then kept. A draw sweeps the table once and leaves
    `argmax`, `top1` and `top2`, from which `prob` and `logit_gap` follow; `entropy`, `log_moment` and `kl`
    take one softmax more, and `peak` alone takes one softmax.
    """

    def __init__(self, logits: Tensor):
        self._raw = logits
        self._stats: tuple[Tensor, ...] | None = None
        self._drawn: tuple[Tensor, ...] | None = None

    @cached_property
    def logits(self) -> Tensor:
        """(M, K) float32. The logits of a branch that nothing reads are not converted."""
        return self._raw.float()

    @property
    def codes(self) -> int:
        return self._raw.shape[1]

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
                    blocks = _blocks(_cooled(self.logits[rows], temperature).softmax(-1))
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
        return torch.isfinite(self.peak)

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
        return torch.cat([self.logits[rows].softmax(-1).amax(-1) for rows in self._chunks()])

    @property
    def top2(self) -> Tensor:
        return self._stat(2)

    @cached_property
    def best_logit(self) -> Tensor:
        """(M,) the largest logit of each cell."""
        return self.logits.gather(1, self.argmax[:, None])[:, 0]

    def prob(self, codes: Tensor) -> Tensor:
        """(M,) probability of one code per cell, from `peak` and the largest logit. No softmax but that of
        `peak`."""
        if self._drawn is not None and codes is self._drawn[0]:
            return self._drawn[1]
        best = self.logits.amax(-1) if self._stats is None else self.best_logit
        return self.peak * torch.exp(self.logits.gather(1, codes[:, None])[:, 0] - best)

    @cached_property
    def entropy(self) -> Tensor:
        """Shannon entropy in nats."""
        out = []
        for rows in self._chunks():
            below = self.logits[rows] - self.best_logit[rows, None]
            p = below.softmax(-1)
            out.append(-torch.linalg.vecdot(p, below))
        entropy = (torch.cat(out) - self.top1.log()).clamp_min(0)
        return _mended(entropy, lambda cells: torch.special.entr(self.logits[cells].softmax(-1)).sum(-1))

    @cached_property
    def logit_gap(self) -> Tensor:
        """Difference of the two largest logits (infinite for K = 1). No sweep of its own."""
        if self.codes == 1:
            return torch.full_like(self.logits[:, 0], torch.inf)
        gap = self.top1.log() - self.top2.log()
        vanished = self.top2 < torch.finfo(torch.float32).tiny
        if bool(vanished.any()):
            best = self.logits[vanished].topk(2, dim=-1).values
            gap[vanished] = best[:, 0] - best[:, 1]
        return gap

    def log_moment(self, beta: float) -> Tensor:
        """(M,) log of the sum over codes of p^beta: of p^beta, normalised, the largest is known in two
        ways."""
        colder = [(beta * self.logits[rows]).softmax(-1).amax(-1) for rows in self._chunks()]
        return beta * self.top1.log() - torch.cat(colder).log()

    def kl(self, other: "Marginals", place: Tensor) -> Tensor:
        """(M,) KL(this || other) in nats, cell i of this against cell place[i] of the other."""
        place = place.clamp_min(0)
        out = []
        for rows in self._chunks():
            logits = self.logits[rows]
            out.append(torch.linalg.vecdot(logits.softmax(-1), logits - other.logits[place[rows]]))
        best = self.best_logit - other.best_logit[place]
        kl = torch.cat(out) - best + self.top1.log() - other.top1[place].log()
        return _mended(kl.clamp_min(0), lambda cells: self._kl(other, cells, place[cells]))

    def _kl(self, other: "Marginals", cells: Tensor, place: Tensor) -> Tensor:
        """The same for a few cells, in which codes of probability zero are left out of the sum."""
        log_p = self.logits[cells].log_softmax(-1)
        log_q = other.logits[place].log_softmax(-1)
        p = log_p.exp()
        return torch.where(p > 0, p * (log_p - log_q), 0).sum(-1)

    def rows(self, cells: Tensor) -> "Marginals":
        """The marginals of the cells where cells (M,) bool holds."""
        out = Marginals(self.logits[cells])
        if self._stats is not None:
            out._stats = tuple(s[cells] for s in self._stats)
        return out


def check_finite(marginals: Marginals, name: str = "logits") -> None:
    """Raise if the logits of a cell contain NaN or +inf, or nothing but -inf; `name` begins the message."""
    fine = marginals.finite
    if not bool(fine.all()):
        cell = int((~fine).nonzero()[0])
        peak = float(marginals.logits[cell].amax())
        raise LadrError(f"{name}: {peak} as the largest of predicted cell {cell}; a finite number is wanted")
