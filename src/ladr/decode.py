"""The decoding loop, written once for every backbone, policy, cache and source of noise."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ladr.checks import called, check_call, check_codes, check_finite, noise_of, packed, settle, start_of
from ladr.errors import LadrError
from ladr.marginals import Marginals
from ladr.noise import Noise
from ladr.policies import build
from ladr.trace import ImageTrace, Trace
from ladr.view import MASK, Commit, Predictions, View, times


class Denoiser(Protocol):
    """A backbone bound to the prompts of one call.

    Optional: `keep(live)`, live (B,) bool, tells which batch rows stay when finished ones are dropped (the
    batch then goes on with these rows, in order); `conditional` (M, K), the last pass's logits before
    guidance; `everywhere`, set to True when the policy needs dense logits.
    """

    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        """Logits after guidance for tokens (B, H, W) int64 with MASK, of the bound prompts rows (B,): dense
        (B, H, W, K), or packed (M, K) for the masked cells in row-major order. t (B,): each image's time."""
        ...


class Backbone(Protocol):
    """A model of token grids: `codes` K, `grid` (H, W), optionally `device` and `render(tokens)`."""

    codes: int
    grid: tuple[int, int]

    def bind(self, prompts: Sequence[str]) -> Denoiser:
        """The denoiser for the images of one decode call, one prompt each."""
        ...


Policy = Callable[[View], Tensor | Commit]
Cache = Callable[[View | None], Any]


@dataclass(frozen=True, eq=False)
class Decoded:
    """tokens (N, H, W) int64, complete; trace; settled (N, H, W) int64: the pass in which each cell was
    committed, -1 where it was known from the start; rescued (N, H, W) bool: committed by a rescue."""

    tokens: Tensor
    trace: Trace
    settled: Tensor
    rescued: Tensor


@torch.no_grad()
def decode(
    backbone: Backbone,
    prompts: Sequence[str],
    policy: Policy | str | Mapping[str, Any],
    *,
    steps: int = 64,
    seeds: Sequence[int] | None = None,
    noise: Noise | None = None,
    batch_size: int = 8,
    cache: Cache | None = None,
    temperature: float = 1.0,
    start: Tensor | None = None,
    on_step: Callable[[View, Tensor], None] | None = None,
) -> Decoded:
    """Decode one image per prompt.

    policy, or its name or plain dict, says which masked cells each pass commits; a pass commits at least
    one cell of each image. steps: T of the schedules. seeds: one per image (default 0, 1, ...), or noise:
    any source of randomness. Results do not depend on batch_size: each image has its own time and noise,
    leaves the batch when it is done, and a waiting one takes its place (with a cache, or a policy that
    looks back, once the whole batch is done). temperature: of the drawn codes; probabilities that policies
    see are at 1. start (N, H, W): known tokens, MASK elsewhere; they never change. on_step(view, take) is
    called after every pass, before the tokens change.
    """
    check_call(backbone, prompts, steps, batch_size, temperature)
    N, policy = len(prompts), policy if callable(policy) else build(policy)
    start = start_of(backbone, N, start)
    noise = noise_of(N, seeds, noise)
    run = _Run(backbone, policy, steps, noise, cache, float(temperature), on_step, start)
    denoiser = backbone.bind(list(prompts))
    if hasattr(denoiser, "everywhere"):
        denoiser.everywhere = getattr(policy, "everywhere", False)
    waiting = deque(i for i in range(N) if bool((start[i] == MASK).any()))
    waves = cache is not None or getattr(policy, "history", False)
    batch = _Batch.empty(start)
    while waiting or batch.images:
        if not batch.images or not waves:
            batch = batch.admit(waiting, batch_size, start)
        batch = run.one_pass(denoiser, batch)
    return Decoded(run.tokens, Trace(run.traces), run.settled, run.rescued)


@dataclass(frozen=True)
class _Batch:
    """The live rows: which images they are, their tokens (B, H, W), and the pass before, where it is
    wanted."""

    images: list[int]
    tokens: Tensor
    just: Tensor
    previous: View | None = None

    @staticmethod
    def empty(start: Tensor) -> "_Batch":
        return _Batch([], start[:0], torch.zeros_like(start[:0], dtype=torch.bool))

    def admit(self, waiting: deque[int], size: int, start: Tensor) -> "_Batch":
        """Fill up to `size` rows from the waiting images."""
        new = [waiting.popleft() for _ in range(min(size - len(self.images), len(waiting)))]
        if not new:
            return self
        tokens = torch.cat([self.tokens, start[new]])
        just = torch.cat([self.just, torch.zeros_like(start[new], dtype=torch.bool)])
        return _Batch(self.images + new, tokens, just)


