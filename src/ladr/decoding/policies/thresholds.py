"""Rules that commit whatever passes a bar, joined with the schedule so that they keep its number of
passes."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import dilate, precise, ranks, top
from ladr.decoding.policies.allowed import count, one_of, within
from ladr.decoding.policies.counted import Counted
from ladr.decoding.policies.scheduled import RANKS, log_score
from ladr.decoding.view import View


@dataclass(frozen=True)
class _Barred(Counted):
    """What passes the bar, and at least as many cells as the schedule wants (schedule `none`: at least
    one)."""

    schedule: str = "inverse"
    rank: str = "sampled"
    noise: float = 1.0

    def __post_init__(self) -> None:
        if self.schedule != "none":
            super().__post_init__()
        one_of("rank", self.rank, RANKS)
        within("noise", self.noise, 0)

    def passes(self, view: View) -> Tensor:
        """(B, H, W) bool: the cells that pass the bar."""
        raise NotImplementedError

    def __call__(self, view: View) -> Tensor:
        passed = self.passes(view) & view.masked
        if self.schedule == "none":
            none = ~passed.flatten(1).any(1)
            return passed | top(log_score(view, "top1"), none.long(), view.masked)
        score = log_score(view, self.rank) + self.noise * view.gumbel
        return passed | top(score, self.due(view), view.masked)


@dataclass(frozen=True)
class Threshold(_Barred):
    """Cells whose likeliest code has at least probability `level`.

    The rule of Fast-dLLM (arXiv 2505.22618; its code: Apache-2.0) and Dimple (arXiv 2505.16990; its code: no
    licence for the whole, Apache-2.0 in the file with the rule), written from their descriptions; no code
    was taken.
    """

    name: ClassVar[str] = "threshold"
    level: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        within("level", self.level, 0, 1)

    def passes(self, view: View) -> Tensor:
        return view.top1 >= self.level


@dataclass(frozen=True)
class EntropyBound(_Barred):
    """The largest set of lowest-entropy cells whose entropies without the largest sum to at most `bound`
    nats: a bound on what committing them together can cost, whatever their geometry.

    EB-Sampler (arXiv 2505.24857; no code by its authors was found, that of diffusers: Apache-2.0), written
    from its description; no code was taken.
    """

    name: ClassVar[str] = "entropy_bound"
    bound: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("bound", self.bound, 0)

    def passes(self, view: View) -> Tensor:
        order = ranks(-view.entropy, view.masked).flatten(1)
        ascending = torch.empty_like(view.entropy).flatten(1).scatter_(1, order, view.entropy.flatten(1))
        entropies = precise(ascending)
        affordable = (entropies.cumsum(1) - entropies <= self.bound).to(order.device)
        return affordable.gather(1, order).view_as(view.masked)


@dataclass(frozen=True)
class LocalLeap(_Barred):
    """Anchors with at least probability `anchor`, and cells within `radius` of one with at least `relaxed`.

    LocalLeap (arXiv 2510.07081; its code: Apache-2.0 by the word of a project that adapted it), which is
    one-dimensional there; written from its description, no code was taken.
    """

    name: ClassVar[str] = "localleap"
    anchor: float = 0.9
    relaxed: float = 0.75
    radius: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        within("anchor", self.anchor, 0, 1)
        within("relaxed", self.relaxed, 0, 1)
        count("radius", self.radius, 0)

    def passes(self, view: View) -> Tensor:
        anchors = view.masked & (view.top1 >= self.anchor)
        return anchors | (dilate(anchors, 2 * self.radius + 1) & (view.top1 >= self.relaxed))


@dataclass(frozen=True)
class Klass(_Barred):
    """Cells surer than `level` whose distribution moved by less than `kl` nats in each of the last `stable`
    passes (1 or 2).

    KLASS (arXiv 2511.05664; its code: MIT), written from its description; no code was taken.
    """

    name: ClassVar[str] = "klass"
    history: ClassVar[bool] = True
    level: float = 0.9
    kl: float = 0.01
    stable: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        within("level", self.level, 0, 1)
        within("kl", self.kl, 0)
        count("stable", self.stable, 1, 2)

    def passes(self, view: View) -> Tensor:
        calm = view.change < self.kl
        if self.stable == 2:
            calm &= view.previous.change < self.kl if view.previous is not None else False
        return calm & (view.top1 > self.level)
