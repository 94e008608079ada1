"""Exact inference on small Potts grids: partition functions, marginals and samples by a transfer matrix.

A grid of H x W cells with K codes has p(x) ~ exp(sum_i unary[i, x_i] + sum_<ij> bond[ij] [x_i = x_j]).
Cells are added one by one in raster order; the message is a table over the codes of the last cell of every
column (K^W numbers), and one more cell costs a sum and a scaled addition, because a Potts bond is
1 + (e^bond - 1) I. Messages are float64, rescaled once per row, the scales kept as logarithms.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ladr.base.errors import LadrError

STATES = 2**17  # most numbers in one message: 16 x 16 with 2 codes, 10 x 10 with 3
BYTES = 2**26  # memory for the stored messages of one chunk of grids
RANGE = 600.0  # nats between the largest and smallest number of a message; float64 holds about 700


class Transfer:
    """B Potts grids at once: unary (B,H,W,K), down (B,H-1,W) and right (B,H,W-1) bonds, all in nats.

    Every method takes partially observed grids as `tokens` (B,H,W), negative where nothing is observed, or
    None for nothing observed anywhere, and is exact to rounding. One grid alone serves any number of tokens.
    """

    def __init__(self, unary: Tensor, down: Tensor, right: Tensor):
        self.flipped = unary.shape[2] > unary.shape[1]  # the message spans the shorter side
        if self.flipped:
            unary, down, right = unary.transpose(1, 2), right.transpose(1, 2), down.transpose(1, 2)
        self.unary, self.down, self.right = unary.double(), down.double(), right.double()
        self.B, self.H, self.W, self.K = unary.shape
        self._check()

    def __getitem__(self, index: Any) -> "Transfer":
        """The grids named by an index or a mask over the batch, as a new batch."""
        part = object.__new__(Transfer)
        part.__dict__.update(self.__dict__)
        part.unary, part.down, part.right = self.unary[index], self.down[index], self.right[index]
        part.B = len(part.unary)
        return part

    def spread(self, tokens: Tensor | None) -> "Transfer":
        """This batch, or its only grid once for each of the tokens (n,H,W)."""
        many = tokens is not None and self.B == 1 and len(tokens) != 1
        return self[[0] * len(tokens)] if many else self

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) of complete grids x (B,H,W) -> (B,)."""
        return self.score(x) - self.log_partition()

    def score(self, x: Tensor) -> Tensor:
        """Unnormalised log p(x): the exponent above, (B,H,W) -> (B,)."""
        self, x = self.spread(x), self._turn(x)
        total = self.unary.gather(3, x[..., None]).sum((1, 2, 3))
        total = total + (self.down * (x[:, 1:] == x[:, :-1])).sum((1, 2))
        return total + (self.right * (x[:, :, 1:] == x[:, :, :-1])).sum((1, 2))

    def log_partition(self, tokens: Tensor | None = None) -> Tensor:
        """log of the total weight of all completions of each grid -> (B,)."""
        self = self.spread(tokens)
        log_weight, top = self._weights(tokens)
        rows = list(self._forward(log_weight))
        return rows[-1][1].sum(0).log() + sum(scale for _, _, scale in rows) + top

    def log_evidence(self, tokens: Tensor) -> Tensor:
        """log p(observed cells) -> (B,)."""
        return self.log_partition(tokens) - self.log_partition()

    def log_marginals(self, tokens: Tensor | None = None) -> Tensor:
        """log p(x_i | observed) for every cell -> (B,H,W,K), finite everywhere (at least log 1e-300)."""
        self = self.spread(tokens)
        chunk = max(1, BYTES // (8 * self.H * self.K**self.W))
        parts = []
        for start in range(0, self.B, chunk):
            rows = slice(start, start + chunk)
            parts.append(self[rows]._marginals(None if tokens is None else tokens[rows]))
        exact = torch.cat(parts).clamp_min(1e-300).log()
        return exact.transpose(1, 2) if self.flipped else exact

    def entropy(self) -> Tensor:
        """H(p) in nats -> (B,): log Z minus the mean exponent, the slope of log Z when all terms scale."""
        with torch.enable_grad():
            by = torch.ones(self.B, dtype=torch.float64, device=self.unary.device, requires_grad=True)
            scaled = self[:]
            scaled.unary = self.unary * by[:, None, None, None]
            scaled.down, scaled.right = self.down * by[:, None, None], self.right * by[:, None, None]
            log_z = scaled.log_partition()
            (mean,) = torch.autograd.grad(log_z.sum(), by)
        return (log_z - mean).detach()

    def local_log_probs(self, x: Tensor) -> Tensor:
        """log p(x_i = k | every other cell of x) for complete grids (B,H,W) -> (B,H,W,K)."""
        self, x = self.spread(x), self._turn(x)
        same = torch.nn.functional.one_hot(x, self.K).double()
        logits = self.unary.clone()
        logits[:, 1:] += self.down[..., None] * same[:, :-1]
        logits[:, :-1] += self.down[..., None] * same[:, 1:]
        logits[:, :, 1:] += self.right[..., None] * same[:, :, :-1]
        logits[:, :, :-1] += self.right[..., None] * same[:, :, 1:]
        local = logits.log_softmax(-1)
        return local.transpose(1, 2) if self.flipped else local

    def sample(self, uniforms: Tensor, tokens: Tensor | None = None, owner: Tensor | None = None) -> Tensor:
        """Exact samples given the observed cells, one per row of `uniforms` (n,H,W) in [0,1) -> (n,H,W).

        Row j is drawn from grid owner[j] of the batch (by default row j itself, or the only grid).
        """
        n = len(uniforms)
        at = torch.arange(n, device=uniforms.device)
        owner = (at * 0 if self.B == 1 else at) if owner is None else owner
        log_weight, _ = self._weights(tokens)
        after = dict(self._backward(log_weight))
        uniforms = self._turn(uniforms).double()
        x = at.new_zeros(n, self.H, self.W)
        last = at.new_zeros(n, self.W)  # newest code of every column
        for r in range(self.H):
            for c in range(self.W):
                odds = self._odds(after[r, c], last, owner, log_weight, r, c)
                total = odds.cumsum(1)
                drawn = (total <= uniforms[:, r, c, None] * total[:, -1:]).sum(1)
                x[:, r, c] = last[:, c] = drawn.clamp_max(self.K - 1)
        return self._turn(x)

    def _odds(self, after: Any, last: Any, owner: Any, log_weight: Any, r: Any, c: Any) -> Tensor:
        """Weights (n,K) of the codes of cell (r,c), given all cells before it in raster order."""
        width = c + 1 if r == 0 else self.W
        stride = self.K ** torch.arange(width - 1, -1, -1, device=last.device)
        code = torch.arange(self.K, device=last.device)
        base = (last[:, :width] * stride).sum(1) - last[:, c] * stride[c]
        odds = after[base[:, None] + code * stride[c], owner[:, None]] * log_weight[owner, r, c].exp()
        if r > 0:
            odds = odds * (self.down[owner, r - 1, c, None] * (code == last[:, c, None])).exp()
        if c > 0:
            odds = odds * (self.right[owner, r, c - 1, None] * (code == last[:, c - 1, None])).exp()
        return odds

    def _check(self) -> None:
        spread = float((self.unary.amax(3) - self.unary.amin(3)).max())
        bonds = [float(b.abs().max()) for b in (self.down, self.right) if b.numel()]
        if self.K**self.W > STATES:
            raise LadrError(
                f"field: {self.H}x{self.W}, {self.K} codes: {self.K}^{self.W} states, at most {STATES}"
            )
        if not self.W * (spread + 4 * max(bonds, default=0.0)) < RANGE:
            raise LadrError(
                f"field: coupling {max(bonds, default=0.0):g} with external terms {spread:g} apart over "
                f"{self.W} columns leaves float64: columns * (apart + 4 * coupling) must be below {RANGE:g}"
            )

    def _turn(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2) if self.flipped else x

    def _weights(self, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
        """Log weights (B,H,W,K), observed cells clamped, the largest of a cell 0; and what was taken out."""
        weight = self.unary
        if tokens is not None:
            tokens = self._turn(tokens)
            if int(tokens.max()) >= self.K:
                raise LadrError(f"field: token {int(tokens.max())} is not among the {self.K} codes")
            code = torch.arange(self.K, device=tokens.device)
            weight = weight.masked_fill((tokens[..., None] >= 0) & (tokens[..., None] != code), -torch.inf)
        top = weight.detach().amax(3, keepdim=True)
        return weight - top, top.sum((1, 2, 3))

    def _factor(self, log_weight: Tensor, r: int, c: int) -> Tensor:
        """What cell (r,c) brings besides its bond upwards: (K,1,B), or (K left,K,1,B) with a left cell."""
        own = log_weight[:, r, c].exp().T[:, None]
        if c == 0:
            return own
        bond = torch.eye(self.K, dtype=own.dtype, device=own.device)[:, :, None]
        return (1 + bond * self.right[:, r, c - 1].expm1())[:, :, None] * own

    def _apply(self, message: Tensor, factor: Tensor, c: int) -> Tensor:
        """Multiply a message (states,B) by the factor of its cell in column c."""
        left = self.K ** max(c - 1, 0)
        return (message.view(left, *factor.shape[:-2], -1, self.B) * factor).view(-1, self.B)

    def _bond(self, message: Tensor, r: int, c: int) -> Tensor:
        """Sum the cell above (r,c) out of a message and put (r,c) in its place (symmetric in the two)."""
        table = message.view(self.K**c, self.K, -1, self.B)
        return (table * self.down[:, r - 1, c].expm1() + table.sum(1, keepdim=True)).view(-1, self.B)

    def _forward(self, log_weight: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """(row, message, log scale) at the end of every row: the weight of all cells up to there."""
        message = log_weight.new_ones(1, self.B)
        for r in range(self.H):
            for c in range(self.W):
                if r == 0:
                    message = message[:, None].expand(-1, self.K, -1).reshape(-1, self.B)
                else:
                    message = self._bond(message, r, c)
                message = self._apply(message, self._factor(log_weight, r, c), c)
            scale = message.detach().amax(0)
            message = message / scale
            yield r, message, scale.log()

    def _backward(self, log_weight: Tensor) -> Iterator[tuple[tuple[int, int], Tensor]]:
        """((row, column), message) from last to first: the weight of all cells after it, rescaled."""
        message = log_weight.new_ones(self.K**self.W, self.B)
        for r in reversed(range(self.H)):
            message = message / message.amax(0)
            for c in reversed(range(self.W)):
                yield (r, c), message
                message = self._apply(message, self._factor(log_weight, r, c), c)
                message = message.view(-1, self.K, self.B).sum(1) if r == 0 else self._bond(message, r, c)

    def _marginals(self, tokens: Tensor | None) -> Tensor:
        log_weight, _ = self._weights(tokens)
        after = {r: message for (r, c), message in self._backward(log_weight) if c == self.W - 1}
        rows = [self._columns(message * after[r]) for r, message, _ in self._forward(log_weight)]
        return torch.stack(rows, 1)

    def _columns(self, joint: Tensor) -> Tensor:
        """Marginals (B,W,K) of every column from a table over all columns (states,B), by halving."""
        width = 0
        while self.K**width < len(joint):
            width += 1
        if width == 1:
            return (joint / joint.sum(0)).T[:, None]
        split = joint.view(self.K ** (width // 2), -1, self.B)
        return torch.cat([self._columns(split.sum(1)), self._columns(split.sum(0))], 1)
