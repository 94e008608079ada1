"""The maps of one pass, spread over the grid from the packed marginals of the masked cells."""

from __future__ import annotations

from functools import cached_property

from ladr.base.late import Tensor, torch
from ladr.decoding.marginals import Marginals

MASK = -1


class Predictions:
    """The maps (B, H, W) of one pass, spread from the packed marginals when first read; 0 at observed
    cells.

    at (B, H, W) bool: the M predicted cells; codes (M,): the drawn ones; before: the same images one pass
    ago.
    """

    def __init__(self, at: Tensor, marginals: Marginals, codes: Tensor, before: Predictions | None = None):
        self.at = at
        self.marginals = marginals
        self.codes = codes
        self.before = before

    def _spread(self, values: Tensor, fill: float = 0) -> Tensor:
        out = torch.full(self.at.shape, fill, dtype=values.dtype, device=values.device)
        return out.masked_scatter_(self.at, values)

    @cached_property
    def drawn(self) -> Tensor:
        return self._spread(self.codes, MASK)

    @cached_property
    def drawn_prob(self) -> Tensor:
        return self._spread(self.marginals.prob(self.codes))

    @cached_property
    def argmax(self) -> Tensor:
        return self._spread(self.marginals.argmax, MASK)

    @cached_property
    def top1(self) -> Tensor:
        return self._spread(self.marginals.top1)

    @cached_property
    def gap(self) -> Tensor:
        return self._spread(self.marginals.top1 - self.marginals.top2)

    @cached_property
    def entropy(self) -> Tensor:
        return self._spread(self.marginals.entropy)

    @cached_property
    def logit_gap(self) -> Tensor:
        return self._spread(self.marginals.logit_gap)

    @cached_property
    def change(self) -> Tensor:
        """KL(this pass || the pass before) of each cell, in nats; infinite where there was none before."""
        if self.before is None:
            return self._spread(torch.full_like(self.marginals.top1, torch.inf))
        known = self.before.at[self.at]
        place = (self.before.at.flatten().cumsum(0) - 1).view_as(self.at)[self.at]
        return self._spread(self.marginals.kl(self.before.marginals, place).masked_fill(~known, torch.inf))

    @cached_property
    def peak(self) -> Tensor:
        return self._spread(self.marginals.peak)

    def log_moment(self, beta: float) -> Tensor:
        """(B, H, W): log of the sum over codes of the probabilities to the power beta."""
        return self._spread(self.marginals.log_moment(beta))

    def prob_of(self, codes: Tensor) -> Tensor:
        """(B, H, W): probability of codes (B, H, W) at the predicted cells."""
        return self._spread(self.marginals.prob(codes[self.at]))

    def without_past(self) -> Predictions:
        """These predictions without those of the pass before, which would keep all earlier passes in memory.

        Maps that were read already are not computed again.
        """
        out = Predictions(self.at, self.marginals, self.codes)
        vars(out).update({name: values for name, values in vars(self).items() if name in _MAPS})
        return out

    def rows(self, keep: Tensor) -> Predictions:
        """These predictions for the images where keep (B,) bool holds, with the maps read already."""
        cells = keep[:, None, None].expand_as(self.at)[self.at]
        out = Predictions(self.at[keep], self.marginals.rows(cells), self.codes[cells])
        read = {k: v[keep] for k, v in vars(self).items() if k in _MAPS}
        vars(out).update(read)
        return out


_MAPS = ("drawn", "drawn_prob", "argmax", "top1", "gap", "entropy", "logit_gap", "change", "peak")
