"""Locality-Aware Dynamic Rescue: after the standard step, commit further cells next to observed ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from ladr.base.errors import LadrError, nearest
from ladr.base.late import Tensor, torch
from ladr.decoding import frontier as geometry
from ladr.decoding.policies.allowed import one_of, within
from ladr.decoding.policies.counted import Replaying, replayed
from ladr.decoding.policies.replay import REPLAY
from ladr.decoding.view import MASK, Commit, View

WHERE = ("frontier", "non-frontier-first", "anywhere", "independent", "parity")
RESCUE_RANKS = ("gap", "confidence", "random")
TOKENS = ("sampled", "argmax")


@dataclass(frozen=True)
class Phase:
    """Up to time `until`: rescue at most floor(alpha * |frontier|) cells whose gap exceeds tau (None:
    any)."""

    name: str
    until: float
    alpha: float
    tau: float | None = None

    def __post_init__(self) -> None:
        within(f"phases.{self.name}.until", self.until, 0, 1)
        within(f"phases.{self.name}.alpha", self.alpha, 0, 1)
        if self.tau is not None:
            within(f"phases.{self.name}.tau", self.tau, 0)

    def plain(self) -> dict[str, float | None]:
        """The fields but for the name."""
        tau = None if self.tau is None else float(self.tau)
        return {"until": float(self.until), "alpha": float(self.alpha), "tau": tau}

    def share(self, cells: int) -> int:
        """floor(alpha * cells), exact for alpha as it is written in decimals."""
        return int(Fraction(str(self.alpha)) * cells)


class Phases(tuple):
    """Phases in order of time; each begins where the one before ended, the last ends at 1."""

    __slots__ = ()

    def plain(self) -> dict[str, dict[str, float | None]]:
        """The mapping that `phases_of` reads."""
        return {p.name: p.plain() for p in self}

    def at(self, t: float) -> Phase:
        """The phase that time t falls in; a phase does not hold its end, but for the last."""
        return next((p for p in self if t < p.until), self[-1])


PAPER = Phases(
    [
        Phase("exploration", 0.2, 0.1, 0.05),
        Phase("structure", 0.7, 0.3, 0.05),
        Phase("refinement", 1.0, 1.0, None),
    ]
)


def _phase(name: str, row: Any, known: Mapping[str, dict]) -> Phase:
    allowed = ("until", "alpha", "tau")
    if not isinstance(row, Mapping):
        raise LadrError(f"phases.{name}: {row!r} is not allowed; fields {', '.join(allowed)}")
    for key in row:
        if key not in allowed:
            raise LadrError(f"phases.{name}: no field {key!r}{nearest(key, allowed)}")
    row = {**known.get(name, {}), **row}
    for key in ("until", "alpha"):
        if key not in row:
            raise LadrError(f"phases.{name}: field {key!r} is missing")
    return Phase(name, **row)


def _rows(source: Mapping[str, Any]) -> list[Phase]:
    """The phases of a mapping; if all its names are the paper's, what it leaves out is the paper's."""
    paper = PAPER.plain()
    for name, row in source.items():
        if name not in paper and isinstance(row, Mapping) and not {"until", "alpha"} <= set(row):
            lacking = next(key for key in ("until", "alpha") if key not in row)
            raise LadrError(
                f"phases.{name}: no phase of the paper{nearest(name, paper)}; for a phase of its own the "
                f"field {lacking!r} is missing"
            )
    if source and set(source) <= set(paper):
        return [_phase(name, source.get(name, {}), paper) for name in paper]
    return [_phase(name, row, {}) for name, row in source.items()]


def _sequence(source: Any) -> Sequence[Any]:
    return source if isinstance(source, Sequence) else ()


def phases_of(source: Any) -> Phases:
    """Phases from Phase objects or from a mapping name -> {until, alpha, tau}.

    If all the names are the paper's, what is left out keeps the paper's value.
    """
    phases = Phases(_rows(source) if isinstance(source, Mapping) else _sequence(source))
    if not phases or not all(isinstance(p, Phase) for p in phases):
        raise LadrError(f"phases: {source!r} is not allowed; a mapping from name to until, alpha, tau")
    start = 0.0
    for p in phases:
        if p.until <= start:
            raise LadrError(
                f"phases.{p.name}.until: {p.until!r} overlaps the phase before, which ends at {start!r}"
            )
        start = p.until
    if start != 1:
        raise LadrError(
            f"phases.{phases[-1].name}.until: {start!r} leaves a gap; the last phase must end at 1"
        )
    return phases


@dataclass(frozen=True)
class Rescue(Replaying):
    """Commit cells next to observed ones, best `rank` first, at most floor(alpha * |frontier|) of those
    above tau.

    where: `frontier` (masked cells that a kernel x kernel square joins to an observed one); `independent`
    and `parity` (frontier cells of which no two are 4-adjacent, by walking down the ranking or by taking
    one checkerboard colour, which alternates); `non-frontier-first` and `anywhere` (controls: as many cells
    as the frontier would have given, from the rest of the grid first, or from all of it). token: `sampled`,
    or `argmax`, which is what the gap speaks about. budget: `own`, or `replay:NAME` to fill up to the
    counts of the run NAME, without tau, from all masked cells when `where` has too few. frontier_from:
    `std`, next to the standard step's cells as well (Algorithm 1), or `prev`, the equations' M_t. The rescue
    is that of LADR (arXiv 2603.13450; no code was published).
    """

    name: ClassVar[str] = "rescue"
    phases: Phases = PAPER
    where: str = "frontier"
    rank: str = "gap"
    kernel: int = 3
    token: str = "sampled"
    budget: str = "own"
    frontier_from: str = "std"

    def __post_init__(self) -> None:
        object.__setattr__(self, "phases", phases_of(self.phases))
        one_of("where", self.where, WHERE)
        one_of("rank", self.rank, RESCUE_RANKS)
        one_of("token", self.token, TOKENS)
        one_of("frontier_from", self.frontier_from, ("std", "prev"))
        if not str(self.budget).startswith(REPLAY):
            one_of("budget", self.budget, ("own", "replay:NAME"))
        geometry.check_kernel(self.kernel)

    @property
    def budget_from(self) -> str:
        return self.budget

    def candidates(self, view: View) -> tuple[Tensor, Tensor]:
        """The frontier and its part above tau, (B, H, W) bool each."""
        edge = view.began if self.frontier_from == "prev" else view.masked
        edge = geometry.frontier(edge, self.kernel) & view.masked
        tau = [self.phases.at(t).tau for t in view.t.tolist()]
        if all(x is None for x in tau):
            return edge, edge
        tau = torch.tensor([-1.0 if x is None else x for x in tau], device=edge.device)
        return edge, edge & (view.gap > tau[:, None, None])

    def _score(self, view: View) -> Tensor:
        if self.rank == "random":
            return view.keys("rescue")
        return view.gap if self.rank == "gap" else view.top1

    def _pool(self, view: View, edge: Tensor, valid: Tensor, score: Tensor) -> Tensor:
        if self.where == "independent":
            return geometry.independent(score, valid)
        if self.where == "parity":
            colour = torch.tensor(list(view.step), device=valid.device)
            return valid & geometry.parity(view.grid, colour)
        return {"frontier": valid, "anywhere": view.masked, "non-frontier-first": view.masked & ~edge}[
            self.where
        ]

    def __call__(self, view: View) -> Commit:
        edge, valid = self.candidates(view)
        score = self._score(view)
        sizes = edge.flatten(1).sum(1)
        passing = valid.flatten(1).sum(1)
        shares = [self.phases.at(t).share(c) for t, c in zip(view.t.tolist(), sizes.tolist(), strict=True)]
        count = torch.minimum(torch.tensor(shares, device=sizes.device), passing)
        if self.replays is not None:
            count = view.still_due(replayed(self.counts, view, self.budget))
            valid = edge
        take = self._choose(view, edge, valid, score, count)
        tokens = None
        if self.token == "argmax":
            tokens = torch.where(take, view.argmax, MASK)
        return Commit(take, tokens=tokens, rescued=take, notes={"frontier": sizes, "passing": passing})

    def _choose(self, view: View, edge: Tensor, valid: Tensor, score: Tensor, count: Tensor) -> Tensor:
        """The best `count` cells of the place that `where` names. Controls and replays owe their full number:
        what that place lacks comes from the other masked cells."""
        first = self._pool(view, edge, valid, score)
        chosen = geometry.top(score, count, first)
        if self.replays is None and self.where in ("frontier", "independent", "parity"):
            return chosen
        left = count - chosen.flatten(1).sum(1)
        return chosen | geometry.top(score, left, view.masked & ~first)
