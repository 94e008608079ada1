"""What the loop asks of a model: a backbone, and the denoiser that it gives for the prompts of one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ladr.base.late import Tensor


class Denoiser:
    """A backbone bound to the prompts of one call. Only `logits` must be written; the rest has defaults.

    conditional (M, K): the last pass's logits before guidance, None where the model tells none. everywhere:
    the loop sets it when the policy needs the logits of observed cells too, that is dense ones. attends: the
    loop sets it when the policy needs the attention between cells; attention (B, N, N) float is then the last
    pass's, rows of observed cells 0, None where the model tells none.
    """

    conditional: Tensor | None = None
    everywhere: bool = False
    attends: bool = False
    attention: Tensor | None = None

    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        """Logits after guidance for tokens (B, H, W) int64 with MASK, of the bound prompts rows (B,): dense
        (B, H, W, K), or packed (M, K) for the masked cells in row-major order. t (B,): each image's time.
        recompute: what the cache asks for in this pass (`ladr.decoding.caches.Recompute`)."""
        raise NotImplementedError

    def keep(self, live: Tensor) -> None:
        """Only the batch rows where live (B,) bool holds go on, in their order."""


class Backbone(Protocol):
    """A model of token grids: `codes` K, `grid` (H, W), optionally `device` and `render(tokens)`.

    What `bind` gives must have `logits`; it need not be a `Denoiser`.
    """

    codes: int
    grid: tuple[int, int]

    def bind(self, prompts: Sequence[Any]) -> Any:
        """The denoiser for the images of one decode call, one prompt each."""
        ...


class _Adopted(Denoiser):
    """A denoiser that is none of this class: what it lacks has the defaults."""

    def __init__(self, inner: Any):
        self._inner = inner
        asked = ("conditional", "everywhere", "attends", "attention", "keep")
        self._names = frozenset(name for name in asked if hasattr(inner, name))

    @property
    def conditional(self) -> Tensor | None:  # type: ignore[override]
        return self._inner.conditional if "conditional" in self._names else None

    @property
    def everywhere(self) -> bool:  # type: ignore[override]
        return bool(self._inner.everywhere) if "everywhere" in self._names else False

    @everywhere.setter
    def everywhere(self, everywhere: bool) -> None:
        if "everywhere" in self._names:
            self._inner.everywhere = everywhere

    @property
    def attends(self) -> bool:  # type: ignore[override]
        return bool(self._inner.attends) if "attends" in self._names else False

    @attends.setter
    def attends(self, attends: bool) -> None:
        if "attends" in self._names:
            self._inner.attends = attends

    @property
    def attention(self) -> Tensor | None:  # type: ignore[override]
        return self._inner.attention if "attention" in self._names else None

    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        return self._inner.logits(tokens, rows, t=t, recompute=recompute)

    def keep(self, live: Tensor) -> None:
        if "keep" in self._names:
            self._inner.keep(live)


def name_of(denoiser: Denoiser) -> str:
    """What messages call it: its class, or the class of what was adopted."""
    return type(denoiser._inner if isinstance(denoiser, _Adopted) else denoiser).__name__


def adopted(denoiser: Any) -> Denoiser:
    """The denoiser itself, or one with the defaults around an object that has `logits` alone."""
    return denoiser if isinstance(denoiser, Denoiser) else _Adopted(denoiser)
