"""Checks of what callers, backbones, noise and policies hand to the loop."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.base.errors import LadrError, shown
from ladr.decoding.commits import answer, at_least_one
from ladr.decoding.denoiser import Denoiser, name_of
from ladr.decoding.noise import ImageStreams, Noise
from ladr.decoding.policies.base import Policy
from ladr.decoding.view import MASK, Commit, View

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def settle(policy: Policy, view: View, known: Tensor | None = None) -> Commit:
    """The policy's commit in this pass, checked: masked cells only, and at least one of each image.

    Where a policy takes nothing of an image, its surest masked cell is committed. known (B, H, W) bool: cells
    that it may neither mask again nor overwrite.
    """
    with only_read(f"policy {policy.name!r}", **held_by(view)):
        commit = answer(policy, view)
    take = at_least_one(commit.take, view)
    rescued = None if commit.rescued is None else commit.rescued & take
    if commit.tokens is not None:
        check_codes(commit.tokens[take & (commit.tokens != MASK)], view.predictions.marginals.codes)
    drop = commit.drop
    if drop is not None:
        drop = drop & ~view.masked if known is None else drop & ~view.masked & ~known
    left = view.masked & ~take if drop is None else (view.masked & ~take) | drop
    if commit.best is not None and bool((commit.best & left.flatten(1).any(1)).any()):
        raise LadrError(f"policy {policy.name!r}: best names an image with cells still to commit")
    return commit._replace(
        take=take, rescued=rescued, drop=drop, rewrite=_rewritten(policy, view, commit, known)
    )


def _rewritten(policy: Policy, view: View, commit: Commit, known: Tensor | None) -> Tensor | None:
    """(B, H, W) bool: the observed cells that a commit overwrites, which need a prediction."""
    if commit.rewrite is None:
        return None
    if not policy.everywhere:
        raise LadrError(
            f"policy {policy.name!r}: rewrite needs predictions at observed cells, which a policy asks for "
            "with everywhere = True"
        )
    return commit.rewrite & ~view.masked if known is None else commit.rewrite & ~view.masked & ~known


@contextmanager
def only_read(who: str, **parts: Tensor | Sequence[int]) -> Iterator[None]:
    """Raise if what runs inside writes into one of these tensors or lists. `who` begins the message."""
    before = {n: part.clone() if isinstance(part, torch.Tensor) else list(part) for n, part in parts.items()}
    yield
    for name, part in parts.items():
        if not _is(part, before[name]):
            copy = f"{name}.clone()" if isinstance(part, torch.Tensor) else f"a copy of {name}"
            raise LadrError(f"{who}: writes into {name}, which it may only read; {copy} may be written")


def held_by(view: View) -> dict[str, Any]:
    """What a view holds that nobody but the loop may write: tensors (B, H, W), and lists (B,) of numbers."""
    names = ("tokens", "masked", "drawn", "gumbel", "began", "just_committed")
    lists = ("images", "step", "initial", "counts")
    return {name: getattr(view, name) for name in (*names, *lists)}


def _is(part: Tensor | Sequence[int], before: Any) -> bool:
    """Is it what it was? A number that is none, NaN, is what it was too."""
    if not isinstance(part, torch.Tensor):
        return list(part) == before
    return torch.equal(part, before) or bool(((part == before) | ((part != part) & (before != before))).all())


def packed(raw: Tensor, masked: Tensor, at: Tensor, codes: int, name: str = "logits") -> Tensor:
    """(M, K) logits of the cells `at`, from dense or packed ones; anything else raises LadrError."""
    dense, M = (*masked.shape, codes), int(masked.sum())
    if not isinstance(raw, Tensor) or not raw.is_floating_point():
        raise LadrError(f"{name}: {getattr(raw, 'dtype', type(raw).__name__)} is not a floating-point tensor")
    if tuple(raw.shape) == dense:
        return raw[at]
    if tuple(raw.shape) != (M, codes):
        raise LadrError(f"{name}: shape {tuple(raw.shape)} is wrong; {dense} or {(M, codes)} is wanted")
    if at is not masked:
        raise LadrError(
            f"{name}: this policy needs them at observed cells too, the backbone gives masked ones only"
        )
    return raw


def check_codes(codes: Tensor, K: int) -> None:
    """Raise unless every code lies in 0..K-1."""
    if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < K:
        wrong = codes[(codes < 0) | (codes >= K)][0]
        raise LadrError(
            f"tokens: code {int(wrong)} is not allowed; codes are 0..{K - 1}, {MASK} marks a masked cell"
        )


def check_draws(noise: Any, codes: Any, gumbel: Any, masked: Tensor, M: int) -> None:
    """Raise unless a noise gave int64 codes (M,) and floating-point selection noise (B, H, W)."""
    shape = tuple(masked.shape)
    if not isinstance(codes, Tensor) or codes.dtype != torch.int64 or tuple(codes.shape) != (M,):
        raise LadrError(f"noise {_name(noise)}: tokens gives {_described(codes)}, not int64 {(M,)}")
    if not isinstance(gumbel, Tensor) or not gumbel.is_floating_point() or tuple(gumbel.shape) != shape:
        raise LadrError(f"noise {_name(noise)}: gumbel gives {_described(gumbel)}, not float32 {shape}")


def check_call(backbone: Any, prompts: Any, steps: Any, batch_size: Any, temperature: Any) -> None:
    """Raise at the first argument of `decode` that is not what it should be."""
    if isinstance(backbone, type) or any(not hasattr(backbone, name) for name in ("codes", "grid", "bind")):
        raise LadrError(f"backbone: {shown(backbone)} is not allowed; an object such as load('shapes') gives")
    check_prompts(prompts)
    for name, value in (("steps", steps), ("batch_size", batch_size), ("codes", backbone.codes)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise LadrError(f"{name}: {shown(value)} is not allowed; an integer >= 1")
    number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool)
    if not number or not 0 <= temperature <= sys.float_info.max:
        raise LadrError(f"temperature: {shown(temperature)} is not allowed; a finite number >= 0")


def check_prompts(prompts: Any) -> None:
    """Raise unless these are at least one prompt, in a list or another sequence."""
    if isinstance(prompts, (str, bytes)) or not isinstance(prompts, Sequence) or len(prompts) == 0:
        raise LadrError(f"prompts: {shown(prompts)} is not allowed; a list with at least one prompt")


def check_texts(prompts: Any) -> None:
    """Raise unless these are at least one prompt and each is a text, for a backbone that reads text."""
    check_prompts(prompts)
    for i, prompt in enumerate(prompts):
        if not isinstance(prompt, str):
            raise LadrError(f"prompts[{i}]: {shown(prompt)} is not allowed; a text")
        if any("\ud800" <= letter <= "\udfff" for letter in prompt):
            raise LadrError(f"prompts[{i}]: {shown(prompt)} is not allowed; a text without lone surrogates")


def check_calls(cache: Any, **functions: Any) -> None:
    """Raise unless the cache and these arguments are functions, or None."""
    if isinstance(cache, type) or not (cache is None or callable(cache)):
        raise LadrError(
            f"cache: {shown(cache)} is not allowed; None, or a function of the previous view such as "
            "ladr.decoding.caches.cache('ml') gives"
        )
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise LadrError(f"{name}: {shown(function)} is not allowed; None or a function")


def check_plan(cache: Any, plan: Any) -> None:
    """Raise unless a cache answered with a `Recompute`, or with something that has a cost as it does."""
    if not hasattr(plan, "cost"):
        raise LadrError(f"cache {_name(cache)}: an answer of {shown(plan)} is not allowed; a Recompute")


def costs_of(plan: Any, B: int) -> list[float]:
    """What the pass cost each of B images, in full passes."""
    cost = plan.cost
    if isinstance(cost, Tensor) and tuple(cost.shape) == (B,) and not cost.is_complex():
        return cost.tolist()
    if isinstance(cost, (int, float)):
        return [float(cost)] * B
    raise LadrError(f"cache: a cost of {shown(cost)} is not allowed; a number, or a tensor {(B,)}")


def attention_of(denoiser: Denoiser, masked: Tensor) -> Tensor:
    """(B, N, N) float32: the attention between the cells of grids masked (B, H, W) in the last pass;
    LadrError where the backbone tells none."""
    attention, (B, H, W) = denoiser.attention, masked.shape
    if attention is None:
        raise LadrError(
            f"backbone {name_of(denoiser)} tells no attention between cells, which the policy needs; one of "
            "the Lumina layout does"
        )
    shape = (B, H * W, H * W)
    if not isinstance(attention, Tensor) or tuple(attention.shape) != shape:
        raise LadrError(
            f"backbone {name_of(denoiser)}: attention {_described(attention)} is not allowed; {shape} is"
        )
    if not bool(attention.isfinite().all()):
        raise LadrError(f"backbone {name_of(denoiser)}: attention holds numbers that are not finite")
    return attention.float()


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


def grids_of(tokens: Any, K: int, masked: bool = False) -> Tensor:
    """The tokens (B, H, W) as a tensor, for who draws them; LadrError unless they are codes 0..K-1, or, with
    `masked`, MASK."""
    words = f"integers of shape (B, H, W), codes 0..{K - 1}" + (f" or {MASK} for a masked cell" * masked)
    grids = (
        torch.from_numpy(tokens) if isinstance(tokens, np.ndarray) and tokens.dtype.kind in "iu" else tokens
    )
    whole = isinstance(grids, Tensor) and grids.dtype in WHOLE
    if not whole or grids.ndim != 3 or not grids.numel():
        raise LadrError(f"tokens: {shown(tokens)} is not allowed; {words}")
    low, high = int(grids.min()), int(grids.max())
    if low < (MASK if masked else 0) or high >= K:
        raise LadrError(f"tokens: code {high if high >= K else low} is not allowed; {words}")
    return grids.long()


def _described(thing: Any) -> str:
    """The dtype and shape of a tensor, the type of anything else."""
    return f"{thing.dtype} {tuple(thing.shape)}" if isinstance(thing, Tensor) else type(thing).__name__


def _name(thing: Any) -> str:
    return getattr(thing, "__name__", type(thing).__name__)


def noise_of(N: int, seeds: Sequence[int] | None, noise: Noise | None) -> Noise:
    """The given noise, or one stream per image from the seeds."""
    if noise is not None and seeds is not None:
        raise LadrError("seeds: not together with noise; give one of the two")
    if noise is not None:
        draws = (getattr(noise, name, None) for name in ("tokens", "gumbel", "keys"))
        if isinstance(noise, type) or not all(map(callable, draws)):
            raise LadrError(
                f"noise: {shown(noise)} is not allowed; an object with tokens, gumbel and keys, such as "
                "ladr.decoding.noise.ImageStreams([0, 1])"
            )
        return noise
    seeds = range(N) if seeds is None else seeds
    if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Sequence):
        raise LadrError(f"seeds: {shown(seeds)} is not allowed; a list of integers, one per prompt")
    if len(seeds) != N:
        raise LadrError(f"seeds: {len(seeds)} for {N} prompts; one per prompt is wanted")
    return ImageStreams(seeds)