class _Run:
    """One call: what stays the same over its passes, and what it has produced so far."""

    def __init__(self, backbone, policy, steps, noise, cache, temperature, on_step, start):
        self.codes, self.policy, self.steps, self.noise = backbone.codes, policy, steps, noise
        self.cache, self.temperature, self.on_step = cache, temperature, on_step
        self.tokens = start.clone()
        self.known = start != MASK
        self.initial = (~self.known).flatten(1).sum(1).tolist()
        self.settled = torch.full_like(start, -1)
        self.rescued = torch.zeros_like(self.known)
        self.traces = [ImageTrace(start[0].numel()) for _ in start]

    def one_pass(self, denoiser: Denoiser, batch: _Batch) -> _Batch:
        began = time.perf_counter()
        plan = self.cache(batch.previous) if self.cache is not None else None
        view = self.look(denoiser, batch, plan)
        commit = settle(self.policy, view, self.known[batch.images])
        if self.on_step is not None:
            self.on_step(view, commit.take)
        tokens = self.write(view, commit)
        live = (tokens == MASK).flatten(1).any(1)
        self.note(view, commit, getattr(plan, "cost", 1.0), time.perf_counter() - began)
        self.check_progress(batch.images)
        return self.compact(denoiser, view, tokens, live)

    def look(self, denoiser: Denoiser, batch: _Batch, plan: Any) -> View:
        """Run the network, draw, and put together what the policy sees."""
        masked = batch.tokens == MASK
        everywhere = getattr(self.policy, "everywhere", False)
        rows = torch.tensor(batch.images, device=batch.tokens.device)
        step = [self.traces[i].passes for i in batch.images]
        t = times(_count(masked), masked[0].numel()).to(masked.device, torch.float32)
        raw = denoiser.logits(batch.tokens, rows, t=t, recompute=plan)
        at = torch.ones_like(masked) if everywhere else masked
        marginals = Marginals(packed(raw, masked, at, self.codes))
        codes = self.noise.tokens(batch.images, at, marginals, self.temperature)
        check_finite(marginals)
        check_codes(codes, self.codes)
        gumbel = self.noise.gumbel(batch.images, masked)
        before = batch.previous.predictions if batch.previous is not None else None
        told = getattr(denoiser, "conditional", None)
        return View(
            tokens=batch.tokens,
            predictions=Predictions(at, marginals, codes, before),
            gumbel=gumbel,
            images=batch.images,
            step=step,
            steps=self.steps,
            initial=[self.initial[i] for i in batch.images],
            draw_keys=self.noise.keys,
            just_committed=batch.just,
            conditional=None if told is None else Predictions(masked, Marginals(told), codes),
            previous=batch.previous,
        )

    def write(self, view: View, commit: Commit) -> Tensor:
        """The tokens after the pass; observed cells stay, but for what a commit drops or rewrites."""
        rows = view.images
        tokens = view.after(commit.take, commit.tokens).tokens
        if commit.rewrite is not None:
            tokens = torch.where(commit.rewrite & ~view.masked, view.drawn, tokens)
        step = torch.tensor(view.step, device=tokens.device)[:, None, None]
        self.settled[rows] = torch.where(commit.take, step, self.settled[rows])
        if commit.rescued is not None:
            self.rescued[rows] |= commit.rescued
        if commit.drop is not None:
            tokens = tokens.masked_fill(commit.drop, MASK)
            self.rescued[rows] &= ~commit.drop
        return tokens

    def note(self, view: View, commit: Commit, cost: Any, seconds: float) -> None:
        """Add this pass to the traces of its images."""
        B = len(view.images)
        rescued = torch.zeros_like(commit.take) if commit.rescued is None else commit.rescued
        dropped = torch.zeros_like(commit.take) if commit.drop is None else commit.drop
        chosen, prob = view.drawn, view.drawn_prob
        if commit.tokens is not None:
            chosen = torch.where(commit.take & (commit.tokens != MASK), commit.tokens, view.drawn)
            prob = view.predictions.prob_of(chosen)
        logp = prob.clamp_min(1e-38).log() * commit.take
        columns = {
            "masked": view.counts,
            "scheduled": _count(commit.take & ~rescued),
            "rescued": _count(rescued),
            "dropped": _count(dropped),
            "unlike": _count(rescued & (chosen != view.argmax)) if commit.rescued is not None else [0] * B,
            "logp": logp.flatten(1).sum(1).tolist(),
            "cost": cost.tolist() if isinstance(cost, Tensor) else [float(cost)] * B,
            "seconds": [seconds / B] * B,
        }
        notes = {name: values.tolist() for name, values in commit.notes.items()}
        for row, i in enumerate(view.images):
            self.traces[i].add({k: v[row] for k, v in columns.items()}, {k: v[row] for k, v in notes.items()})

    def check_progress(self, images: Sequence[int]) -> None:
        for i in images:
            if self.traces[i].passes > self.traces[i].total + self.steps:
                raise LadrError(
                    f"policy: image {i} is not done after {self.traces[i].passes} passes; "
                    f"{called(self.policy)} masks cells again faster than it commits them"
                )

    def compact(self, denoiser: Denoiser, view: View, tokens: Tensor, live: Tensor) -> _Batch:
        """Store the tokens and go on with the images that are not finished."""
        self.tokens[view.images] = tokens
        changed = tokens != view.tokens
        wanted = self.cache is not None or getattr(self.policy, "history", False)
        previous = view.passed(changed) if wanted else None
        alive = live.tolist()
        if all(alive):
            return _Batch(view.images, tokens, changed, previous)
        images = [i for i, on in zip(view.images, alive, strict=True) if on]
        if images and hasattr(denoiser, "keep"):
            denoiser.keep(live)
        previous = previous.rows(live) if previous is not None and images else None
        return _Batch(images, tokens[live], changed[live], previous)


def _count(mask: Tensor) -> list[int]:
    return mask.flatten(1).sum(1).tolist()
