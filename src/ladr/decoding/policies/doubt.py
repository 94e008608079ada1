"""The doubt budget: cells that the network is sure of are committed for free, and a few unsure cells decide.

The doubt of a masked cell is 1 - p, p being the probability of its likeliest code. Cells whose doubts sum to
at most a budget cost no pass of their own: by the union bound, that budget is also the most by which
committing them together can move the result away from drawing them one after another
(`ladr.paper.theory.guarantee`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import frontier, independent, precise, ranks, top
from ladr.decoding.policies.allowed import count, flag, one_of, within
from ladr.decoding.policies.base import Policy, Then, Union
from ladr.decoding.policies.orders import halton
from ladr.decoding.policies.scheduled import RANKS, Scheduled, log_score
from ladr.decoding.view import Commit, View

BRANCHES = ("conditional", "guided")
BELIEVED = ("both", *BRANCHES)
WHERE = ("anywhere", "frontier", "independent")
ORDERS = (*RANKS, "random", "halton")
PICKS = ("unsure", "scheduled", "none")


def doubt(view: View, branch: str) -> Tensor:
    """(B, H, W) float32: 1 - the probability of each masked cell's likeliest code in that branch, the larger
    of the two for `both`."""
    branches = BRANCHES if branch == "both" and view.conditional is not None else (branch,)
    peaks = [view.of_branch(one).peak for one in branches]
    return (1 - torch.stack(peaks).amin(0)).clamp_min(0)


def affordable(doubts: Tensor, pool: Tensor, budget: float) -> Tensor:
    """(B, H, W) bool: of each image's pool, the cells of least doubt whose doubts sum to at most `budget`.

    Ties go to the lower cell index.
    """
    order = ranks(-doubts, pool).flatten(1)
    flat = doubts.masked_fill(~pool, 0).flatten(1)
    ascending = torch.empty_like(flat).scatter_(1, order, flat)
    within_budget = (precise(ascending).cumsum(1) <= budget).to(pool.device)
    return within_budget.gather(1, order).view_as(pool) & pool


@dataclass(frozen=True)
class FreeRiders(Policy):
    """The masked cells of least doubt whose doubts sum to at most `budget` in a pass, from time `start` on.

    branch: whose probabilities are believed, those before guidance (`conditional`), after it (`guided`, far
    too sure of itself), or the less sure of the two (`both`): where guidance doubts what the network is sure
    of, the prompt still wants something else there. where: `anywhere`, or on the `frontier` only (LADR, its
    tau replaced by the budget), or `independent`, no two of them 4-adjacent. likeliest: a cell that drew
    another code than its likeliest one waits, as it does in plain decoding, which ranks by the drawn code.
    """

    name: ClassVar[str] = "free_riders"
    budget: float = 0.1
    branch: str = "both"
    start: float = 0.0
    where: str = "anywhere"
    likeliest: bool = True

    def __post_init__(self) -> None:
        within("budget", self.budget, 0)
        one_of("branch", self.branch, BELIEVED)
        within("start", self.start, 0, 1)
        one_of("where", self.where, WHERE)
        flag("likeliest", self.likeliest)

    def __call__(self, view: View) -> Commit:
        doubts = doubt(view, self.branch)
        riding = (view.t >= self.start).to(view.tokens.device)[:, None, None]
        pool = view.masked & riding
        if self.likeliest:
            pool = pool & (view.drawn == view.argmax)
        if self.where == "frontier":
            pool = pool & frontier(view.masked)
        elif self.where == "independent":
            pool = independent(-doubts, pool)
        take = affordable(doubts, pool, self.budget)
        paid = (doubts * take).flatten(1).sum(1)
        return Commit(take, rescued=take, notes={"paid": paid})


@dataclass(frozen=True)
class Unsure(Policy):
    """A few of the masked cells whose likeliest code has less than probability `sure`: max(1, ceil(n / (T -
    s)^power)) of n such cells in pass s of T, and everything that is left in the last pass.

    Cells that are surer wait: they must not count as unsure, or passes are spent on background. branch: whose
    probability is compared with `sure`. rank: which of the unsure cells come first, by the guided
    probabilities, plus `noise` times Gumbel noise (`random` and `halton` take no noise). where: `anywhere`,
    on the `frontier` first, or `independent`, no two of them 4-adjacent.
    """

    name: ClassVar[str] = "unsure"
    sure: float = 0.9
    branch: str = "conditional"
    power: int = 2
    rank: str = "sampled"
    noise: float = 1.0
    where: str = "anywhere"

    def __post_init__(self) -> None:
        within("sure", self.sure, 0, 1)
        one_of("branch", self.branch, BRANCHES)
        count("power", self.power, 0, 8)
        one_of("rank", self.rank, ORDERS)
        within("noise", self.noise, 0)
        one_of("where", self.where, WHERE)

    def __call__(self, view: View) -> Tensor:
        unsure = view.masked & (view.of_branch(self.branch).peak < self.sure)
        score = self.score(view)
        counts = self.counts(view, unsure)
        if self.where == "independent":
            chosen = top(score, counts, independent(score, unsure))
        elif self.where == "frontier":
            edge = unsure & frontier(view.masked)
            chosen = top(score, counts, edge)
            chosen = chosen | top(score, counts - chosen.flatten(1).sum(1), unsure & ~edge)
        else:
            chosen = top(score, counts, unsure)
        last = torch.tensor([s >= view.steps - 1 for s in view.step], device=chosen.device)
        return torch.where(last[:, None, None], view.masked, chosen)

    def counts(self, view: View, unsure: Tensor) -> Tensor:
        """(B,) int64: how many of the unsure cells decide in this pass."""
        left = [max(1, view.steps - s) ** self.power for s in view.step]
        sizes = unsure.flatten(1).sum(1).tolist()
        due = [max(1, -(-n // share)) for n, share in zip(sizes, left, strict=True)]
        return torch.tensor(due, device=unsure.device)

    def score(self, view: View) -> Tensor:
        """(B, H, W) float32 to rank by, higher first."""
        if self.rank == "random":
            return view.keys("unsure")
        if self.rank == "halton":
            place = torch.tensor(halton(*view.grid), dtype=torch.float32, device=view.tokens.device)
            return -place.view(1, *view.grid).expand(view.tokens.shape)
        return log_score(view, self.rank) + self.noise * view.gumbel


@dataclass(frozen=True)
class Doubt(Policy):
    """Free riders by the doubt budget, and what else a pass commits: `picks`.

    `unsure`: `FreeRiders(...).then(Unsure(...))`, a few unsure cells decide and no schedule is needed.
    `scheduled`: free riders joined with plain decoding's own picks, a fixed cosine schedule over T passes.
    `none`: free riders alone, and the surest cell where none can be afforded. `where` places the cells that
    decide, `start` is the time from which cells ride, `branch` is believed about riders, and about unsure
    cells too unless it is `both`: they are unsure before guidance. The parts explain the other fields.
    """

    name: ClassVar[str] = "doubt"
    budget: float = 0.1
    picks: str = "unsure"
    sure: float = 0.9
    power: int = 2
    rank: str = "sampled"
    noise: float = 1.0
    where: str = "anywhere"
    branch: str = "both"
    start: float = 0.0
    likeliest: bool = True

    def __post_init__(self) -> None:
        one_of("picks", self.picks, PICKS)
        one_of("branch", self.branch, BELIEVED)
        self.unsure  # noqa: B018  # builds it now, so that a bad field is named now
        if self.picks == "scheduled":
            one_of("where", self.where, ("anywhere", "independent"))
        self.parts  # noqa: B018

    @property
    def planned(self) -> int:
        """16, or 32 where plain decoding picks."""
        return 32 if self.picks == "scheduled" else 16

    @cached_property
    def unsure(self) -> Unsure:
        """The policy that says which unsure cells decide."""
        branch = "conditional" if self.branch == "both" else self.branch
        return Unsure(self.sure, branch, self.power, self.rank, self.noise, self.where)

    @cached_property
    def parts(self) -> Policy:
        """The policy that this one is made of."""
        riders = FreeRiders(self.budget, self.branch, self.start, likeliest=self.likeliest)
        if self.picks == "none":
            return riders
        if self.picks == "scheduled":
            thin = self.where == "independent"
            return Union(Scheduled("fixed", rank=self.rank, noise=self.noise, independent=thin), riders)
        return Then(riders, self.unsure)

    def __call__(self, view: View) -> Tensor | Commit:
        return self.parts(view)
