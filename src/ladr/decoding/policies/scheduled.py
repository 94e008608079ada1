"""The standard step of masked image models: commit as many cells as the schedule asks for, best first."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import independent, top
from ladr.decoding.policies.allowed import flag, one_of, within
from ladr.decoding.policies.base import Policy
from ladr.decoding.policies.counted import Counted
from ladr.decoding.view import View

RANKS = ("sampled", "top1", "gap", "entropy")
NOISES = ("constant", "annealed")


def log_score(view: View, rank: str) -> Tensor:
    """(B, H, W) float32 to rank by, higher first: log probability of the drawn or of the likeliest code,
    log of the gap, or minus the entropy."""
    if rank == "entropy":
        return -view.entropy
    p = {"sampled": "drawn_prob", "top1": "top1", "gap": "gap"}[rank]
    return getattr(view, p).clamp_min(1e-20).log()


@dataclass(frozen=True)
class Scheduled(Counted):
    """The due number of cells, ranked by `rank` plus Gumbel noise.

    rank `sampled` with constant noise 1 is the step of Lumina-DiMOO (arXiv 2510.06308; its code: Apache-2.0);
    annealed noise, falling to 0 over the image's T passes, is that of MaskGIT (arXiv 2202.04200; its code:
    Apache-2.0) and aMUSEd (arXiv 2401.01808; its code in diffusers: Apache-2.0); `top1` with noise 0 is
    Algorithm 1 of LADR (arXiv 2603.13450; no code was published). `independent` thins the set: walking down
    the ranking, a cell with a 4-neighbour already taken in this pass waits for a later one, so a few passes
    more than T may be needed.
    """

    name: ClassVar[str] = "scheduled"
    rank: str = "sampled"
    noise: float = 1.0
    anneal: str = "constant"
    independent: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("rank", self.rank, RANKS)
        within("noise", self.noise, 0)
        one_of("anneal", self.anneal, NOISES)
        flag("independent", self.independent)

    def score(self, view: View) -> Tensor:
        """(B, H, W) float32: what the cells are ranked by in this pass."""
        score = log_score(view, self.rank)
        if self.noise == 0:
            return score
        if self.anneal == "constant":
            return score + self.noise * view.gumbel
        left = torch.tensor([max(0.0, 1 - (s + 1) / view.steps) for s in view.step], device=score.device)
        return score + self.noise * left[:, None, None] * view.gumbel

    def __call__(self, view: View) -> Tensor:
        score = self.score(view)
        pool = view.masked
        if self.independent:
            pool = independent(score, pool)
        return top(score, self.due(view), pool)


@dataclass(frozen=True)
class AllIn(Policy):
    """Everything that is left, once an image's time has reached `at`."""

    name: ClassVar[str] = "all_in"
    at: float = 0.7

    def __post_init__(self) -> None:
        within("at", self.at, 0, 1)

    def __call__(self, view: View) -> Tensor:
        late = (view.t >= self.at).to(view.tokens.device)
        return view.masked & late[:, None, None]
