"""The moment sampler: first the cells, then their tokens, with the same hidden temperature as MaskGIT's
step."""

from dataclasses import dataclass
from typing import ClassVar

from ladr.base.late import Tensor, torch
from ladr.decoding.frontier import top
from ladr.decoding.marginals import Marginals
from ladr.decoding.policies.allowed import within
from ladr.decoding.policies.counted import Counted
from ladr.decoding.policies.orders import halton
from ladr.decoding.view import MASK, Commit, View


@dataclass(frozen=True)
class Moment(Counted):
    """The due number of cells by Gumbel-top-k of log sum_v p(v)^beta; then tokens from p^beta, normalised.

    With beta = 1 + 1 / noise it tends to MaskGIT's step, which ranks by the drawn token plus that noise.
    Until time `halton` cells are taken in Halton's order instead, with tokens at temperature 1 (the paper's
    hybrid: explore, then exploit). Moment sampler (arXiv 2510.04525; no code of it was found), written from
    its description; no code was taken.
    """

    name: ClassVar[str] = "moment"
    schedule: str = "fixed"
    beta: float = 2.0
    halton: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("beta", self.beta, 1)
        within("halton", self.halton, 0, 1)

    def __call__(self, view: View) -> Commit:
        spread = (view.t < self.halton).to(view.tokens.device)[:, None, None]
        place = torch.tensor(halton(*view.grid), dtype=torch.float32, device=view.tokens.device)
        moment = view.predictions.log_moment(self.beta) + view.gumbel
        take = top(torch.where(spread, -place.view(1, *view.grid), moment), self.due(view), view.masked)
        return Commit(take, tokens=self.tokens(view, take & ~spread))

    def tokens(self, view: View, cells: Tensor) -> Tensor:
        """(B, H, W) int64: codes drawn from p^beta at `cells`, MASK elsewhere."""
        seen = view.predictions
        logits = seen.marginals.logits[cells[seen.at]]
        drawn = Marginals(logits).draw(view.keys("moment")[cells], 1 / self.beta)
        return torch.full_like(view.tokens, MASK).masked_scatter_(cells, drawn)
