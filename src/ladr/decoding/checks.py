"""Checks of what callers, backbones, noise and policies hand to the loop."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ladr.base.errors import LadrError
from ladr.decoding.frontier import top
from ladr.decoding.marginals import Marginals
from ladr.decoding.noise import ImageStreams, Noise
from ladr.decoding.policies.base import Policy, as_commit
from ladr.decoding.view import MASK, Commit, View


def check_finite(marginals: Marginals) -> None:
    """Raise if the logits of a cell contain NaN or +inf, or nothing but -inf."""
    fine = marginals.finite
    if not bool(fine.all()):
        cell = int((~fine).nonzero()[0])
        peak = float(marginals.logits[cell].amax())
        raise LadrError(f"logits: {peak} as the largest of predicted cell {cell}; a finite number is wanted")


def settle(policy: Policy, view: View, known: Tensor | None = None) -> Commit:
    """The policy's commit in this pass, checked: masked cells only, and at least one of each image.

    Where a policy takes nothing of an image, its surest masked cell is committed. known (B, H, W) bool: cells
    that it may not mask again.
    """
    commit = as_commit(policy(view))
    for name in ("take", "drop", "rescued", "rewrite"):
        mask = getattr(commit, name)
        if mask is None and name != "take":
            continue
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool or mask.shape != view.tokens.shape:
            raise LadrError(
                f"policy {policy.name!r}: {name} is {_described(mask)}, not a bool tensor "
                f"{tuple(view.tokens.shape)}"
            )
    take = commit.take & view.masked
    empty = ~take.flatten(1).any(1)
    if bool(empty.any()):
        take = take | top(view.top1, empty.long(), view.masked)
    rescued = None if commit.rescued is None else commit.rescued & take
    if commit.tokens is not None:
        check_codes(commit.tokens[take & (commit.tokens != MASK)], view.predictions.marginals.codes)
    drop = commit.drop
    if drop is not None:
        drop = drop & ~view.masked if known is None else drop & ~view.masked & ~known
    return commit._replace(take=take, rescued=rescued, drop=drop)


def packed(raw: Tensor, masked: Tensor, at: Tensor, codes: int) -> Tensor:
    """(M, K) float32 logits of the cells `at`, from dense or packed ones; anything else raises LadrError."""
    dense, M = (*masked.shape, codes), int(masked.sum())
    if not isinstance(raw, Tensor) or not raw.is_floating_point():
        raise LadrError(f"logits: {getattr(raw, 'dtype', type(raw).__name__)} is not a floating-point tensor")
    if tuple(raw.shape) == dense:
        raw = raw[at]
    elif tuple(raw.shape) != (M, codes):
        raise LadrError(f"logits: shape {tuple(raw.shape)} is wrong; {dense} or {(M, codes)} is wanted")
    elif at is not masked:
        raise LadrError(
            "logits: this policy needs them at observed cells too, the backbone gives masked ones only"
        )
    return raw.float()


def check_codes(codes: Tensor, K: int) -> None:
    """Raise unless every code lies in 0..K-1."""
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < K:
        wrong = codes[(codes < 0) | (codes >= K)][0]
        raise LadrError(
            f"tokens: code {int(wrong)} is not allowed; codes are 0..{K - 1}, {MASK} marks a masked cell"
        )


def check_call(backbone: Any, prompts: Any, steps: Any, batch_size: Any, temperature: Any) -> None:
    """Raise at the first argument of `decode` that is not what it should be."""
    if isinstance(prompts, str) or not isinstance(prompts, Sequence) or len(prompts) == 0:
        raise LadrError(f"prompts: {prompts!r} is not allowed; a list with at least one prompt")
    for name, value in (("steps", steps), ("batch_size", batch_size), ("codes", backbone.codes)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise LadrError(f"{name}: {value!r} is not allowed; an integer >= 1")
    if not isinstance(temperature, (int, float)) or not 0 <= temperature < math.inf:
        raise LadrError(f"temperature: {temperature!r} is not allowed; a finite number >= 0")


def start_of(backbone: Any, N: int, start: Tensor | None) -> Tensor:
    """(N, H, W) int64 tokens to start from: the given ones, or all masked."""
    shape = (N, *backbone.grid)
    device = getattr(backbone, "device", "cpu")
    if start is None:
        return torch.full(shape, MASK, dtype=torch.int64, device=device)
    if not isinstance(start, Tensor) or start.dtype != torch.int64 or tuple(start.shape) != shape:
        raise LadrError(f"start: {_described(start)} is not allowed; int64 {shape} is")
    check_codes(start[start != MASK], backbone.codes)
    return start.to(device)


def _described(thing: Any) -> str:
    """The dtype and shape of a tensor, the type of anything else."""
    return f"{thing.dtype} {tuple(thing.shape)}" if isinstance(thing, Tensor) else type(thing).__name__


def noise_of(N: int, seeds: Sequence[int] | None, noise: Noise | None) -> Noise:
    """The given noise, or one stream per image from the seeds."""
    if noise is not None and seeds is not None:
        raise LadrError("seeds: not together with noise; give one of the two")
    if noise is not None:
        return noise
    seeds = list(range(N)) if seeds is None else list(seeds)
    if len(seeds) != N:
        raise LadrError(f"seeds: {len(seeds)} for {N} prompts; one per prompt is wanted")
    return ImageStreams(seeds)
