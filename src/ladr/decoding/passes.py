"""The passes of a decode: what one call of the network leads to, for whoever drives the loop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ladr.base.errors import LadrError
from ladr.decoding.aside import Aside
from ladr.decoding.caches import Cache
from ladr.decoding.checks import (
    attention_of,
    check_codes,
    check_draws,
    check_plan,
    costs_of,
    held_by,
    only_read,
    packed,
    settle,
)  # fmt: skip
from ladr.decoding.denoiser import Denoiser, name_of
from ladr.decoding.marginals import Marginals, check_finite
from ladr.decoding.noise import Noise
from ladr.decoding.policies.base import Policy
from ladr.decoding.trace import ImageTrace
from ladr.decoding.view import MASK, Commit, Predictions, View, times


@dataclass(frozen=True)
class Live:
    """The live rows of a decode: which `images` they are, their tokens (B, H, W) with MASK, the cells `just`
    (B, H, W) bool that the last pass changed, and that pass itself where a cache or a policy looks back."""

    images: list[int]
    tokens: Tensor
    just: Tensor
    previous: View | None = None

    @staticmethod
    def empty(start: Tensor) -> Live:
        """No row yet, of grids like start (N, H, W)."""
        return Live([], start[:0], torch.zeros_like(start[:0], dtype=torch.bool))

    def admit(self, waiting: deque[int], size: int, start: Tensor) -> Live:
        """Fill up to `size` rows from the waiting images."""
        new = [waiting.popleft() for _ in range(min(size - len(self.images), len(waiting)))]
        if not new:
            return self
        tokens = torch.cat([self.tokens, start[new]])
        just = torch.cat([self.just, torch.zeros_like(start[new], dtype=torch.bool)])
        return Live(self.images + new, tokens, just)


class Passes:
    """The passes of one decode call, of this package's loop or of a pipeline's.

    `one_pass` takes the live rows one pass further. What N images have become is in tokens (N, H, W), in
    settled and rescued (see `ladr.decoding.loop.Decoded`) and in traces (N).
    """

    def __init__(
        self,
        codes: int,
        policy: Policy,
        steps: int,
        noise: Noise,
        start: Tensor,
        *,
        temperature: float = 1.0,
        cache: Cache | None = None,
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
        self.aside = Aside()

    @property
    def looks_back(self) -> bool:
        """Does the cache or the policy read the previous view?"""
        return self.cache is not None or self.policy.history

    def one_pass(self, denoiser: Denoiser, live: Live) -> Live:
        """Run the network on the live rows, commit what the policy takes, and return the rows that go on.

        denoiser: of all N images.
        """
        began = time.perf_counter()
        plan = None
        if self.cache is not None:
            plan = self.cache(self.aside.rebased(live.previous, live.tokens))
            check_plan(self.cache, plan)
        view = self.look(denoiser, live, plan)
        commit = settle(self.policy, view, self.known[live.images])
        if self.on_step is not None:
            with only_read("on_step", take=commit.take, **held_by(view)):
                self.on_step(view, commit.take)
        tokens = self.write(view, commit)
        thrown = self.aside.turn(view, commit, self.known, tokens, self.settled, self.rescued)
        cost = [1.0] * len(live.images) if plan is None else costs_of(plan, len(live.images))
        self.note(view, commit, thrown, cost, time.perf_counter() - began)
        self.check_progress(live.images)
        return self.compact(denoiser, view, tokens, commit.memory)

    def look(self, denoiser: Denoiser, live: Live, plan: Any) -> View:
        """Run the network, draw, and put together what the policy sees."""
        masked = live.tokens == MASK
        rows = torch.tensor(live.images, device=live.tokens.device)
        step = [self.traces[i].passes for i in live.images]
        t = times(_count(masked), masked[0].numel()).to(masked.device, torch.float32)
        with only_read(f"backbone {name_of(denoiser)}", tokens=live.tokens):
            raw = denoiser.logits(live.tokens, rows, t=t, recompute=plan)
        at = torch.ones_like(masked) if self.policy.everywhere else masked
        marginals = Marginals(packed(raw, masked, at, self.codes))
        codes = self.noise.tokens(live.images, at, marginals, self.temperature)
        check_finite(marginals)
        gumbel = self.noise.gumbel(live.images, masked)
        check_draws(self.noise, codes, gumbel, masked, len(marginals.logits))
        check_codes(codes, self.codes)
        before = live.previous.predictions if live.previous is not None else None
        return View(
            tokens=live.tokens,
            predictions=Predictions(at, marginals, codes, before),
            gumbel=gumbel,
            images=live.images,
            step=step,
            steps=self.steps,
            initial=[self.initial[i] for i in live.images],
            draw_keys=self.noise.keys,
            just_committed=live.just,
            conditional=self.conditional(denoiser, masked, codes),
            attention=attention_of(denoiser, masked) if self.policy.attends else None,
            previous=live.previous,
        )

    def conditional(self, denoiser: Denoiser, masked: Tensor, codes: Tensor) -> Predictions | None:
        """The predictions before guidance, where the network tells them."""
        raw = denoiser.conditional
        if raw is None:
            return None
        return Predictions(masked, Marginals(packed(raw, masked, masked, self.codes, "conditional")), codes)

    def write(self, view: View, commit: Commit) -> Tensor:
        """The tokens after the pass; observed cells stay, but for what a commit drops or rewrites."""
        rows = view.images
        tokens = view.after(commit.take, commit.tokens).tokens
        if commit.rewrite is not None:
            tokens = torch.where(commit.rewrite, view.drawn, tokens)
        step = torch.tensor(view.step, device=tokens.device)[:, None, None]
        self.settled[rows] = torch.where(commit.take, step, self.settled[rows])
        if commit.rescued is not None:
            self.rescued[rows] |= commit.rescued
        if commit.drop is not None:
            tokens = tokens.masked_fill(commit.drop, MASK)
            self.rescued[rows] &= ~commit.drop
        return tokens

    def note(self, view: View, commit: Commit, thrown: list[int], cost: list[float], seconds: float) -> None:
        """Add this pass to the traces of its images; `thrown`: cells of each that went with a picture."""
        B, rescued = len(view.images), commit.rescued
        none = [0] * B
        dropped = none if commit.drop is None else _count(commit.drop)
        chosen, prob = view.drawn, view.drawn_prob
        if commit.tokens is not None:
            chosen = torch.where(commit.take & (commit.tokens != MASK), commit.tokens, view.drawn)
            prob = view.predictions.prob_of(chosen)
        logp = prob.clamp_min(1e-38).log() * commit.take
        columns = {
            "masked": view.counts,
            "scheduled": _count(commit.take if rescued is None else commit.take & ~rescued),
            "rescued": none if rescued is None else _count(rescued),
            "dropped": [a + b for a, b in zip(thrown, dropped, strict=True)],
            "unlike": none if rescued is None else _count(rescued & (chosen != view.argmax)),
            "logp": logp.flatten(1).sum(1).tolist(),
            "cost": cost,
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
                    f"{self.policy.name} masks cells again faster than it commits them"
                )

    def compact(self, denoiser: Denoiser, view: View, tokens: Tensor, memory: Mapping[str, Tensor]) -> Live:
        """Store the tokens and go on with the images that are not finished; `memory`: what the policy
        kept."""
        self.tokens[view.images] = tokens
        wiped = torch.tensor([i in self.aside.anew for i in view.images], device=tokens.device)
        changed = (tokens != view.tokens) & ~wiped[:, None, None]
        unfinished = (tokens == MASK).flatten(1).any(1)
        previous = view.passed(changed, memory) if self.looks_back else None
        flags = unfinished.tolist()
        if all(flags):
            return Live(list(view.images), tokens, changed, previous)
        images = [i for i, flag in zip(view.images, flags, strict=True) if flag]
        if images:
            denoiser.keep(unfinished)
        previous = previous.rows(unfinished) if previous is not None and images else None
        return Live(images, tokens[unfinished], changed[unfinished], previous)


def _count(mask: Tensor) -> list[int]:
    return mask.flatten(1).sum(1).tolist()
