"""What a search may choose from: the numbers or the names that each field may take."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ladr.base.errors import LadrError
from ladr.experiment.params.sweeps import row_mistakes, varied
from ladr.experiment.sweep.sweep import require_once, values_of

MOST_VALUES = 1_000_000  # that one range may have
FORM = "FIELD=LOW:HIGH:STEP, FIELD=LOW:HIGH:log or FIELD=VALUE,VALUE,..."


class Range(Protocol):
    """The values that a field may take. `suggest` asks Optuna for one, `rounded` is the value that a cell is
    made with, `nearest` is the value next to one that lies outside."""

    def suggest(self, trial: Any, key: str) -> Any: ...
    def rounded(self, value: Any) -> Any: ...
    def nearest(self, value: Any) -> Any: ...


@dataclass(frozen=True)
class Even:
    """Numbers from `low` to `high`, `step` apart; whole numbers if all three are."""

    low: float
    high: float
    step: float

    @property
    def whole(self) -> bool:
        return all(isinstance(x, int) for x in (self.low, self.high, self.step))

    def suggest(self, trial: Any, key: str) -> Any:
        if self.whole:
            return trial.suggest_int(key, self.low, self.high, step=self.step)
        return trial.suggest_float(key, self.low, self.high, step=self.step)

    def rounded(self, value: Any) -> Any:
        return int(value) if self.whole else round(float(value), 10)

    def nearest(self, value: Any) -> Any:
        if not _number(value):
            return self.rounded(self.low)
        inside = min(max(float(value), self.low), self.high)
        last = math.floor((self.high - self.low) / self.step + 1e-9)  # the range may end between two steps
        return self.rounded(self.low + min(round((inside - self.low) / self.step), last) * self.step)


@dataclass(frozen=True)
class Logarithmic:
    """Numbers from `low` to `high`, both above 0, on a logarithmic scale; three digits of each are kept."""

    low: float
    high: float

    def suggest(self, trial: Any, key: str) -> Any:
        return trial.suggest_float(key, self.low, self.high, log=True)

    def rounded(self, value: Any) -> Any:
        return float(f"{value:.3g}")

    def nearest(self, value: Any) -> Any:
        return min(max(float(value), self.low), self.high) if _number(value) else self.low


@dataclass(frozen=True)
class Choice:
    """One of the named values."""

    values: tuple[Any, ...]

    def suggest(self, trial: Any, key: str) -> Any:
        return trial.suggest_categorical(key, list(self.values))

    def rounded(self, value: Any) -> Any:
        return value

    def nearest(self, value: Any) -> Any:
        return value if value in self.values else self.values[0]


SPACES: Mapping[str, Mapping[str, Range]] = {
    "ladr": {
        "phases.exploration.alpha": Even(0.0, 1.0, 0.05),
        "phases.exploration.tau": Even(0.0, 0.5, 0.05),
        "phases.structure.alpha": Even(0.0, 1.0, 0.05),
        "phases.structure.tau": Even(0.0, 0.5, 0.05),
        "phases.refinement.alpha": Even(0.1, 1.0, 0.1),
        "phases.refinement.tau": Even(0.0, 0.5, 0.05),
    },
    "doubt": {
        "budget": Logarithmic(0.003, 0.3),
        "picks": Choice(("unsure", "scheduled")),
        "sure": Even(0.7, 0.98, 0.02),
        "power": Even(1, 3, 1),
        "rank": Choice(("sampled", "gap", "top1", "entropy")),
        "noise": Even(0.0, 1.5, 0.1),
        "start": Even(0.0, 0.5, 0.1),
        "steps": Even(8, 64, 8),
    },
}


def space_of(policy: str, texts: Sequence[str]) -> Mapping[str, Range]:
    """The ranges that the texts say, each like FORM; without texts, those of the policy in `SPACES`."""
    if texts:
        ranges = list(map(range_of, texts))
        require_once([key for key, _ in ranges], "--vary")
        return dict(ranges)
    if policy not in SPACES:
        raise LadrError(f"policy {policy!r} has no ranges of its own to search; --vary {FORM}")
    return SPACES[policy]


def range_of(text: str) -> tuple[str, Range]:
    """The field and the range that a text like FORM says."""
    key, sign, values = text.partition("=")
    refusal = LadrError(f"{text!r} is not allowed; {FORM}")
    if not sign or not key:
        raise refusal
    if "," in values:
        chosen = values_of(values)
        require_once(chosen, key)
        return key, Choice(tuple(chosen))
    try:
        low, high, step = values.split(":")
        if step == "log":
            return key, _logarithmic(float(low), float(high))
        whole = all(x.lstrip("-").isdecimal() for x in (low, high, step))
        return key, _even(*(int(x) if whole else float(x) for x in (low, high, step)))
    except ValueError:
        raise refusal from None


def _logarithmic(low: float, high: float) -> Logarithmic:
    if not 0 < low < high < math.inf:
        raise ValueError
    return Logarithmic(low, high)


def _even(low: float, high: float, step: float) -> Even:
    span = (high - low) * (1 + 1e-9)  # so that 0.4:0.6:0.2 is one step
    if not (-math.inf < low < high < math.inf and 0 < step <= span <= MOST_VALUES * step):
        raise ValueError
    return Even(low, high, step)


def require_allowed(base: Mapping[str, Any], space: Mapping[str, Range], known: Sequence[str]) -> None:
    """LadrError at the first end of a range that the row `base` may not have. known: rows that it may
    refer to."""
    for key, each in space.items():
        for value in each.values if isinstance(each, Choice) else (each.low, each.high):
            for issue in row_mistakes(varied(base, {key: value}), known):
                raise LadrError(f"{key} = {value!r}: {issue.message}")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
