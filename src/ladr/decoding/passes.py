"""The passes of a decode: what one call of the network leads to, for whoever drives the loop."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ladr.base.errors import LadrError
from ladr.decoding.checks import called, check_codes, check_finite, packed, settle
from ladr.decoding.marginals import Marginals
from ladr.decoding.noise import Noise
from ladr.decoding.trace import ImageTrace
from ladr.decoding.view import MASK, Commit, Predictions, View, times


@dataclass(frozen=True)
class Batch:
    """The live rows of a decode: which `images` they are, their tokens (B, H, W) with MASK, what the last
    pass changed, `just` (B, H, W) bool, and that pass itself where a cache or a policy looks back."""

    images: list[int]
    tokens: Tensor
    just: Tensor
    previous: View | None = None

    @staticmethod
    def empty(start: Tensor) -> "Batch":
        """No row yet, of grids like start (N, H, W)."""
        return Batch([], start[:0], torch.zeros_like(start[:0], dtype=torch.bool))

    def admit(self, waiting: deque[int], size: int, start: Tensor) -> "Batch":
        """Fill up to `size` rows from the waiting images."""
        new = [waiting.popleft() for _ in range(min(size - len(self.images), len(waiting)))]
        if not new:
            return self
        tokens = torch.cat([self.tokens, start[new]])
        just = torch.cat([self.just, torch.zeros_like(start[new], dtype=torch.bool)])
        return Batch(self.images + new, tokens, just)


class Passes:
    """The passes of one decode call, of this package's loop or of a pipeline's.

    `one_pass` takes a batch one pass further. What N images have become is in tokens (N, H, W), settled and
    rescued (see `ladr.decoding.loop.Decoded`) and traces (N).
    """

    def __init__(
        self,
        codes: int,
        policy: Callable[[View], Tensor | Commit],
        steps: int,
        noise: Noise,
        start: Tensor,
        *,
        temperature: float = 1.0,
        cache: Callable[[View | None], Any] | None = None,
        on_step: Callable[[View, Tensor], None] | None = None,
    ):
        """codes: K. start (N, H, W): known tokens, MASK elsewhere. The rest is as in
        `ladr.decoding.loop.decode`."""
        self.codes, self.policy, self.steps, self.noise = codes, policy, steps, noise
        self.cache, self.temperature, self.on_step = cache, temperature, on_step
        self.tokens = start.clone()
        self.known = start != MASK
        self.initial = (~self.known).flatten(1).sum(1).tolist()
        self.settled = torch.full_like(start, -1)
        self.rescued = torch.zeros_like(self.known)
        self.traces = [ImageTrace(start[0].numel()) for _ in start]

    def one_pass(self, denoiser: Any, batch: Batch) -> Batch:
        """Run the network on the batch, commit what the policy takes, and return the rows that go on.

        denoiser: a `ladr.decoding.loop.Denoiser` of all N images.
        """
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
        return self.compact(denoiser, view, tokens, live, commit.memory)

    def look(self, denoiser: Any, batch: Batch, plan: Any) -> View:
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
        B, rescued = len(view.images), commit.rescued
        none = [0] * B
        chosen, prob = view.drawn, view.drawn_prob
        if commit.tokens is not None:
            chosen = torch.where(commit.take & (commit.tokens != MASK), commit.tokens, view.drawn)
            prob = view.predictions.prob_of(chosen)
        logp = prob.clamp_min(1e-38).log() * commit.take
        columns = {
            "masked": view.counts,
            "scheduled": _count(commit.take if rescued is None else commit.take & ~rescued),
            "rescued": none if rescued is None else _count(rescued),
            "dropped": none if commit.drop is None else _count(commit.drop),
            "unlike": none if rescued is None else _count(rescued & (chosen != view.argmax)),
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

    def compact(
        self, denoiser: Any, view: View, tokens: Tensor, live: Tensor, memory: Mapping[str, Tensor]
    ) -> Batch:
        """Store the tokens and go on with the images that are not finished; `memory`: what the policy
        kept."""
        self.tokens[view.images] = tokens
        changed = tokens != view.tokens
        wanted = self.cache is not None or getattr(self.policy, "history", False)
        previous = view.passed(changed, memory) if wanted else None
        alive = live.tolist()
        if all(alive):
            return Batch(view.images, tokens, changed, previous)
        images = [i for i, on in zip(view.images, alive, strict=True) if on]
        if images and hasattr(denoiser, "keep"):
            denoiser.keep(live)
        previous = previous.rows(live) if previous is not None and images else None
        return Batch(images, tokens[live], changed[live], previous)


def _count(mask: Tensor) -> list[int]:
    return mask.flatten(1).sum(1).tolist()
