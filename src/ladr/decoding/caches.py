"""Which positions the network recomputes in a pass. A cache sees the previous view, not the network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.base.late import Tensor, torch
from ladr.decoding.fields import check_types
from ladr.decoding.view import View, times


@dataclass(eq=False)
class Recompute:
    """What a cache asks for in the coming pass.

    full (B,): rows that recompute every position (None: all of them). The others recompute, in each branch,
    the `share` of their positions with the lowest largest logit, `cells` (B, H, W), and, with `changed`,
    all whose token changed since it was last computed. uncond (B,) or (1,): rows that run the unconditional
    branch (None: all); the others reuse the difference between the branches. strength (B,) or (1,): what
    the guidance is multiplied by (None: 1). cost (B,) is the answer: the share of a full pass that each row
    came to, which the denoiser fills in.
    """

    full: Tensor | None = None
    share: float = 0.0
    changed: bool = True
    uncond: Tensor | None = None
    cells: Tensor | None = None
    strength: Tensor | None = None
    cost: Tensor | float = 1.0


def _unit(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise LadrError(f"{name}: {value!r} is not allowed; a number from 0 to 1")


def _count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise LadrError(f"{name}: {value!r} is not allowed; a whole number from 1")


def _both() -> Tensor:
    """Every row runs both branches, so that their difference is known from the first pass on."""
    return torch.tensor([True])


@dataclass(frozen=True)
class MLCache:
    """The cache that keeps a share `ratio` of the positions between full passes, `refresh` passes apart.

    In the warm-up every pass is full. With `literal` it counts passes, int(steps * warmup) and one more, and
    a token just committed keeps the keys of its mask until chosen, as in the reference decoder. Otherwise a
    pass belongs to it where the pass before began earlier than `warmup` in the image's own time, so that a
    decoder of few passes has one too, and positions just committed are recomputed always. With `branch_every`
    > 1 the unconditional branch runs in full passes and in every `branch_every`-th other pass only.

    It is the ML-Cache of Lumina-DiMOO (arXiv 2510.06308; its code: Apache-2.0), the reference decoder's own.
    """

    ratio: float = 0.9
    refresh: int = 5
    warmup: float = 0.3
    literal: bool = False
    branch_every: int = 1

    def __post_init__(self) -> None:
        _unit("cache.ratio", self.ratio)
        _unit("cache.warmup", self.warmup)
        _count("cache.refresh", self.refresh)
        _count("cache.branch_every", self.branch_every)

    def __call__(self, view: View | None) -> Recompute:
        share = 1 - self.ratio
        if view is None:
            return Recompute(None, share, not self.literal, _both() if self.branch_every > 1 else None)
        full = [
            self._full(step + 1, t, view.steps) for step, t in zip(view.step, view.t.tolist(), strict=True)
        ]
        uncond = [f or (step + 1) % self.branch_every == 0 for f, step in zip(full, view.step, strict=True)]
        return Recompute(
            torch.tensor(full, device=view.tokens.device),
            share,
            not self.literal,
            torch.tensor(uncond, device=view.tokens.device) if self.branch_every > 1 else None,
        )

    def _full(self, step: int, t: float, steps: int) -> bool:
        """Is this image's pass `step` (from 0) a full one? `t` is its time when the pass before began."""
        if not self.literal:
            return t < self.warmup or step % self.refresh == 0
        warm = int(steps * self.warmup)
        return step <= warm or (step - warm) % self.refresh == 0


@dataclass(frozen=True)
class BranchCache:
    """The unconditional branch runs in every `every`-th pass; else its difference to the other is reused.

    The condition cache of LazyMAR (arXiv 2503.12450; its code: MIT) reuses that difference too.
    """

    every: int = 2
    warmup: float = 0.3

    def __post_init__(self) -> None:
        _count("cache.every", self.every)
        _unit("cache.warmup", self.warmup)

    def __call__(self, view: View | None) -> Recompute:
        if view is None:
            return Recompute(uncond=_both())
        runs = [
            t < self.warmup or (step + 1) % self.every == 0
            for step, t in zip(view.step, view.t.tolist(), strict=True)
        ]
        return Recompute(uncond=torch.tensor(runs, device=view.tokens.device))


