"""What a policy is: its defaults, its plain-dict form, compositions, and functions that stand in for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from ladr.base import outside
from ladr.base.errors import LadrError, shown
from ladr.base.late import Tensor
from ladr.decoding.commits import answer, joined
from ladr.decoding.fields import field_values
from ladr.decoding.view import Commit, View

Rule = Callable[[View], Tensor | Commit]


@dataclass(frozen=True)
class Policy:
    """A rule that says which masked cells to commit in this pass: `policy(view) -> BoolTensor or Commit`.

    Only `__call__` must be written; a subclass declares what differs from the defaults below. Any function of
    a view may stand in for a Policy (see `adopted`).
    """

    @property
    def name(self) -> str:
        """The name in `POLICIES`, or `package.module:name` of a class that declares none."""
        return outside.address_of(self)

    @property
    def version(self) -> int | str:
        """It goes up whenever the same fields lead to other tokens."""
        return 1

    @property
    def planned(self) -> int:
        """T of the schedules where a call does not say it."""
        return 64

    @property
    def history(self) -> bool:
        """Does it read maps of `view.previous`?"""
        return False

    @property
    def everywhere(self) -> bool:
        """Does it need predictions at observed cells too?"""
        return False

    @property
    def attends(self) -> bool:
        """Does it need the attention between cells (`View.attention`)?"""
        return False

    @property
    def whole(self) -> bool:
        """Does it decide about whole pictures, not cells alone (`Commit.best`)?"""
        return False

    @property
    def masks_again(self) -> bool:
        """Does it mask committed cells again (`Commit.drop`)?"""
        return False

    def __call__(self, view: View) -> Tensor | Commit:
        raise NotImplementedError

    def then(self, other: Rule) -> Then:
        """First this policy, then the other on what this one left."""
        return Then(self, adopted(other))

    def __or__(self, other: Rule) -> Union:
        """Both on the same view; the union commits."""
        return Union(self, adopted(other))

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

    @property
    def foretold(self) -> str | None:
        """The name of the run whose final tokens this policy knows, if it knows any."""
        return None

    def with_tokens(self, tokens: Tensor) -> Policy:
        """The policy with the final tokens (N, H, W) of the run that it knows: those of the call's images."""
        return self


@dataclass(frozen=True)
class Composed(Policy):
    """A policy of other policies, which stand in the fields `PARTS`. None of them may be `whole`."""

    PARTS: ClassVar[tuple[str, ...]] = ("first", "second")

    def __post_init__(self) -> None:
        for name, part in self.parted.items():
            if not isinstance(part, Policy):
                raise LadrError(f"{name}: {shown(part)} is not allowed; a policy, such as build(...) gives")
            if part.whole:
                raise LadrError(f"{name}: policy {part.name!r} is not allowed; it keeps whole pictures")

    @property
    def parted(self) -> dict[str, Policy]:
        """The policies that it is made of, by field."""
        return {name: getattr(self, name) for name in self.PARTS}

    def _any(self, name: str) -> Any:
        return next(filter(None, (getattr(part, name) for part in self.parted.values())), None)

    @property
    def history(self) -> bool:
        return bool(self._any("history"))

    @property
    def everywhere(self) -> bool:
        return bool(self._any("everywhere"))

    @property
    def attends(self) -> bool:
        return bool(self._any("attends"))

    @property
    def masks_again(self) -> bool:
        return bool(self._any("masks_again"))

    @property
    def replays(self) -> str | None:
        return self._any("replays")

    def with_counts(self, counts: Sequence[Sequence[int]]) -> Self:
        return replace(self, **{name: part.with_counts(counts) for name, part in self.parted.items()})

    @property
    def foretold(self) -> str | None:
        return self._any("foretold")

    def with_tokens(self, tokens: Tensor) -> Self:
        return replace(self, **{name: part.with_tokens(tokens) for name, part in self.parted.items()})


@dataclass(frozen=True)
class _Pair(Composed):
    first: Policy
    second: Policy


@dataclass(frozen=True)
class Then(_Pair):
    """`second` sees the view after what `first` took: its frontier includes the cells just committed."""

    name: ClassVar[str] = "then"

    def __call__(self, view: View) -> Commit:
        one = answer(self.first, view)
        two = answer(self.second, view.after(one.take, one.tokens))
        return joined(one, two)


@dataclass(frozen=True)
class Union(_Pair):
    """What either of the two takes, both looking at the same view."""

    name: ClassVar[str] = "union"

    def __call__(self, view: View) -> Commit:
        return joined(answer(self.first, view), answer(self.second, view))


@dataclass(frozen=True)
class Outside(Policy):
    """`rule` as a policy. address: `package.module:name`, where the rule or its class stands.

    The spec holds the address, the rule's fields if it is a dataclass, and its version: the `version` that
    the rule declares, or a hash of the file that it stands in.
    """

    rule: Rule
    address: str

    @property
    def name(self) -> str:
        return self.address

    @property
    def version(self) -> int | str:
        return outside.version_of(self.rule, self.address)

    @property
    def history(self) -> bool:
        return bool(getattr(self.rule, "history", False))

    @property
    def everywhere(self) -> bool:
        return bool(getattr(self.rule, "everywhere", False))

    @property
    def attends(self) -> bool:
        return bool(getattr(self.rule, "attends", False))

    @property
    def masks_again(self) -> bool:
        return bool(getattr(self.rule, "masks_again", False))

    @property
    def spec(self) -> dict[str, Any]:
        return {"policy": self.name, "version": self.version, **field_values(self.rule)}

    @property
    def replays(self) -> str | None:
        return self.rule.replays if isinstance(self.rule, Policy) else None

    def with_counts(self, counts: Sequence[Sequence[int]]) -> Policy:
        return replace(self, rule=self.rule.with_counts(counts)) if isinstance(self.rule, Policy) else self

    @property
    def foretold(self) -> str | None:
        return self.rule.foretold if isinstance(self.rule, Policy) else None

    def with_tokens(self, tokens: Tensor) -> Policy:
        return replace(self, rule=self.rule.with_tokens(tokens)) if isinstance(self.rule, Policy) else self

    def __call__(self, view: View) -> Tensor | Commit:
        with outside.called("policy", self.address):
            return self.rule(view)


def adopted(rule: Rule) -> Policy:
    """The rule itself if it is a policy of this package, else the policy made of it."""
    if isinstance(rule, Policy):
        return rule
    if isinstance(rule, type):
        raise LadrError(
            f"policy: the class {rule.__name__} is not allowed; an instance, {rule.__name__}(...)"
        )
    return Outside(rule, outside.address_of(rule))
