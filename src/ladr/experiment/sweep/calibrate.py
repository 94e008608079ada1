"""The value of a policy's field with which it takes a wanted number of passes.

Thresholds of different rules, and of one rule on different backbones, say nothing side by side; passes do.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ladr.base.errors import LadrError
from ladr.decoding.loop import decode
from ladr.decoding.policies import build, fields_of


class Calibrated(NamedTuple):
    """A value of the field, and the mean passes that it led to."""

    value: float
    passes: float


def calibrate(
    backbone: Any,
    prompts: Sequence[Any],
    spec: Mapping[str, Any],
    field: str,
    between: tuple[float, float],
    passes: float,
    *,
    steps: int = 64,
    tries: int = 10,
) -> Calibrated:
    """The value of `field` in `between` (both above 0) whose mean passes come nearest to `passes`.

    spec: the policy's plain dict without that field. The interval is halved on a logarithmic scale, `tries`
    times at most; passes must rise or fall with the value. Every decode has the same prompts and noise, so
    the answer is always the same.
    """
    if field not in fields_of(spec["policy"]):
        raise LadrError(f"policy {spec['policy']!r}: no field {field!r} to calibrate")
    low, high = between
    if not 0 < low < high:
        raise LadrError(f"{field}: between {low!r} and {high!r} is not allowed; 0 < low < high")

    def at(value: float) -> Calibrated:
        out = decode(backbone, prompts, build({**spec, field: value}), steps=steps)
        return Calibrated(value, sum(image.passes for image in out.trace.images) / len(prompts))

    tried = [at(low), at(high)]
    falling = tried[0].passes > tried[1].passes
    for _ in range(tries):
        middle = at(math.sqrt(low * high))
        tried.append(middle)
        if middle.passes == passes:
            break
        if (middle.passes > passes) == falling:
            low = middle.value
        else:
            high = middle.value
    return min(tried, key=lambda one: abs(one.passes - passes))
