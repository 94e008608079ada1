"""Which masked cells to commit in a pass. A policy is a function of a View; a new one is one line here."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.decoding.policies.base import Policy, Then, Union, from_fields
from ladr.decoding.policies.doubt import Doubt, FreeRiders, Unsure
from ladr.decoding.policies.ladr import LADR
from ladr.decoding.policies.orders import Order
from ladr.decoding.policies.prophet import Prophet, calibrate
from ladr.decoding.policies.rescue import PAPER, Phase, Phases, Rescue
from ladr.decoding.policies.scheduled import AllIn, Scheduled
from ladr.decoding.policies.thresholds import EntropyBound, Klass, LocalLeap, Threshold

POLICIES = {
    "ladr": LADR,
    "scheduled": Scheduled,
    "cosine": partial(Scheduled, schedule="fixed"),
    "maskgit": partial(Scheduled, schedule="fixed", noise=4.5, anneal="annealed"),
    "prophet": Prophet,
    "order": Order,
    "halton": partial(Order, order="halton"),
    "quincunx": partial(Order, order="quincunx"),
    "random": partial(Order, order="random"),
    "raster": partial(Order, order="raster"),
    "threshold": Threshold,
    "entropy_bound": EntropyBound,
    "localleap": LocalLeap,
    "klass": Klass,
    "rescue": Rescue,
    "all_in": AllIn,
    "doubt": Doubt,
    "free_riders": FreeRiders,
    "unsure": Unsure,
}
PAIRS = {"then": Then, "union": Union}


def build(spec: str | Mapping[str, Any]) -> Policy:
    """The policy of a plain dict {policy: NAME, field: value, ...}, or of a bare name.

    `build(policy.spec) == policy`. Compositions: {policy: then | union, first: {...}, second: {...}}.
    """
    if isinstance(spec, str):
        spec = {"policy": spec}
    if not isinstance(spec, Mapping) or "policy" not in spec:
        raise LadrError(f"policy: {spec!r} is not allowed; a name, or a mapping with the key 'policy'")
    name, given = spec["policy"], {k: v for k, v in spec.items() if k not in ("policy", "version")}
    if name in PAIRS:
        return _check(
            from_fields(PAIRS[name], {k: build(v) for k, v in given.items()}, f"policy {name!r}"), spec
        )
    if name not in POLICIES:
        raise LadrError(f"policy: {name!r} is not known{nearest(name, [*POLICIES, *PAIRS])}")
    made = POLICIES[name]
    preset = made.keywords if isinstance(made, partial) else {}
    cls = made.func if isinstance(made, partial) else made
    return _check(from_fields(cls, {**preset, **given}, f"policy {name!r}"), spec)


def _check(policy: Policy, spec: Mapping[str, Any]) -> Policy:
    wanted = spec.get("version", policy.version)
    if wanted != policy.version:
        raise LadrError(
            f"policy {policy.name!r}: version {wanted!r} was asked for, this is version {policy.version}"
        )
    return policy


__all__ = [
    "LADR", "PAPER", "POLICIES", "AllIn", "Doubt", "EntropyBound", "FreeRiders", "Klass", "LocalLeap",
    "Order", "Phase", "Phases", "Policy", "Prophet", "Rescue", "Scheduled", "Then", "Threshold", "Union",
    "Unsure", "build", "calibrate",
]  # fmt: skip
