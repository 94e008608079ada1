"""Which positions the network recomputes in a pass. A cache sees the previous view, not the network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.base.late import Tensor, torch
from ladr.decoding.view import View


@dataclass(eq=False)
class Recompute:
    """What a cache asks for in the coming pass.

    full (B,): rows that recompute every position (None: all of them). The others recompute, in each branch,
    the `share` of their positions with the lowest largest logit and, with `changed`, all whose token changed
    since it was last computed. uncond (B,): rows that run the unconditional branch (None: all); the others
    reuse the difference between the branches. cost (B,) is the answer: the share of a full pass that each row
    came to, which the denoiser fills in.
    """

    full: Tensor | None = None
    share: float = 0.0
    changed: bool = True
    uncond: Tensor | None = None
    cost: Tensor | float = 1.0


def _unit(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise LadrError(f"{name}: {value!r} is not allowed; a number from 0 to 1")


def _count(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise LadrError(f"{name}: {value!r} is not allowed; a whole number from 1")


@dataclass(frozen=True)
class MLCache:
    """The cache that keeps a share `ratio` of the positions between full passes, `refresh` passes apart.

    Before `warmup` every pass is full. With `literal` the warm-up counts passes, int(steps * warmup) and
    one more, and a token just committed keeps the keys of its mask until chosen, as in the reference decoder.
    Otherwise the warm-up ends when an image's own time reaches `warmup`, so that a decoder of few passes has
    one too, and positions just committed are recomputed always. With `branch_every` > 1 the unconditional
    branch runs in full passes and in every `branch_every`-th other pass only.
    """

    ratio: float = 0.9
    refresh: int = 5
    warmup: float = 0.3
    literal: bool = False
    branch_every: int = 1

    def __post_init__(self):
        _unit("cache.ratio", self.ratio)
        _unit("cache.warmup", self.warmup)
        _count("cache.refresh", self.refresh)
        _count("cache.branch_every", self.branch_every)

    def __call__(self, view: View | None) -> Recompute:
        share = 1 - self.ratio
        if view is None:
            return Recompute(None, share, not self.literal)
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
    """The unconditional branch runs in every `every`-th pass; else its difference to the other is reused."""

    every: int = 2
    warmup: float = 0.3

    def __post_init__(self):
        _count("cache.every", self.every)
        _unit("cache.warmup", self.warmup)

    def __call__(self, view: View | None) -> Recompute:
        if view is None:
            return Recompute()
        runs = [
            t < self.warmup or (step + 1) % self.every == 0
            for step, t in zip(view.step, view.t.tolist(), strict=True)
        ]
        return Recompute(uncond=torch.tensor(runs, device=view.tokens.device))


Cache = Callable[[View | None], Any]  # of the previous view, None in the first pass: a Recompute or its like
CACHES = {"ml": MLCache, "branch": BranchCache}


def cache(name: str, **fields: Any) -> MLCache | BranchCache:
    """The cache of that name with its fields set: `cache("ml", ratio=0.9, literal=True)`."""
    if name not in CACHES:
        raise LadrError(f"cache: {name!r} is not known{nearest(name, CACHES)}")
    known = CACHES[name].__dataclass_fields__
    for field in fields:
        if field not in known:
            raise LadrError(f"cache.{field}: {name!r} has no such field{nearest(field, known)}")
    return CACHES[name](**fields)
