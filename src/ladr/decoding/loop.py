"""The decoding loop, written once for every backbone, policy, cache and source of noise."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ladr.decoding.caches import Cache
from ladr.decoding.checks import check_call, check_calls, noise_of, start_of
from ladr.decoding.denoiser import Backbone, adopted
from ladr.decoding.film import Film
from ladr.decoding.noise import Noise
from ladr.decoding.passes import Live, Passes
from ladr.decoding.policies import build
from ladr.decoding.policies.base import Policy, Rule
from ladr.decoding.trace import Trace
from ladr.decoding.view import MASK, View


@dataclass(frozen=True, eq=False)
class Decoded:
    """tokens (N, H, W) int64, MASK where the call was stopped, be it in a later try; trace; settled (N, H, W)
    int64: the pass in which each cell was last committed, -1 where it never was, as those known from the
    start; rescued (N, H, W) bool: committed by a rescue; render: the backbone's, tokens to pixels, None where
    it has none. A notebook shows how the pictures appeared."""

    tokens: Tensor
    trace: Trace
    settled: Tensor
    rescued: Tensor
    render: Callable[[Tensor], Any] | None = None

    @cached_property
    def film(self) -> Film:
        """How the images appeared."""
        return Film(self.tokens, self.settled, self.trace, self.render)

    def __repr__(self) -> str:
        _, H, W = self.tokens.shape
        return f"{self.trace}; grid {H}x{W}"

    def _repr_html_(self) -> str:
        return self.film.html()

    def _repr_png_(self) -> bytes:
        return self.film.png()


def steps_of(policy: Policy, steps: int | None) -> int:
    """T as asked for, or the policy's own."""
    return policy.planned if steps is None else steps


@torch.no_grad()
def decode(
    backbone: Backbone,
    prompts: Sequence[str],
    policy: Rule | str | Mapping[str, Any],
    *,
    steps: int | None = None,
    seeds: Sequence[int] | None = None,
    noise: Noise | None = None,
    batch_size: int = 8,
    cache: Cache | None = None,
    temperature: float = 1.0,
    start: Tensor | None = None,
    on_step: Callable[[View, Tensor], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Decoded:
    """Decode one image per prompt.

    policy: what says which masked cells each pass commits, at least one of each image: a policy, a function
    of a view, a name or a plain dict. steps: T of the schedules (default: the policy's own, 64 of most).
    seeds: one per image (default 0, 1, ...), or noise: any source of randomness. batch_size changes no
    result, but for a network's rounding on a GPU: images have their own time and noise, leave when done, and
    others take their place (with a cache, or a policy that looks back, once all are done). temperature: of
    the drawn codes; policies see them at 1. start (N, H, W): known tokens, MASK elsewhere. on_step(view,
    take): called before tokens change. stopped(): True ends the call.
    """
    rule = build(policy)
    check_call(backbone, prompts, steps := steps_of(rule, steps), batch_size, temperature)
    check_calls(cache, on_step=on_step, stopped=stopped)
    start = start_of(backbone, N := len(prompts), start)
    options: dict[str, Any] = {"temperature": float(temperature), "cache": cache, "on_step": on_step}
    run = Passes(backbone.codes, rule, steps, noise_of(N, seeds, noise), start, **options)
    denoiser = adopted(backbone.bind(list(prompts)))
    denoiser.everywhere, denoiser.attends = rule.everywhere, rule.attends
    waiting = deque(i for i in range(N) if bool((start[i] == MASK).any()))
    live = Live.empty(start)
    while (waiting or live.images) and not (stopped and stopped()):
        if not live.images or not run.looks_back:
            live = live.admit(waiting, batch_size, start)
        live = run.one_pass(denoiser, live)
    return Decoded(run.tokens, Trace(run.traces), run.settled, run.rescued, getattr(backbone, "render", None))
