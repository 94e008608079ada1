"""What all policies share: composition, checks of their fields, and their plain-dict form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, ClassVar

from ladr.base.errors import LadrError, nearest
from ladr.base.late import Tensor
from ladr.decoding.policies.replay import REPLAY
from ladr.decoding.schedule import CURVES
from ladr.decoding.view import Commit, View


def one_of(name: str, value: Any, allowed: Sequence[str]) -> None:
    """Raise unless `value` is one of the allowed words."""
    if value not in allowed:
        raise LadrError(f"{name}: {value!r} is not allowed{nearest(value, allowed)}")


def within(name: str, value: Any, low: float, high: float = math.inf) -> None:
    """Raise unless `value` is a number in [low, high]."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise LadrError(f"{name}: {value!r} is not allowed; a number from {low} to {high}")


def count(name: str, value: Any, low: int, high: float = math.inf) -> None:
    """Raise unless `value` is an integer in [low, high]."""
    if not isinstance(value, int):
        raise LadrError(f"{name}: {value!r} is not allowed; an integer from {low} to {high}")
    within(name, value, low, high)


def flag(name: str, value: Any) -> None:
    """Raise unless `value` is true or false."""
    if not isinstance(value, bool):
        raise LadrError(f"{name}: {value!r} is not allowed; true or false")


def as_commit(answer: Tensor | Commit) -> Commit:
    """A policy's answer as a Commit."""
    return answer if isinstance(answer, Commit) else Commit(answer)


def either(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """Union of two masks of which each may be missing."""
    if a is None or b is None:
        return b if a is None else a
    return a | b


@dataclass(frozen=True)
class Policy:
    """A rule that says which masked cells to commit in this pass: `policy(view) -> BoolTensor or Commit`.

    `version` goes up whenever the same fields lead to other tokens. `history`: it reads `view.previous`
    maps; `everywhere`: it needs predictions at observed cells too. Any function of a view may stand in for
    a Policy.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    history: ClassVar[bool] = False
    everywhere: ClassVar[bool] = False

    def __call__(self, view: View) -> Tensor | Commit:
        raise NotImplementedError

    def then(self, other: Policy) -> Then:
        """First this policy, then the other on what this one left."""
        return Then(self, other)

    def __or__(self, other: Policy) -> Union:
        """Both on the same view; the union commits."""
        return Union(self, other)

    @property
    def spec(self) -> dict[str, Any]:
        """The plain dict that `build` turns back into this policy: what a result's identity is made of."""
        return {"policy": self.name, "version": self.version, **field_values(self)}

    @property
    def replays(self) -> str | None:
        """The name of the run whose counts this policy replays, if it does."""
        return None

    def with_counts(self, counts: Sequence[Sequence[int]]) -> Policy:
        """The policy with the commits per image and pass of the run to replay (`trace.committed()`)."""
        return self


def field_names(cls: Any) -> list[str]:
    """The fields of a dataclass that belong to its plain dict."""
    return [f.name for f in fields(cls) if f.metadata.get("spec", True)]


def field_values(policy: Any) -> dict[str, Any]:
    """Those fields of a policy as lists, dicts, strings and numbers; nothing of what is no dataclass."""
    if not is_dataclass(policy):
        return {}
    values = {name: plain(getattr(policy, name)) for name in field_names(policy)}
    return values | {f.name: float(values[f.name]) for f in fields(policy) if f.type in (float, "float")}


def plain(value: Any) -> Any:
    """A field as lists, dicts, strings and numbers."""
    if isinstance(value, Policy):
        return value.spec
    if hasattr(value, "plain"):
        return value.plain()
    return value


@dataclass(frozen=True)
class _Pair(Policy):
    first: Policy
    second: Policy

    @property
    def history(self) -> bool:
        return getattr(self.first, "history", False) or getattr(self.second, "history", False)

    @property
    def everywhere(self) -> bool:
        return getattr(self.first, "everywhere", False) or getattr(self.second, "everywhere", False)

    @property
    def replays(self) -> str | None:
        return self.first.replays or self.second.replays

    def with_counts(self, counts):
        return replace(self, first=self.first.with_counts(counts), second=self.second.with_counts(counts))


def _joined(one: Commit, two: Commit) -> Commit:
    tokens = one.tokens
    if two.tokens is not None:
        tokens = two.tokens if tokens is None else tokens.where(one.take, two.tokens)
    return Commit(
        take=one.take | two.take,
        drop=either(one.drop, two.drop),
        tokens=tokens,
        rescued=either(one.rescued, two.rescued),
        rewrite=either(one.rewrite, two.rewrite),
        notes={**one.notes, **two.notes},
        memory={**one.memory, **two.memory},
    )


@dataclass(frozen=True)
class Then(_Pair):
    """`second` sees the view after what `first` took: its frontier includes the cells just committed."""

    name: ClassVar[str] = "then"

    def __call__(self, view: View) -> Commit:
        one = as_commit(self.first(view))
        two = as_commit(self.second(view.after(one.take, one.tokens)))
        return _joined(one, two)


@dataclass(frozen=True)
class Union(_Pair):
    """What either of the two takes, both looking at the same view."""

    name: ClassVar[str] = "union"

    def __call__(self, view: View) -> Commit:
        return _joined(as_commit(self.first(view)), as_commit(self.second(view)))


@dataclass(frozen=True)
class Counted(Policy):
    """A policy with a number of cells to commit in each pass.

    schedule: `inverse` (read off the mask ratio), `fixed` (by the image's own passes) or `replay:NAME` (as
    many as the run NAME committed for the same image in the same pass; give them through `with_counts`).
    """

    schedule: str = "inverse"
    curve: str = "cosine"
    counts: tuple[tuple[int, ...], ...] | None = field(
        default=None, repr=False, compare=False, kw_only=True, metadata={"spec": False}
    )

    def __post_init__(self):
        if not str(self.schedule).startswith(REPLAY):
            one_of("schedule", self.schedule, ("inverse", "fixed", "replay:NAME"))
        one_of("curve", self.curve, tuple(CURVES))

    @property
    def replays(self) -> str | None:
        return self.schedule.removeprefix(REPLAY) if self.schedule.startswith(REPLAY) else None

    def with_counts(self, counts):
        if self.replays is None:
            return self
        return replace(self, counts=tuple(tuple(int(n) for n in row) for row in counts))

    def due(self, view: View) -> Tensor:
        """(B,) int64: cells to commit in this pass."""
        if self.replays is None:
            return view.due(self.schedule, self.curve)
        return view.still_due(replayed(self.counts, view, self.schedule))


def replayed(counts: Sequence[Sequence[int]] | None, view: View, source: str) -> list[int]:
    """Commits of each live image in this pass of the replayed run; all that is left once that run had
    ended."""
    if counts is None:
        raise LadrError(
            f"{source!r}: the counts to replay are missing; give them with policy.with_counts(...)"
        )
    wanted = []
    for i, s, left in zip(view.images, view.step, view.counts, strict=True):
        if i >= len(counts):
            raise LadrError(f"{source!r}: has counts for {len(counts)} images, image {i} is wanted")
        wanted.append(counts[i][s] if s < len(counts[i]) else left)
    return wanted


def from_fields(cls: type, own: Mapping[str, Any], where: str) -> Any:
    """`cls(**own)`. An unknown field is an error that names the nearest one; `where` begins each message."""
    known = field_names(cls)
    for key in own:
        if key not in known:
            raise LadrError(f"{where}: no field {key!r}{nearest(key, known)}")
    try:
        return cls(**own)
    except (LadrError, TypeError) as error:
        raise LadrError(f"{where}: {error}") from None