@dataclass(frozen=True)
class DelayedCache:
    """What an observed cell said is reused from the second pass after its commit on: every pass recomputes
    the masked cells and those that the pass before committed, and every `refresh`-th pass everything.

    dKV-Cache (arXiv 2505.15781; its code: no licence given), decode variant, written from its description;
    no code was taken.
    """

    refresh: int = 4
    warmup: float = 0.0

    def __post_init__(self) -> None:
        _count("cache.refresh", self.refresh)
        _unit("cache.warmup", self.warmup)

    def __call__(self, view: View | None) -> Recompute:
        if view is None:
            return Recompute()
        full = [
            t < self.warmup or (step + 1) % self.refresh == 0
            for step, t in zip(view.step, view.t.tolist(), strict=True)
        ]
        return Recompute(torch.tensor(full, device=view.tokens.device), cells=view.masked)


@dataclass(frozen=True)
class StaleCache:
    """The network runs in every `every`-th pass; the passes between decode from its last answer.

    A control without training for shortcuts that learn what skipped passes would have said: MIGM-Shortcut
    (arXiv 2602.23996; its code: no licence for the whole, MIT in its part from Halton-MaskGIT).
    """

    every: int = 2

    def __post_init__(self) -> None:
        _count("cache.every", self.every)

    def __call__(self, view: View | None) -> Recompute:
        if view is None:
            return Recompute()
        full = [(step + 1) % self.every == 0 for step in view.step]
        return Recompute(torch.tensor(full, device=view.tokens.device), changed=False)


@dataclass(frozen=True)
class GuidanceRamp:
    """Guidance that goes from `first` to `last` times the backbone's between the times `start` and `end`;
    while it is 0, the unconditional branch does not run (after the first pass).

    The guidance interval (arXiv 2404.07724; its code: Apache-2.0, adapted in part from code that is not free)
    does without guidance at some times too, but switches it at once. A theory of masked models says when
    guidance helps them (arXiv 2507.08965; no code of it was found).
    """

    first: float = 1.0
    last: float = 0.0
    start: float = 0.3
    end: float = 0.7

    def __post_init__(self) -> None:
        for name in ("first", "last", "start", "end"):
            _unit(f"cache.{name}", getattr(self, name))

    def strength(self, t: Tensor) -> Tensor:
        """(B,) float32 of times (B,)."""
        ramp = ((t - self.start) / max(self.end - self.start, 1e-9)).clamp(0, 1)
        return (self.first + (self.last - self.first) * ramp).float()

    def __call__(self, view: View | None) -> Recompute:
        if view is None:
            return Recompute(uncond=_both(), strength=torch.tensor([self.first]))
        left = (view.masked & ~view.just_committed).flatten(1).sum(1).tolist()
        strength = self.strength(times(left, view.tokens[0].numel())).to(view.tokens.device)
        return Recompute(uncond=strength > 0, strength=strength)


CACHES: dict[str, Any] = {
    "ml": MLCache,
    "branch": BranchCache,
    "delayed": DelayedCache,
    "stale": StaleCache,
    "ramp": GuidanceRamp,
}
Named = MLCache | BranchCache | DelayedCache | StaleCache | GuidanceRamp
Cache = Callable[[View | None], Any]  # of the previous view, None in the first pass: a Recompute or its like


def cache(name: str, **fields: Any) -> Named:
    """The cache of that name with its fields set: `cache("ml", ratio=0.9, literal=True)`."""
    if not isinstance(name, str) or name not in CACHES:
        raise LadrError(f"cache: {name!r} is not known{nearest(str(name), CACHES)}")
    known = CACHES[name].__dataclass_fields__
    for field in fields:
        if field not in known:
            raise LadrError(f"cache.{field}: {name!r} has no such field{nearest(field, known)}")
    check_types(CACHES[name], fields, "cache.")
    return CACHES[name](**fields)
