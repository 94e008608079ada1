"""What the settings of each backbone may be, so that a wrong one is named before anything is loaded."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, nearest

STATES = 1 << 17  # of a line of the exact field: codes to the power of the grid's shorter side


@dataclass(frozen=True)
class Setting:
    """One setting: `words` say what is allowed, `fits` decides."""

    words: str
    fits: Callable[[Any], bool]

    def or_none(self) -> "Setting":
        """The same setting where null stands for the backbone's own value."""
        return Setting(f"{self.words}, or null", lambda value: value is None or self.fits(value))


def whole(low: int, high: int) -> Setting:
    """A whole number."""
    return Setting(
        f"a whole number from {low} to {high}",
        lambda v: isinstance(v, Integral) and not isinstance(v, bool) and low <= int(v) <= high,
    )


def number(low: float, high: float, open_: bool = False) -> Setting:
    """A finite number from `low` to `high`; with `open_` between them."""
    words = f"a number between {low:g} and {high:g}" if open_ else f"a number from {low:g} to {high:g}"

    def fits(value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            return False
        value = float(value)
        return low < value < high if open_ else low <= value <= high

    return Setting(words, fits)


def one_of(*names: Any) -> Setting:
    """One of these values."""
    return Setting(
        " or ".join(str(name).lower() if isinstance(name, bool) else str(name) for name in names),
        lambda value: any(value is name or (isinstance(value, str) and value == name) for name in names),
    )


def pair(low: int, high: int, what: str) -> Setting:
    """Two whole numbers."""
    side = whole(low, high)
    return Setting(
        f"two whole numbers from {low} to {high}, {what}",
        lambda v: isinstance(v, (list, tuple)) and len(v) == 2 and all(map(side.fits, v)),
    )


TEXT = Setting("a text", lambda value: isinstance(value, str))
NAME = Setting("a text that is not empty", lambda value: isinstance(value, str) and bool(value.strip()))
PLACE = Setting("a folder, or owner/name of the hub", lambda v: isinstance(v, Path) or NAME.fits(v))
FLAG = Setting("true or false", lambda value: isinstance(value, bool))
ANYTHING = Setting("an object", lambda value: True)
SEED = whole(0, (1 << 63) - 1)
PIXELS = pair(1, 1 << 14, "height and width in pixels").or_none()
DTYPE = one_of("float32", "bfloat16", "auto")
DEVICE = Setting("a device such as cpu, cuda or cuda:1", lambda value: NAME.fits(str(value)))

FIELD = {
    "grid": pair(1, 64, "height and width in cells"),
    "codes": whole(2, 1 << 14),
    "coupling": number(-100, 100),
    "external": number(0, 100),
    "contrast": number(-100, 100),
    "seed": SEED,
}
MIXTURE = {
    "scenes": whole(1, 1 << 20),
    "epsilon": number(0, 1, open_=True),
    "seed": SEED,
    "guidance": number(0, 1000),
    "pixels": one_of("mosaic", "vq"),
    "folder": PLACE.or_none(),
    "cache": FLAG,
}
_NETWORK = {"revision": NAME.or_none(), "size": PIXELS, "dtype": DTYPE, "device": DEVICE}
_DIMOO = _NETWORK | {
    "pixels": one_of("vq", "mosaic"),
    "guidance": number(0, 1000).or_none(),
    "sampling_dtype": one_of("float32", "bfloat16"),
    "limit": whole(1, 1 << 24).or_none(),
    "compile": one_of(
        True, False, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"
    ),
}
EMBEDDED = _DIMOO | {"folder": PLACE.or_none()}
LUMINA = _DIMOO | {"source": PLACE}
AMUSED = _NETWORK | {
    "source": PLACE,
    "guidance": number(1, 1000),
    "negative": TEXT,
    "aesthetic": number(-1000, 1000),
    "crop": pair(0, 1 << 14, "left and top in pixels"),
    "network": ANYTHING,
    "adapter": ANYTHING,
}


def mistakes(known: Mapping[str, Setting], settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(setting, what is wrong with it) of every setting that is unknown or has a wrong value."""
    for name, value in settings.items():
        if name not in known:
            yield name, f"no such setting{nearest(name, known)}"
        elif not known[name].fits(value):
            yield name, f"{value!r} is not allowed; {known[name].words}"
    if known is FIELD and not any(not known[k].fits(v) for k, v in settings.items() if k in known):
        codes = settings.get("codes", 3)
        side = min(settings.get("grid", (6, 6)))
        if codes**side > STATES:
            yield (
                "grid",
                f"{codes} codes on a side of {side} cells are {codes}^{side} states, at most {STATES}",
            )


def signature_mistakes(factory: Callable[..., Any], settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The same for a factory from outside this package, by the names of its parameters alone."""
    try:
        parameters = signature(factory).parameters.values()
    except (TypeError, ValueError):
        return
    if any(p.kind is Parameter.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if p.kind is not Parameter.VAR_POSITIONAL]
    for name in settings:
        if name not in known:
            yield name, f"no such setting{nearest(name, known)}"


def refuse(backbone: str, wrong: Iterator[tuple[str, str]]) -> None:
    """Raise at the first mistake."""
    for name, reason in wrong:
        raise LadrError(f"backbone {backbone}: {name}: {reason}")
