"""`ladr speed loop`: the cost of a pass besides the network, as ratios within one run."""

import statistics
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ladr.decoding.loop import decode
from ladr.decoding.policies import build
from ladr.decoding.policies.base import Policy
from ladr.speed.threads import threads as limited_threads


class FixedLogits:
    """A backbone whose network costs nothing: the same random logits in every pass, and others of a second
    branch, so that policies that believe it pay for reading it."""

    everywhere = attends = False

    def __init__(self, grid: tuple[int, int], codes: int, seed: int):
        self.grid, self.codes = grid, codes
        generator = torch.Generator().manual_seed(seed)
        self.table, self.other = (
            3 * torch.randn(grid[0] * grid[1], codes, generator=generator) for _ in range(2)
        )

        self.seed = seed

    @cached_property
    def looks(self) -> Tensor:
        """(N, N): random attention between the cells."""
        N = self.grid[0] * self.grid[1]
        return torch.rand(N, N, generator=torch.Generator().manual_seed(self.seed)).square()

    @property
    def attention(self) -> Tensor:
        return self.looks[None]

    def bind(self, prompts: Sequence[str]) -> "FixedLogits":
        return self

    def logits(self, tokens: Tensor, rows: Tensor, *, t=None, recompute=None) -> Tensor:
        masked = int((tokens == -1).sum())
        self.conditional = self.other[:masked]
        return self.table.view(1, *self.grid, -1) if self.everywhere else self.table[:masked]


class Stopwatch:
    """A policy that is timed, and that commits everything in pass `last`.

    What all policies share (drawn codes, the two likeliest and the gap) is computed before its clock runs;
    what it alone asks the predictions for counts as its own.
    """

    def __init__(self, policy: Policy, last: int | None = None):
        self.policy, self.last = policy, last
        self.history, self.everywhere, self.attends = policy.history, policy.everywhere, policy.attends
        self.seconds: list[float] = []

    def __call__(self, view: Any) -> Any:
        _ = view.masked, view.drawn, view.drawn_prob, view.top1, view.gap
        began = time.perf_counter()
        answer = self.policy(view)
        self.seconds.append(time.perf_counter() - began)
        return view.masked if len(self.seconds) == self.last else answer


def _once(backbone: FixedLogits, policy: str | dict, steps: int) -> dict[str, list[float]]:
    """Milliseconds of every pass of one decode: the pass, the policy in it, and the plain read-out."""
    watch = Stopwatch(build(policy))
    image = decode(backbone, ["bench"], watch, steps=steps, batch_size=1).trace.images[0]
    plain = []
    for masked in image.masked:
        began = time.perf_counter()
        backbone.table[:masked].softmax(-1).argmax(-1)
        plain.append(time.perf_counter() - began)
    columns = {"pass": image.seconds, "policy": watch.seconds, "plain": plain}
    return {name: [1e3 * s for s in seconds] for name, seconds in columns.items()}


def loop_speed(
    grid: tuple[int, int] = (64, 64),
    codes: int = 8192,
    policy: str | dict = "ladr",
    steps: int = 64,
    repeat: int = 5,
    threads: int = 1,
    seed: int = 0,
) -> dict[str, Any]:
    """Time what a pass does besides the network, against one plain softmax and arg-max of the same logits.

    Batch 1; medians over `repeat` decodes after one that warms up. `ratio` and `policy_share` belong to the
    first pass, where all cells are masked (goals: at most 4 and 0.05). `*_whole` belong to the sum over all
    passes of a decode.
    """
    with limited_threads(threads):
        backbone = FixedLogits(grid, codes, seed)
        runs = [_once(backbone, policy, steps) for _ in range(repeat + 1)][1:]
    first = {name: statistics.median(run[name][0] for run in runs) for name in runs[0]}
    whole = {name: statistics.median(sum(run[name]) for run in runs) for name in runs[0]}
    return {
        "grid": list(grid), "codes": codes, "policy": policy, "threads": threads, "repeat": repeat,
        "passes": len(runs[0]["pass"]),
        **{f"{name}_ms": value for name, value in first.items()},
        "ratio": first["pass"] / first["plain"],
        "policy_share": first["policy"] / first["pass"],
        "ratio_whole": whole["pass"] / whole["plain"],
        "policy_share_whole": whole["policy"] / whole["pass"],
    }  # fmt: skip
