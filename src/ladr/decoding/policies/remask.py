"""Rivals that take back what they committed: ReMDM by the confidence at commit, and FreeCorrection."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import top
from ladr.decoding.policies.allowed import within
from ladr.decoding.policies.counted import Counted
from ladr.decoding.policies.scheduled import Scheduled
from ladr.decoding.view import Commit, View


@dataclass(frozen=True)
class _Remasking(Counted):
    """`Scheduled`'s step, and from `start` until the last pass but one a share of the committed cells
    masked again."""

    history: ClassVar[bool] = True
    masks_again: ClassVar[bool] = True
    schedule: str = "fixed"
    share: float = 0.02
    start: float = 0.0
    noise: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("share", self.share, 0, 0.5)
        within("start", self.start, 0, 1)
        within("noise", self.noise, 0)

    def standard(self, view: View) -> Tensor:
        """(B, H, W) bool: the cells that the schedule commits."""
        return Scheduled(self.schedule, self.curve, noise=self.noise, counts=self.counts)(view)

    def may_drop(self, view: View) -> Tensor:
        """(B, H, W) bool: cells committed in earlier passes, while there are passes left to commit them
        anew."""
        settled = view.remembered("settled") > 0
        late = [
            t >= self.start and s < view.steps - 1 for t, s in zip(view.t.tolist(), view.step, strict=True)
        ]
        return settled & ~view.masked & torch.tensor(late, device=settled.device)[:, None, None]


@dataclass(frozen=True)
class ReMDM(_Remasking):
    """Each committed cell is masked again with a probability that falls with the probability that its token
    had when it was committed: softmax(-confidence) over those cells, scaled to a mean of `share`, at most
    1.

    ReMDM-conf (arXiv 2503.00307; its code: Apache-2.0), written from its description; no code was taken.
    There the mean follows the noise schedule's largest allowed value; here it is a number, so that the passes
    stay those of the schedule.
    """

    name: ClassVar[str] = "remdm"

    def __call__(self, view: View) -> Commit:
        take, pool = self.standard(view), self.may_drop(view)
        score = (-view.remembered("settled")).masked_fill(~pool, -torch.inf).flatten(1)
        chance = torch.nan_to_num(score.softmax(1)) * pool.flatten(1).sum(1, keepdim=True) * self.share
        drop = pool & (view.keys("remask") < chance.view_as(view.gumbel))
        settled = torch.where(take, view.drawn_prob.clamp_min(1e-9), view.remembered("settled"))
        return Commit(take, drop=drop, memory={"settled": settled.masked_fill(drop, 0)})


@dataclass(frozen=True)
class FreeCorrection(_Remasking):
    """The `share` of the committed cells whose own token has had the lowest probability on average over the
    passes since it was committed are masked again.

    FreeCorrection (arXiv 2602.02927; its code: MIT), written from its description; no code was taken. The
    network must predict observed cells too.
    """

    name: ClassVar[str] = "free_correction"
    everywhere: ClassVar[bool] = True

    def __call__(self, view: View) -> Commit:
        own = view.predictions.prob_of(view.tokens.clamp_min(0))
        passes = view.remembered("settled")
        mean = (view.remembered("total") + own) / (passes + 1)
        pool = self.may_drop(view)
        count = (pool.flatten(1).sum(1) * self.share).long()
        take, drop = self.standard(view), top(-mean, count, pool)
        held = (~view.masked & ~drop & (passes > 0)).float()
        memory = {
            "settled": held * (passes + 1) + take,
            "total": held * mean * (passes + 1) + take * view.drawn_prob,
        }
        return Commit(take, drop=drop, memory=memory)
