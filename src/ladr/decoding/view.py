"""What a policy may see at one pass, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from ladr.base.errors import LadrError, shown
from ladr.base.late import Tensor, torch
from ladr.decoding import schedule
from ladr.decoding.marginals import check_finite
from ladr.decoding.predictions import MASK, Predictions


class Commit(NamedTuple):
    """A policy's answer where a plain mask does not say enough. All masks are (B, H, W) bool.

    take: cells to commit now. drop: committed cells to mask again. tokens: codes to commit instead of the
    drawn ones, MASK where the drawn one stands. rescued: the part of `take` that a rescue added. rewrite:
    observed cells to overwrite (Algorithm 1 as printed; nothing else does). notes: one number per image,
    for the trace. memory: maps (B, H, W) that a policy with `history` keeps for its next pass.

    best, again, over (B,) bool: images whose picture, which this pass completes, is put aside in place of
    an earlier one; images that are decoded once more from where they started; and images that end at once
    with the picture put aside.
    """

    take: Tensor
    drop: Tensor | None = None
    tokens: Tensor | None = None
    rescued: Tensor | None = None
    rewrite: Tensor | None = None
    notes: Mapping[str, Tensor] = {}
    memory: Mapping[str, Tensor] = {}
    best: Tensor | None = None
    again: Tensor | None = None
    over: Tensor | None = None


def times(counts: Sequence[int], total: int) -> Tensor:
    """(B,) float64 effective times of images with so many masked cells out of `total`."""
    return torch.tensor([schedule.inverse(m / total) for m in counts], dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class View:
    """One pass of B live images on an (H, W) grid, as a policy sees it.

    tokens (B, H, W) int64, MASK where masked; predictions: the maps of this pass, after guidance;
    conditional: those before it, None where the network tells of one branch only; gumbel (B, H, W)
    selection noise; images: the position of each row in the decode call; step: passes that each image has
    already made; steps: T; initial: how many cells of each image were masked when it started; draw_keys:
    what `keys` draws from; just_committed (B, H, W) bool: cells whose token the pass before changed, in
    `previous` those that its own pass changed; previous: the view of the pass before, None in the first and
    for policies and caches that do not look back; began (B, H, W) bool: what was masked when the pass
    started, which `t` and `counts` go by, also in the view that `after` returns; memory: of the `previous`
    view, what the policy kept in that pass; attention (B, N, N) float32, for policies that ask for it: how
    much each masked cell, in row-major order, looks at every cell.

    The maps drawn and argmax (int64, MASK where nothing is predicted), drawn_prob, top1, gap, entropy,
    logit_gap and change (float32, 0 there) are (B, H, W): see `Predictions`.
    """

    tokens: Tensor
    predictions: Predictions
    gumbel: Tensor
    images: Sequence[int]
    step: Sequence[int]
    steps: int
    initial: Sequence[int]
    draw_keys: Callable[[Sequence[int], Sequence[object], tuple[int, int]], Tensor]
    just_committed: Tensor
    conditional: Predictions | None = None
    attention: Tensor | None = None
    previous: View | None = None
    began: Tensor | None = None
    memory: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.began is None:
            object.__setattr__(self, "began", self.tokens == MASK)

    @property
    def grid(self) -> tuple[int, int]:
        return self.tokens.shape[1], self.tokens.shape[2]

    @cached_property
    def masked(self) -> Tensor:
        return self.tokens == MASK

    @cached_property
    def counts(self) -> list[int]:
        """How many cells of each image were masked when the pass started."""
        return self.began.flatten(1).sum(1).tolist()

    @cached_property
    def t(self) -> Tensor:
        """(B,) float64 effective time, from 0 (all masked) to 1; on the CPU."""
        return times(self.counts, self.tokens[0].numel())

    drawn = property(lambda self: self.predictions.drawn)
    drawn_prob = property(lambda self: self.predictions.drawn_prob)
    argmax = property(lambda self: self.predictions.argmax)
    top1 = property(lambda self: self.predictions.top1)
    gap = property(lambda self: self.predictions.gap)
    entropy = property(lambda self: self.predictions.entropy)
    logit_gap = property(lambda self: self.predictions.logit_gap)
    change = property(lambda self: self.predictions.change)

    def of_branch(self, branch: str) -> Predictions:
        """The maps after guidance (`guided`) or before it (`conditional`); the same where the network
        tells of one branch only."""
        one = self.conditional if branch == "conditional" else None
        if one is None:
            return self.predictions
        check_finite(one.marginals, "conditional")
        return one

    def keys(self, label: str, per_step: bool = True) -> Tensor:
        """(B, H, W) uniforms of each image's own, for random ranks: new in every pass, or one order for
        good."""
        labels = [f"{label}/{s}" if per_step else label for s in self.step]
        keys = self.draw_keys(self.images, labels, self.grid)
        shape = tuple(self.tokens.shape)
        if not isinstance(keys, torch.Tensor) or not keys.is_floating_point() or tuple(keys.shape) != shape:
            raise LadrError(f"noise: keys gives {shown(keys)}, not float32 {shape}")
        return keys.to(self.tokens.device)

    def due(self, kind: str = "inverse", curve: str = "cosine") -> Tensor:
        """(B,) int64: cells still to commit in this pass, by the schedule that reads the mask ratio
        ("inverse") or by the one that counts each image's own passes ("fixed"). At least one before
        anything is taken."""
        total = self.tokens[0].numel()
        if kind == "inverse":
            stay = [
                schedule.stay_inverse(m, total, self.steps, s, curve)
                for m, s in zip(self.counts, self.step, strict=True)
            ]
        elif kind == "fixed":
            stay = [
                schedule.stay_fixed(n, self.steps, s, curve)
                for n, s in zip(self.initial, self.step, strict=True)
            ]
        else:
            raise LadrError(f"schedule: {kind!r} is not allowed; 'inverse' or 'fixed'")
        return self.still_due([max(1, m - k) for m, k in zip(self.counts, stay, strict=True)])

    def still_due(self, budgets: Sequence[int]) -> Tensor:
        """(B,) int64: each image's budget of cells for this pass less those already taken in it, at least
        0."""
        now = self.masked.flatten(1).sum(1).tolist()
        left = [max(0, b - (m - n)) for b, m, n in zip(budgets, self.counts, now, strict=True)]
        return torch.tensor(left, device=self.tokens.device)

    def after(self, take: Tensor, tokens: Tensor | None = None) -> View:
        """The view once `take` has been committed: same predictions and time, fewer masked cells."""
        codes = self.drawn if tokens is None else torch.where(tokens == MASK, self.drawn, tokens)
        return replace(self, tokens=torch.where(take & self.masked, codes, self.tokens), began=self.began)

    def rows(self, keep: Tensor) -> View:
        """The view of the images where keep (B,) bool holds."""
        chosen = keep.nonzero()[:, 0].tolist()
        fields: dict[str, Any] = {
            name: [getattr(self, name)[i] for i in chosen] for name in ("images", "step", "initial")
        }
        fields |= {
            name: getattr(self, name)[keep] for name in ("tokens", "gumbel", "just_committed", "began")
        }
        fields["memory"] = {name: kept[keep] for name, kept in self.memory.items()}
        predictions = self.predictions.rows(keep)
        gone: dict[str, Any] = dict.fromkeys(("conditional", "attention", "previous"))
        return replace(self, predictions=predictions, **gone, **fields)

    def remembered(self, label: str) -> Tensor:
        """(B, H, W): what this policy kept under `label` in the pass before; zeros before there was one."""
        kept = {} if self.previous is None else self.previous.memory
        return kept.get(label, torch.zeros_like(self.gumbel))

    def passed(self, changed: Tensor, memory: Mapping[str, Tensor]) -> View:
        """This view as the next pass and the cache remember it: `just_committed` are the cells that this very
        pass changed, (B, H, W) bool, `memory` what the policy kept; without a past of its own."""
        return replace(
            self,
            predictions=self.predictions.without_past(),
            previous=None,
            conditional=None,
            attention=None,
            just_committed=changed,
            memory=memory,
        )
