"""Rivals that weigh confidence: by what is known around a cell, by past passes, by the passes that are
left."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.late import Tensor, torch
from ladr.base.late import functional as nn
from ladr.decoding.frontier import top
from ladr.decoding.policies.allowed import one_of, within
from ladr.decoding.policies.base import Policy
from ladr.decoding.policies.counted import Counted
from ladr.decoding.policies.scheduled import RANKS, log_score
from ladr.decoding.view import View


def density(observed: Tensor, sigma: float) -> Tensor:
    """(B, H, W) float32: the share of a Gaussian window around each cell that is observed, (B, H, W) bool."""
    reach = max(1, int(3 * sigma))
    offsets = torch.arange(-reach, reach + 1, device=observed.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    both = torch.stack([observed.float(), torch.ones_like(observed, dtype=torch.float32)], 1).flatten(0, 1)[
        :, None
    ]
    rows = nn.conv2d(both, kernel.view(1, 1, -1, 1), padding=(reach, 0))
    sums = nn.conv2d(rows, kernel.view(1, 1, 1, -1), padding=(0, reach)).view(
        len(observed), 2, *observed.shape[1:]
    )
    return sums[:, 0] / sums[:, 1]


@dataclass(frozen=True)
class CertaintyPrior(Counted):
    """The due number of cells by confidence times the Gaussian density of known cells around them: a soft
    frontier.

    The decoding rule of d2Cache (arXiv 2509.23094; its code: Apache-2.0), which is one-dimensional there;
    written from its description, no code was taken. sigma in cells.
    """

    name: ClassVar[str] = "certainty_prior"
    schedule: str = "fixed"
    sigma: float = 2.0
    rank: str = "sampled"
    noise: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("sigma", self.sigma, 0.1, 64)
        one_of("rank", self.rank, RANKS)
        within("noise", self.noise, 0)

    def __call__(self, view: View) -> Tensor:
        near = density(~view.masked, self.sigma).clamp_min(1e-6).log()
        return top(log_score(view, self.rank) + near + self.noise * view.gumbel, self.due(view), view.masked)


@dataclass(frozen=True)
class CCD(Counted):
    """The due number of cells by the mean probability of their drawn code in this pass and the one before,
    and besides them every cell whose likeliest code has not changed and whose mean is at least `level`.

    CCD (arXiv 2512.02044; its code: no licence given), written from its description, no code was taken;
    there the buffer may be longer, which few passes leave no room for.
    """

    name: ClassVar[str] = "ccd"
    history: ClassVar[bool] = True
    schedule: str = "fixed"
    level: float = 0.95
    noise: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("level", self.level, 0, 1)
        within("noise", self.noise, 0)

    def __call__(self, view: View) -> Tensor:
        before, mean, stable = view.predictions.before, view.drawn_prob, torch.zeros_like(view.masked)
        if before is not None:
            mean = (mean + before.prob_of(view.drawn.clamp_min(0))) / 2
            stable = view.masked & (before.argmax == view.argmax) & (mean >= self.level)
        score = mean.clamp_min(1e-20).log() + self.noise * view.gumbel
        return stable | top(score, self.due(view), view.masked)


@dataclass(frozen=True)
class Sprint(Policy):
    """In each pass, of m masked cells, ceil(m / passes left), best first, and whatever has at least
    probability `level`.

    SPRINT of LLaDA2.0-Uni (arXiv 2604.20796; its code: Apache-2.0), written from its description; no code
    was taken.
    """

    name: ClassVar[str] = "sprint"
    level: float = 0.9
    rank: str = "sampled"
    noise: float = 1.0

    def __post_init__(self) -> None:
        within("level", self.level, 0, 1)
        one_of("rank", self.rank, RANKS)
        within("noise", self.noise, 0)

    def __call__(self, view: View) -> Tensor:
        due = [-(-m // max(1, view.steps - s)) for m, s in zip(view.counts, view.step, strict=True)]
        score = log_score(view, self.rank) + self.noise * view.gumbel
        return top(score, view.still_due(due), view.masked) | (view.masked & (view.top1 >= self.level))
