"""Prophet for images: leave the schedule and commit everything once the network is sure enough on average."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.decoding.policies.allowed import one_of, within
from ladr.decoding.policies.counted import Counted
from ladr.decoding.policies.scheduled import Scheduled
from ladr.decoding.view import MASK, Commit, View

THRESHOLDS = ((0.33, 7.5), (0.67, 5.0), (1.0, 2.5))


def threshold(progress: float) -> float:
    """Prophet's threshold on the logit gap at this share of the planned passes."""
    return next((value for until, value in THRESHOLDS if progress < until), THRESHOLDS[-1][1])


@dataclass(frozen=True)
class Prophet(Counted):
    """The due number of cells, as `Scheduled` ranks them; and all of them in the first pass in which the
    mean gap of the two largest logits over the image's masked cells is at least scale *
    threshold(progress).

    Prophet (arXiv 2508.19982; its code: no licence given), written from its description; no code was taken.
    There the answer span of a text is watched; an image has none, so here it is all masked cells. logits:
    `guided`, or `conditional` if the backbone tells them; guidance s stretches gaps up to (1 + s) times, so
    `scale` wants calibration (`calibrate`). token: what to fill in on the exit.
    """

    name: ClassVar[str] = "prophet"
    schedule: str = "fixed"
    scale: float = 1.0
    logits: str = "guided"
    token: str = "sampled"
    rank: str = "sampled"
    noise: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("scale", self.scale, 0)
        one_of("logits", self.logits, ("guided", "conditional"))
        one_of("token", self.token, ("sampled", "argmax"))
        self.standard()

    def standard(self) -> Scheduled:
        return Scheduled(self.schedule, self.curve, self.rank, self.noise, counts=self.counts)

    def sureness(self, view: View) -> Tensor:
        """(B,) float32: mean logit gap over masked cells, in units of Prophet's threshold for this pass."""
        source = view.predictions
        if self.logits == "conditional":
            source = view.conditional
            if source is None:
                raise LadrError("logits: 'conditional' is not told by this backbone; use 'guided'")
        gap = (source.logit_gap * view.masked).flatten(1).sum(1) / view.masked.flatten(1).sum(1)
        limits = [threshold((s + 1) / view.steps) for s in view.step]
        return gap / torch.tensor(limits, device=gap.device)

    def __call__(self, view: View) -> Commit:
        sure = self.sureness(view)
        out = (sure >= self.scale)[:, None, None] & view.masked
        tokens = torch.where(out, view.argmax, MASK) if self.token == "argmax" else None
        return Commit(self.standard()(view) | out, tokens=tokens, notes={"sureness": sure})


def calibrate(sureness: Sequence[Sequence[float]], passes: float) -> float:
    """The `scale` with which the mean exit pass comes nearest to `passes` (counted from 1).

    sureness: per image and pass, the trace column of that name from a run that never exits (`scale=inf`).
    """
    if not sureness or not all(len(row) for row in sureness):
        raise LadrError("sureness: no passes to calibrate on")
    within("passes", passes, 1)

    def exit_pass(row: Sequence[float], scale: float) -> int:
        return next((i for i, s in enumerate(row, 1) if s >= scale), len(row))

    scales = sorted({s for row in sureness for s in row if s >= 0})
    return min(scales, key=lambda c: abs(sum(exit_pass(r, c) for r in sureness) / len(sureness) - passes))
