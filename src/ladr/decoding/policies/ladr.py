"""LADR as the paper decodes: the standard step, then the rescue. Every other reading is a field."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from ladr.base.late import Tensor, torch
from ladr.decoding import schedule as schedules
from ladr.decoding.frontier import frontier, ranks
from ladr.decoding.policies.allowed import flag
from ladr.decoding.policies.base import Then
from ladr.decoding.policies.counted import Replaying
from ladr.decoding.policies.replay import REPLAY
from ladr.decoding.policies.rescue import PAPER, Phase, Phases, Rescue
from ladr.decoding.policies.scheduled import Scheduled
from ladr.decoding.view import Commit, View


@dataclass(frozen=True)
class LADR(Replaying):
    """`Scheduled(select...).then(Rescue(...))`; see both for the fields.

    LADR (arXiv 2603.13450; no code was published) is the paper that this project reproduces. select, noise:
    how the standard step ranks (the paper prints top-1, its backbone uses the sampled code plus Gumbel
    noise). thin: no two cells of the standard step 4-adjacent. literal: Algorithm 1 as it is printed.
    """

    name: ClassVar[str] = "ladr"
    phases: Phases = PAPER
    rank: str = "gap"
    where: str = "frontier"
    kernel: int = 3
    token: str = "sampled"
    budget: str = "own"
    frontier_from: str = "std"
    schedule: str = "inverse"
    select: str = "sampled"
    noise: float = 1.0
    thin: bool = False
    literal: bool = False

    def __post_init__(self) -> None:
        flag("thin", self.thin)
        flag("literal", self.literal)
        rescue: Any = self.parts.second
        object.__setattr__(self, "phases", rescue.phases)

    @cached_property
    def parts(self) -> Then:
        """The two policies that this one is made of."""
        standard = Scheduled(self.schedule, rank=self.select, noise=self.noise, independent=self.thin)
        rescue = Rescue(
            self.phases, self.where, self.rank, self.kernel, self.token, self.budget, self.frontier_from
        )
        both = standard.then(rescue)
        return both if self.counts is None else both.with_counts(self.counts)

    @property
    def everywhere(self) -> bool:
        return self.literal

    @property
    def budget_from(self) -> str:
        return self.schedule if self.schedule.startswith(REPLAY) else self.budget

    def __call__(self, view: View) -> Commit:
        return as_printed(view, self.phases) if self.literal else self.parts(view)


def as_printed(view: View, phases: Phases) -> Commit:
    """One pass of Algorithm 1 to the letter, to show why it is not what we run.

    Line 20 keeps the most confident masked cells masked and commits the least confident; line 30 uses
    positions within the candidate list as cells of the grid; line 34 overwrites observed cells by fresh
    samples.
    """
    total = view.tokens[0].numel()
    masked = view.masked
    order = ranks(view.top1 * masked, torch.ones_like(masked))
    stay = [
        schedules.stay_inverse(m, total, view.steps, s) for m, s in zip(view.counts, view.step, strict=True)
    ]
    std = order < torch.tensor(stay, device=order.device)[:, None, None]
    edge = frontier(std)
    left = std.clone()
    for row, t in enumerate(view.t.tolist()):
        _rescue_as_printed(left[row].view(-1), edge[row].flatten(), view.gap[row].flatten(), phases.at(t))
    return Commit(masked & ~left, rescued=masked & std & ~left, rewrite=~masked & ~left)


def _rescue_as_printed(left: Tensor, edge: Tensor, gap: Tensor, phase: Phase) -> None:
    valid = edge.nonzero()[:, 0]
    size = len(valid)
    if phase.tau is not None:
        valid = valid[gap[valid] > phase.tau]
    count = min(phase.share(size), len(valid))
    positions = gap[valid].argsort(descending=True, stable=True)[:count]
    left[positions] = False
