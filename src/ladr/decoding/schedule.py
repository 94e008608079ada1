"""Mask schedules: which share of the grid is still masked at time t, and how many cells are due.

Time runs from 0 (everything masked) to 1 (nothing masked). Counts are integers, reached by floor, never by
rounding: with rounding a small grid stalls, because the nearest count is the one that it already has.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ladr.base.errors import LadrError, nearest
from ladr.base.late import torch


class Curve(NamedTuple):
    """A decreasing map from t in [0, 1] to the mask ratio in [0, 1], and its inverse."""

    gamma: Callable[[float], float]
    inverse: Callable[[float], float]


CURVES = {
    "cosine": Curve(lambda t: math.cos(math.pi * t / 2), lambda r: 2 / math.pi * math.acos(r)),
    "linear": Curve(lambda t: 1 - t, lambda r: 1 - r),
    "square": Curve(lambda t: 1 - t**2, lambda r: math.sqrt(1 - r)),
    "cubic": Curve(lambda t: 1 - t**3, lambda r: (1 - r) ** (1 / 3)),
    "root": Curve(lambda t: math.sqrt(1 - t), lambda r: 1 - r**2),
}


def curve(name: str) -> Curve:
    """The curve of that name; an unknown name raises LadrError."""
    if name not in CURVES:
        raise LadrError(f"curve: {name!r} is not a schedule{nearest(name, CURVES)}")
    return CURVES[name]


def _unit(x: float) -> float:
    return min(1.0, max(0.0, x))


def gamma(t: float, name: str = "cosine") -> float:
    """The mask ratio at time t; t is clamped into [0, 1]."""
    return _unit(curve(name).gamma(_unit(t)))


def inverse(ratio: float, name: str = "cosine") -> float:
    """The time at which the mask ratio is `ratio`; `inverse(gamma(t)) == t`."""
    return _unit(curve(name).inverse(_unit(ratio)))


def stay_inverse(masked: int, total: int, steps: int, step: int, name: str = "cosine") -> int:
    """How many cells the inverse schedule leaves masked after this pass.

    Time is read off the mask ratio `masked / total` and moved on by 1/steps; `step` (from 0) counts the
    passes already made and matters for the last one only, which leaves nothing.
    """
    after = inverse(masked / total, name) + 1 / steps
    if after >= 1 - 1e-9 or step >= steps - 1:
        return 0
    return math.floor(total * gamma(after, name))


@lru_cache(maxsize=1 << 16)
def _cosine32(steps: int, step: int) -> float:
    return float(torch.cos(torch.tensor(math.pi / 2 * ((step + 1) / steps), dtype=torch.float32)))


def stay_fixed(total: int, steps: int, step: int, name: str = "cosine") -> int:
    """How many of `total` cells the fixed schedule leaves masked after pass `step` (from 0).

    The cosine is evaluated in float32 with a floor of one cell before the last pass, as Lumina-DiMOO does:
    at points where total * gamma is an integer, float64 may keep one cell more or less.
    """
    if step >= steps - 1:
        return 0
    if name != "cosine":
        return max(1, math.floor(total * gamma((step + 1) / steps, name)))
    return max(1, math.floor(np.float32(total * _cosine32(steps, step))))
