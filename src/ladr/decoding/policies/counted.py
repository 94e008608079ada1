"""Policies whose number of cells in a pass is a schedule's, or that of a run that they replay."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from ladr.base.errors import LadrError
from ladr.base.late import Tensor
from ladr.decoding.policies.allowed import one_of
from ladr.decoding.policies.base import Policy
from ladr.decoding.policies.replay import REPLAY
from ladr.decoding.schedule import CURVES
from ladr.decoding.view import View


@dataclass(frozen=True)
class Replaying(Policy):
    """A policy that can replay another run. counts: that run's commits, per image and pass."""

    counts: tuple[tuple[int, ...], ...] | None = field(
        default=None, repr=False, compare=False, kw_only=True, metadata={"spec": False}
    )

    @property
    def budget_from(self) -> str:
        """The field that says `replay:NAME` in a replay."""
        raise NotImplementedError

    @property
    def replays(self) -> str | None:
        source = str(self.budget_from)
        return source.removeprefix(REPLAY) if source.startswith(REPLAY) else None

    def with_counts(self, counts: Sequence[Sequence[int]]) -> Self:
        if self.replays is None:
            return self
        return replace(self, counts=tuple(tuple(int(n) for n in row) for row in counts))


@dataclass(frozen=True)
class Counted(Replaying):
    """A policy with a number of cells to commit in each pass.

    schedule: `inverse` (read off the mask ratio), `fixed` (by the image's own passes) or `replay:NAME` (as
    many as the run NAME committed for the same image in the same pass; give them through `with_counts`).
    """

    schedule: str = "inverse"
    curve: str = "cosine"

    def __post_init__(self) -> None:
        if not str(self.schedule).startswith(REPLAY):
            one_of("schedule", self.schedule, ("inverse", "fixed", "replay:NAME"))
        one_of("curve", self.curve, tuple(CURVES))

    @property
    def budget_from(self) -> str:
        return self.schedule

    def due(self, view: View) -> Tensor:
        """(B,) int64: cells to commit in this pass."""
        if self.replays is None:
            return view.due(self.schedule, self.curve)
        return view.still_due(replayed(self.counts, view, self.schedule))


def replayed(counts: Sequence[Sequence[int]] | None, view: View, source: str) -> list[int]:
    """Commits of each live image in this pass of the replayed run; all that is left once that run had
    ended."""
    if counts is None:
        raise LadrError(
            f"{source!r}: the counts to replay are missing; give them with policy.with_counts(...)"
        )
    budgets = []
    for i, s, left in zip(view.images, view.step, view.counts, strict=True):
        if i >= len(counts):
            raise LadrError(f"{source!r}: has counts for {len(counts)} images, image {i} needs them too")
        budgets.append(counts[i][s] if s < len(counts[i]) else left)
    return budgets
