"""The value of a policy's field with which it takes a wanted number of passes.

Thresholds of different rules, and of one rule on different backbones, say nothing side by side; passes do.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ladr import backbones
from ladr.base.errors import LadrError, nearest
from ladr.decoding import caches
from ladr.decoding.loop import decode
from ladr.decoding.policies import POLICIES, build, fields_of
from ladr.experiment.cell import prompts_of
from ladr.experiment.params import Params, Sampler


class Calibrated(NamedTuple):
    """A value of the field, and the mean passes that it led to."""

    value: float
    passes: float


BETWEEN = {
    "anchor": (0.3, 0.99999), "bound": (0.03, 300.0), "budget": (1e-4, 30.0), "kl": (1e-4, 10.0),
    "level": (0.2, 0.99999), "scale": (0.02, 20.0), "sure": (0.3, 0.99999), "at": (0.05, 1.0),
}  # fmt: skip


def _middle(low: float, high: float) -> float:
    """The number halfway on a logarithmic scale, or on that of the odds between two numbers below 1."""
    if high >= 1:
        return math.sqrt(low * high)
    odds = math.sqrt(low / (1 - low) * high / (1 - high))
    return odds / (1 + odds)


def _short(value: float) -> float:
    """The number with three digits of it, or of its distance to 1 where that is smaller."""
    if 0.5 < value < 1:
        return round(1 - float(f"{1 - value:.3g}"), 12)
    return float(f"{value:.3g}")


def calibrate(
    backbone: Any,
    prompts: Sequence[Any],
    spec: Mapping[str, Any],
    field: str,
    between: tuple[float, float],
    passes: float,
    *,
    tries: int = 10,
    **options: Any,
) -> Calibrated:
    """The value of `field` in `between` (both above 0) whose mean passes come nearest to `passes`.

    spec: the policy's plain dict without that field. options: steps, 64 unless told otherwise, and others of
    `decode`. See `Calibration`.
    """
    return Calibration(backbone, prompts, spec, field, between, **options).nearest(passes, tries)


class Calibration:
    """Mean passes of a policy by the value of one field, measured where they are asked for.

    Every decode has the same prompts and noise, so the answers are always the same, and what was measured for
    one number of passes serves the next.
    """

    def __init__(
        self,
        backbone: Any,
        prompts: Sequence[Any],
        spec: Mapping[str, Any],
        field: str,
        between: tuple[float, float],
        **options: Any,
    ):
        require_field(spec["policy"], field)
        low, high = between
        if not 0 < low < high:
            raise LadrError(f"{field}: between {low!r} and {high!r} is not allowed; 0 < low < high")
        self.backbone, self.prompts, self.spec, self.field = backbone, list(prompts), dict(spec), field
        self.between, self.options = between, {"steps": 64, **options}
        self.tried: dict[float, Calibrated] = {}

    def at(self, value: float) -> Calibrated:
        """The passes at this value, of which few digits are kept."""
        value = _short(value)
        if value not in self.tried:
            policy = build({**self.spec, self.field: value})
            out = decode(self.backbone, self.prompts, policy, **self.options)
            passes = sum(image.passes for image in out.trace.images) / len(self.prompts)
            self.tried[value] = Calibrated(value, passes)
        return self.tried[value]

    def nearest(self, passes: float, tries: int = 10) -> Calibrated:
        """The value with the passes nearest to `passes`, which must rise or fall with the value.

        The interval is halved, `tries` times at most: on a logarithmic scale, between numbers below 1 on that
        of their odds.
        """
        low, high = (self.at(value) for value in self.between)
        falling = low.passes > high.passes
        for _ in range(tries):
            middle = self.at(_middle(low.value, high.value))
            if middle.passes == passes or middle.value in (low.value, high.value):
                break
            if (middle.passes > passes) == falling:
                low = middle
            else:
                high = middle
        return min(self.tried.values(), key=lambda one: abs(one.passes - passes))


def require_field(policy: str, field: str) -> None:
    """LadrError unless the policy has this field."""
    known = fields_of(policy)
    if field not in known:
        raise LadrError(f"policy {policy!r}: no field {field!r} to calibrate{nearest(field, known)}")


def ends_of(text: str) -> tuple[float, float]:
    """`0.1:3` as two numbers."""
    try:
        low, high = (float(x) for x in text.split(":"))
    except ValueError:
        raise LadrError(f"{text!r} is not allowed; LOW:HIGH") from None
    return low, high


def calibration(
    params: Params,
    row: str,
    field: str,
    backbone: str,
    benchmark: str,
    size: str | int,
    between: tuple[float, float] | None = None,
) -> Calibration:
    """The calibration of a row of params.yaml, or of a policy as it is, on prompts of a benchmark. Images are
    decoded as the row's cells are.

    between: the ends of the values; default: those of `BETWEEN`.
    """
    rows = {name: one for group in params.ablations.values() for name, one in group.rows.items()}
    rows |= {name: one for group in params.curves.values() for name, one in group.rows.items()}
    rows |= params.samplers
    if row not in rows and row not in POLICIES:
        raise LadrError(f"row {row!r} is not known{nearest(row, [*rows, *POLICIES])}")
    if backbone not in params.backbones:
        raise LadrError(f"backbone {backbone!r} is not known{nearest(backbone, params.backbones)}")
    sampler = rows[row] if row in rows else Sampler.model_validate({"policy": row})
    require_field(sampler.policy, field)
    if sampler.match is not None:
        raise LadrError(
            f"row {row!r}: takes as many steps as {sampler.match!r} passes; name a row with `steps`"
        )
    if between is None and field not in BETWEEN:
        raise LadrError(f"{field}: between which values? --between LOW:HIGH")
    place = params.backbones[backbone]
    kind = backbones.kind(place.kind or backbone)
    spec = {key: value for key, value in sampler.spec.items() if key != field}
    asked, _ = prompts_of(benchmark, size, params.official.prompts)
    temperature = params.temperature if sampler.temperature is None else sampler.temperature
    return Calibration(
        backbones.load(kind.name, **place.settings), [kind.reading(prompt) for prompt in asked], spec, field,
        between or BETWEEN[field], steps=sampler.steps or params.steps, temperature=temperature,
        cache=None if sampler.cache is None else caches.cache(**sampler.cache),
    )  # fmt: skip
