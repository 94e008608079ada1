"""The decoding loop, written once for every backbone, policy, cache and source of noise."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ladr.decoding.checks import check_call, noise_of, start_of
from ladr.decoding.noise import Noise
from ladr.decoding.passes import Batch, Passes
from ladr.decoding.policies import build
from ladr.decoding.trace import Trace
from ladr.decoding.view import MASK, Commit, View


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
    N = len(prompts)
    policy = build(policy)
    start = start_of(backbone, N, start)
    noise = noise_of(N, seeds, noise)
    run = Passes(
        backbone.codes, policy, steps, noise, start,
        temperature=float(temperature), cache=cache, on_step=on_step,
    )  # fmt: skip
    denoiser = backbone.bind(list(prompts))
    if hasattr(denoiser, "everywhere"):
        denoiser.everywhere = getattr(policy, "everywhere", False)
    waiting = deque(i for i in range(N) if bool((start[i] == MASK).any()))
    waves = cache is not None or getattr(policy, "history", False)
    batch = Batch.empty(start)
    while waiting or batch.images:
        if not batch.images or not waves:
            batch = batch.admit(waiting, batch_size, start)
        batch = run.one_pass(denoiser, batch)
    return Decoded(run.tokens, Trace(run.traces), run.settled, run.rescued)
