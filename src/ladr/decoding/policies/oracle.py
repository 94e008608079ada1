"""The oracle: it commits what a slower run has drawn in the end."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from ladr.base.errors import LadrError, shown
from ladr.base.late import Tensor, torch
from ladr.decoding.policies.base import Policy
from ladr.decoding.policies.replay import TOKENS
from ladr.decoding.view import View


@dataclass(frozen=True)
class Oracle(Policy):
    """Every masked cell whose drawn code is the final token of a slower run of the same image, and everything
    that is left in the last pass of T.

    It is an upper bound and no method, since it must know the image before it decodes it: of the same view no
    rule that commits final tokens alone can take more cells. of: `tokens:NAME`, the run NAME; give its
    tokens through `with_tokens`. A committed code is always the drawn one, so that the choice of cells alone
    looks ahead: where no cell has drawn its final token, the loop commits the surest cell as it was drawn,
    and the image may leave that of the slower run. Learn2PD's oracle (arXiv 2509.25188; licence of its code
    not known), written from its description; no code was taken. There codes are the likeliest ones, as here
    at temperature 0.
    """

    name: ClassVar[str] = "oracle"
    of: str = "tokens:cosine"
    tokens: Tensor | None = field(
        default=None, repr=False, compare=False, kw_only=True, metadata={"spec": False}
    )

    def __post_init__(self) -> None:
        if not str(self.of).startswith(TOKENS):
            raise LadrError(f"of: {self.of!r} is not allowed; tokens:NAME")

    @property
    def foretold(self) -> str:
        return self.of.removeprefix(TOKENS)

    def with_tokens(self, tokens: Tensor) -> Self:
        if not isinstance(tokens, torch.Tensor) or tokens.dim() != 3 or tokens.is_floating_point():
            raise LadrError(f"{self.of!r}: {shown(tokens)} is not allowed; integers (N, H, W)")
        return replace(self, tokens=tokens)

    def __call__(self, view: View) -> Tensor:
        last = torch.tensor([s >= view.steps - 1 for s in view.step], device=view.tokens.device)
        return view.masked & (last[:, None, None] | (view.drawn == self.final(view)))

    def final(self, view: View) -> Tensor:
        """(B, H, W): the final tokens of the slower run of each live image."""
        if self.tokens is None:
            raise LadrError(
                f"{self.of!r}: the tokens to look for are missing; a row of params.yaml takes them from the "
                "cell of that row, else give them with policy.with_tokens(...)"
            )
        needed = (max(view.images) + 1, *view.grid)
        if len(self.tokens) < needed[0] or self.tokens.shape[1:] != needed[1:]:
            raise LadrError(f"{self.of!r}: has tokens {tuple(self.tokens.shape)}, {needed} are needed")
        return self.tokens.to(view.tokens.device)[list(view.images)]
