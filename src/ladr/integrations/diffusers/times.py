"""How a scheduler ends a pipeline's loop, and how a policy fits into one that cannot end early."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from numbers import Integral
from typing import Any, Protocol

import torch
from torch import Tensor

from ladr.base.errors import LadrError, shown
from ladr.decoding import schedule
from ladr.decoding.commits import answer
from ladr.decoding.policies.base import Policy
from ladr.decoding.view import Commit, View

TRAINED = 1000  # Meissonic was trained on this multiple of the mask ratio


def planned(steps: Any) -> int:
    """The number of planned passes; LadrError unless it is a whole number from 1."""
    if not isinstance(steps, Integral) or isinstance(steps, bool) or steps < 1:
        raise LadrError(f"num_inference_steps: {shown(steps)} is not allowed; a whole number from 1")
    return int(steps)


class Decoding(Protocol):
    """What the times look at: the passes made, the time of the slowest image, whether all is settled."""

    passes: int
    t: float
    settled: bool
    config: Any


class UntilSettled(Sequence):
    """The times of a decode: as long as it may take, and over as soon as nothing is masked.

    `len` is the number of planned passes T and `times[i]` the planned time of pass i. Iterating yields, pass
    by pass, the time that the share of masked cells says, and stops when every image is settled. `at` is the
    index last asked for, None while iterating.
    """

    def __init__(self, scheduler: "Decoding", steps: int, device: Any = None):
        self.scheduler, self.steps, self.device = scheduler, steps, device
        self.at: int | None = None

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> Tensor:  # type: ignore[override]  # a time, no slices
        at = range(self.steps)[index]
        self.at = index
        return self._time(at / self.steps)

    def __iter__(self) -> Iterator[Tensor]:
        self.at = None
        for yielded in count():
            unused = self.scheduler.passes < yielded  # somebody only lists the times
            if self.scheduler.settled or (unused and yielded >= self.steps):
                return
            yield self._time(yielded / self.steps if unused else self.scheduler.t)

    def _time(self, t: float) -> Tensor:
        """t in [0, 1] on the scale that the network expects, as a 0-dimensional tensor."""
        if self.scheduler.config.time == "mask_ratio":
            return torch.tensor(TRAINED * schedule.gamma(t), device=self.device)
        made = min(self.steps - 1, int(t * self.steps + 1e-6))
        return torch.tensor(self.steps - 1 - made, device=self.device)

    @property
    def last(self) -> bool:
        """Is this the last pass of a loop over indices, which cannot go on?"""
        return self.at is not None and range(self.steps)[self.at] == self.steps - 1


@dataclass(frozen=True)
class InPipeline(Policy):
    """A policy in a loop that begins at pass `first` of T and may have to end at the last."""

    policy: Policy
    times: UntilSettled
    first: int

    @property
    def name(self) -> str:
        return self.policy.name

    @property
    def history(self) -> bool:
        return self.policy.history

    @property
    def everywhere(self) -> bool:
        return self.policy.everywhere

    @property
    def masks_again(self) -> bool:
        return self.policy.masks_again

    def __call__(self, view: View) -> Commit:
        commit = answer(self.policy, self._continued(view) if self.first else view)
        if not self.times.last:
            return commit
        return commit._replace(take=view.masked, drop=None, best=None, again=None)

    def _continued(self, view: View) -> View:
        """As if the decode had begun at pass 0, with as many masked cells as now leave just these.

        A policy that decodes a picture again begins each time here, with the passes that are left.
        """
        if self.policy.whole:
            return replace(view, steps=self.times.steps - self.first)
        left = schedule.gamma(self.first / self.times.steps)
        whole = [int(n / left) for n in view.initial]
        return replace(view, step=[s + self.first for s in view.step], initial=whole)
