"""Several tries of a picture, of which the likeliest is kept: what saved passes can buy."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.decoding.commits import answer, at_least_one
from ladr.decoding.frontier import precise
from ladr.decoding.policies.allowed import count, one_of
from ladr.decoding.policies.base import Composed, Policy
from ladr.decoding.policies.doubt import BRANCHES, Doubt
from ladr.decoding.view import Commit, View

LOG_P, BEST = "log p of the try", "log p of the best"  # maps that are remembered
NUMBER, SINCE, LENGTH = "tries before", "passes before the try", "passes of the last whole try"
SMALLEST = 1e-38
ONE_TRY = "of: policy {!r} masks or writes over known cells; it has one try"


@dataclass(frozen=True)
class Tries(Composed):
    """Decodes every picture up to `tries` times, one after the other, and keeps the likeliest.

    of: the policy of each try. each: the T of one try, T // tries where it is none; in its last pass a try
    commits what is left, and so does every try in the last pass of T. Another begins only if there are at
    least as many passes left as the last whole one took. A try's likelihood is the product of the
    probabilities that its codes had when they were committed, in the `branch` before guidance (`conditional`)
    or after it (`guided`). It can only fall, so a try ends as soon as it is no likelier than a whole one.
    Tries share nothing but the prompt and what was known from the start: their noise follows one after the
    other in the image's own stream. A policy that looks back at earlier passes or writes over what is known
    cannot be tried again, and is refused.
    """

    name: ClassVar[str] = "tries"
    PARTS: ClassVar[tuple[str, ...]] = ("of",)
    history: ClassVar[bool] = True
    whole: ClassVar[bool] = True
    of: Policy = field(default_factory=Doubt)
    tries: int = 2
    each: int | None = None
    branch: str = "conditional"

    def __post_init__(self) -> None:
        count("tries", self.tries, 1, 64)
        if self.each is not None:
            count("each", self.each, 1)
        one_of("branch", self.branch, BRANCHES)
        super().__post_init__()
        if self.of.history or self.of.everywhere:
            raise LadrError(
                f"of: policy {self.of.name!r} is not allowed; it looks back at earlier passes or at observed "
                "cells, and another try has none"
            )
        if self.of.masks_again:
            raise LadrError(ONE_TRY.format(self.of.name))

    @property
    def planned(self) -> int:
        """All that the tries may take; where it is said what one may, that and a quarter for each other."""
        if self.each is None:
            return self.tries * self.of.planned
        return self.each + (self.tries - 1) * max(1, self.each // 4)

    def __call__(self, view: View) -> Commit:
        one = _Try(self, view)
        commit = answer(self.of, one.view)
        if commit.drop is not None or commit.rewrite is not None:
            raise LadrError(ONE_TRY.format(self.of.name))
        take = one.whole_at_the_end(at_least_one(commit.take, view))
        log_p = torch.where(take, one.log_p(view.after(take, commit.tokens).tokens), view.remembered(LOG_P))
        total = precise(log_p).flatten(1).sum(1).to(log_p)
        lost = (one.number > 0) & (total <= one.best)
        best = ~lost & ~(view.masked & ~take).flatten(1).any(1)
        length = torch.where(best, one.made, one.length)
        again = (best | lost) & (one.number < one.tries - 1) & (one.left >= length)
        memory = {
            LOG_P: log_p.masked_fill(again[:, None, None], 0),
            BEST: _spread(torch.where(best, total, one.best), view),
            NUMBER: _spread(one.number + again, view),
            SINCE: _spread(torch.where(again, one.since + one.made, one.since), view),
            LENGTH: _spread(length, view),
        }
        return commit._replace(take=take, best=best, again=again, over=lost & ~again, memory=memory)


def _spread(values: Tensor, view: View) -> Tensor:
    """(B, H, W) float32: one number per image, as a map."""
    return values.float()[:, None, None].expand(view.tokens.shape)


@dataclass(frozen=True)
class _Try:
    """The try that each image of a view is in: its number from 0, and the pass that it began with."""

    policy: Tries
    whole: View

    def _kept(self, label: str) -> Tensor:
        """(B,) float32."""
        return self.whole.remembered(label)[:, 0, 0]

    @cached_property
    def number(self) -> Tensor:
        return self._kept(NUMBER)

    @cached_property
    def since(self) -> Tensor:
        return self._kept(SINCE)

    @cached_property
    def best(self) -> Tensor:
        """(B,) float32: the log-likelihood of the likeliest try so far."""
        return self._kept(BEST)

    @cached_property
    def length(self) -> Tensor:
        """(B,) float32: the passes of the last try that was not given up, 0 before there was one."""
        return self._kept(LENGTH)

    @cached_property
    def made(self) -> Tensor:
        """(B,) float32: the passes of this try, this one among them."""
        return torch.tensor(list(self.whole.step), device=self.since.device) - self.since + 1

    @property
    def left(self) -> Tensor:
        """(B,) float32: the passes of T that are left after this one."""
        return self.whole.steps - self.since - self.made

    @property
    def tries(self) -> int:
        """No more than there are passes."""
        return min(self.policy.tries, self.whole.steps)

    @property
    def steps(self) -> int:
        """T of one try."""
        each = self.whole.steps // self.tries if self.policy.each is None else self.policy.each
        return min(each, self.whole.steps)

    @cached_property
    def view(self) -> View:
        """The pass as a decode of its own sees it: passes are counted from the try's first."""
        numbers = [int(n) for n in self.number.tolist()]

        def keys(images, labels, grid):  # type: ignore[no-untyped-def]
            own = [f"{label}/try {n}" if n else label for label, n in zip(labels, numbers, strict=True)]
            return self.whole.draw_keys(images, own, grid)

        step = [int(s) - 1 for s in self.made.tolist()]
        return replace(self.whole, step=step, steps=self.steps, draw_keys=keys, previous=None)

    def whole_at_the_end(self, take: Tensor) -> Tensor:
        """Everything that is masked in the last pass of a try or of T, `take` (B, H, W) before."""
        last = (self.made >= self.steps) | (self.left <= 0)
        return torch.where(last[:, None, None], self.whole.masked, take)

    def log_p(self, codes: Tensor) -> Tensor:
        """(B, H, W) float32: log probability of these codes at the masked cells, in the policy's branch."""
        seen = self.whole.of_branch(self.policy.branch)
        return seen.prob_of(codes.clamp_min(0)).clamp(SMALLEST, 1).log()
