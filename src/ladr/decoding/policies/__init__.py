"""Which masked cells to commit in a pass. A policy is a function of a View; a new one is one line here."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ladr.base.errors import LadrError, nearest, shown
from ladr.base.outside import is_address
from ladr.decoding.fields import field_names
from ladr.decoding.policies.allowed import from_fields
from ladr.decoding.policies.base import (
    Composed,
    Outside,
    Policy,
    Rule,
    Then,
    Union,
    adopted,
)
from ladr.decoding.policies.doubt import Doubt, FreeRiders, Unsure
from ladr.decoding.policies.ladr import LADR
from ladr.decoding.policies.moment import Moment
from ladr.decoding.policies.oracle import Oracle
from ladr.decoding.policies.orders import Order
from ladr.decoding.policies.outside import fields_at, from_address
from ladr.decoding.policies.priors import CCD, CertaintyPrior, Sprint
from ladr.decoding.policies.prophet import Prophet, calibrate
from ladr.decoding.policies.remask import FreeCorrection, ReMDM
from ladr.decoding.policies.rescue import PAPER, Phase, Phases, Rescue
from ladr.decoding.policies.scheduled import AllIn, Scheduled
from ladr.decoding.policies.spread import Checkerboard, Stratified
from ladr.decoding.policies.thresholds import EntropyBound, Klass, LocalLeap, Threshold
from ladr.decoding.policies.tries import Tries
from ladr.decoding.policies.uncoupled import Uncoupled

POLICIES: dict[str, Any] = {
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
    "careful": partial(Tries, each=16),
    "free_riders": FreeRiders,
    "unsure": Unsure,
    "checkerboard": Checkerboard,
    "stratified": Stratified,
    "moment": Moment,
    "remdm": ReMDM,
    "free_correction": FreeCorrection,
    "certainty_prior": CertaintyPrior,
    "ccd": CCD,
    "sprint": Sprint,
    "uncoupled": Uncoupled,
    "oracle": Oracle,
    "tries": Tries,
}
PAIRS: dict[str, type[Policy]] = {"then": Then, "union": Union}


def build(spec: str | Mapping[str, Any] | Rule, *, outside: bool = True) -> Policy:
    """The policy of a plain dict {policy: NAME, field: value, ...}, a bare name, or a function of a view.

    A name is one of `POLICIES`, or `package.module:name` of a function or dataclass from outside this
    package, which is refused where `outside` is False. `build(policy.spec) == policy`. Compositions:
    {policy: then | union, first: {...}, second: {...}}.
    """
    if isinstance(spec, str):
        spec = {"policy": spec}
    if callable(spec):
        return adopted(spec)
    if not isinstance(spec, Mapping) or not isinstance(spec.get("policy"), str):
        raise LadrError(
            f"policy: {shown(spec)} is not allowed; a name, a mapping with the key 'policy', "
            "or a function of a view"
        )
    own = {key: value for key, value in spec.items() if key not in ("policy", "version")}
    try:
        return _check(_named(spec["policy"], own, outside), spec)
    except RecursionError:
        raise LadrError("policy: is nested too deeply, or holds itself; make it flatter") from None


def _named(name: str, own: Mapping[str, Any], outside: bool) -> Policy:
    where = f"policy {name!r}"
    for part in parts_of(name) if name in PAIRS else ():
        if part not in own:
            raise LadrError(f"{where}: {part} is missing; a policy's name or its mapping")
    if name in POLICIES or name in PAIRS:
        cls, preset = _class_of(name)
        parts = {part: build(own[part], outside=outside) for part in parts_of(name) if part in own}
        return from_fields(cls, {**preset, **own, **parts}, where)
    if not is_address(name):
        known = nearest(name, [*POLICIES, *PAIRS])
        raise LadrError(f"policy: {name!r} is not known{known}, or package.module:name")
    if not outside:
        raise LadrError(f"{where}: names code from outside this package; import it and hand in the object")
    return from_address(name, own)


def _class_of(name: str) -> tuple[Any, dict[str, Any]]:
    """The class behind a name of `POLICIES` or `PAIRS`, and the fields that the name sets."""
    held: Any = PAIRS[name] if name in PAIRS else POLICIES[name]
    return (held.func, held.keywords) if isinstance(held, partial) else (held, {})


def fields_of(name: str) -> list[str]:
    """The fields that a plain dict may set for the policy of that name."""
    known = name in POLICIES or name in PAIRS
    return field_names(_class_of(name)[0]) if known else fields_at(name)


def parts_of(name: str) -> tuple[str, ...]:
    """The fields that hold policies, of the policy of that name."""
    cls = _class_of(name)[0] if name in POLICIES or name in PAIRS else None
    return cls.PARTS if isinstance(cls, type) and issubclass(cls, Composed) else ()


def _check(policy: Policy, spec: Mapping[str, Any]) -> Policy:
    if "version" in spec and spec["version"] != policy.version:
        raise LadrError(
            f"policy {policy.name!r}: version {spec['version']!r} was asked for, this is version "
            f"{policy.version!r}"
        )
    return policy


__all__ = [
    "CCD", "LADR", "PAPER", "POLICIES", "AllIn", "CertaintyPrior", "Checkerboard", "Doubt", "EntropyBound",
    "FreeCorrection", "FreeRiders", "Klass", "LocalLeap", "Moment", "Oracle", "Order", "Outside", "Phase",
    "Phases", "Policy", "Prophet", "ReMDM", "Rescue", "Scheduled", "Sprint", "Stratified", "Then",
    "Threshold", "Tries", "Union", "Unsure", "build", "calibrate", "fields_of", "parts_of",
]  # fmt: skip
