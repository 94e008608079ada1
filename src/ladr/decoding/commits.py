"""Policies' answers for one view: each as a Commit of the right types and shapes, and two as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ladr.base.errors import LadrError, shown
from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import top
from ladr.decoding.trace import COLUMNS
from ladr.decoding.view import Commit, View

MASKS = ("take", "drop", "rescued", "rewrite")
PICTURES = ("best", "again", "over")


def answer(policy: Any, view: View) -> Commit:
    """What the policy says of this view; a plain mask becomes a Commit, anything else a LadrError."""
    reply = policy(view)
    commit = reply if isinstance(reply, Commit) else Commit(reply)
    grids, images = tuple(view.tokens.shape), (len(view.tokens),)
    for name in MASKS:
        mask = getattr(commit, name)
        if mask is not None or name == "take":
            _require(policy, name, mask, "a bool tensor", _is_bool, grids)
    for name in PICTURES:
        if getattr(commit, name) is not None:
            _require(policy, name, getattr(commit, name), "a bool tensor", _is_bool, images)
    if commit.tokens is not None:
        _require(policy, "tokens", commit.tokens, "an int64 tensor", _is_int64, grids)
    for name in (*MASKS, *PICTURES, "tokens"):
        _require_place(policy, name, getattr(commit, name), view.tokens)
    for name, note in _named(policy, "notes", commit.notes):
        _require(policy, f"notes[{name!r}]", note, "a tensor of real numbers", _is_real, images)
    _check_columns(policy, commit.notes)
    for name, kept in _named(policy, "memory", commit.memory):
        _require(policy, f"memory[{name!r}]", kept, "a tensor", _is_any, grids)
    return commit


def joined(one: Commit, two: Commit) -> Commit:
    """What either of two answers says; where both commit a code of their own, the first one's stands."""
    tokens = one.tokens
    if two.tokens is not None:
        tokens = two.tokens if tokens is None else tokens.where(one.take, two.tokens)
    return Commit(
        take=one.take | two.take,
        drop=_either(one.drop, two.drop),
        tokens=tokens,
        rescued=_either(one.rescued, two.rescued),
        rewrite=_either(one.rewrite, two.rewrite),
        notes={**one.notes, **two.notes},
        memory={**one.memory, **two.memory},
        best=_either(one.best, two.best),
        again=_either(one.again, two.again),
        over=_either(one.over, two.over),
    )


def at_least_one(take: Tensor, view: View) -> Tensor:
    """(B, H, W) bool: the masked cells of `take`, and of an image of which it has none, the surest."""
    take = take & view.masked
    empty = ~take.flatten(1).any(1)
    return take | top(view.top1, empty.long(), view.masked) if bool(empty.any()) else take


def _either(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """Union of two masks of which each may be missing."""
    if a is None or b is None:
        return b if a is None else a
    return a | b


def _require(
    policy: Any, name: str, value: Any, words: str, fits: Callable[[Tensor], bool], shape: tuple[int, ...]
) -> None:
    if not isinstance(value, torch.Tensor) or not fits(value) or tuple(value.shape) != shape:
        described = f"{value.dtype} {tuple(value.shape)}" if isinstance(value, torch.Tensor) else _type(value)
        raise LadrError(f"policy {policy.name!r}: {name} is {described}, not {words} {shape}")


def _require_place(policy: Any, name: str, value: Tensor | None, tokens: Tensor) -> None:
    """LadrError at a tensor that is on another device than the tokens, or that is not dense."""
    for what in ("device", "layout") if value is not None else ():
        own, theirs = getattr(value, what), getattr(tokens, what)
        if own != theirs:
            raise LadrError(
                f"policy {policy.name!r}: {name} has the {what} {own}, not that of tokens, {theirs}"
            )


def _named(policy: Any, name: str, values: Any) -> list[tuple[str, Any]]:
    """The items of a mapping whose keys are texts."""
    if not isinstance(values, Mapping):
        raise LadrError(f"policy {policy.name!r}: {name} is {_type(values)}, not a mapping of names")
    for key in values:
        if not isinstance(key, str):
            raise LadrError(f"policy {policy.name!r}: {name} has the key {shown(key)}, not a text")
    return list(values.items())


def _check_columns(policy: Any, notes: Mapping[str, Any]) -> None:
    for key in notes:
        if key in (*COLUMNS, "image", "step", "t"):
            raise LadrError(
                f"policy {policy.name!r}: notes has the key {key!r}, which every trace has itself"
            )


def _type(value: Any) -> str:
    return type(value).__name__


def _is_bool(tensor: Tensor) -> bool:
    return tensor.dtype == torch.bool


def _is_int64(tensor: Tensor) -> bool:
    return tensor.dtype == torch.int64


def _is_real(tensor: Tensor) -> bool:
    return not tensor.is_complex()


def _is_any(tensor: Tensor) -> bool:
    return True
