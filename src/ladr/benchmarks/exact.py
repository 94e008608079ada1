"""A benchmark of the exact field: how likely is the decoded grid under the distribution it came from?

No pixels and no weights, milliseconds per image: what runs when nothing else is installed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row

SIZES = {"smoke": 8, "default": 24, "full": 400}  # prompts per coupling
COUPLINGS = (0.4, 0.8, 1.2)


@dataclass(frozen=True)
class FieldSuite:
    """Likelihood: geometric mean over cells of the probability of the whole grid. Agreement: share of equal
    4-neighbours. Both under the prompt's own field, the floor under another one's."""

    name: str = "field-exact"
    version: int = 1
    columns: tuple[str, ...] = ("Likelihood", "Agreement")
    overall: tuple[str, ...] = ()
    weak: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    binary: bool = False
    reads: tuple[str, ...] = ("field",)

    def prompts(self, size: str | int = "default") -> tuple[Prompt, ...]:
        """`size` random fields for each coupling."""
        if isinstance(size, str) and size not in SIZES:
            raise LadrError(
                f"size: {size!r} is neither a positive number nor a known size{nearest(size, SIZES)}"
            )
        count = SIZES[size] if isinstance(size, str) else size
        return tuple(
            Prompt(f"c{coupling:g}-{k:03d}", f"coupling={coupling:g} seed={k}", {"coupling": coupling})
            for coupling in COUPLINGS
            for k in range(count)
        )

    def judge_tokens(
        self, prompts: Sequence[Prompt], tokens: Mapping[tuple[str, int], Any], backbone: Any
    ) -> tuple[Row, ...]:
        """Every judgement of tokens (H, W) by (prompt id, image number)."""
        import torch

        texts = {p.id: p.text for p in prompts}
        others = dict(zip(texts, [*texts][1:] + [*texts][:1], strict=True))
        keys = list(tokens)
        grids = torch.stack([tokens[key] for key in keys]).long()
        rows = []
        for kind, asked in (("score", {p: p for p in texts}), ("floor", others)):
            truth = backbone.truth([texts[asked[prompt]] for prompt, _ in keys])
            likelihood = (truth.log_prob(grids) / grids[0].numel()).exp().tolist()
            rows += [
                Row(p, n, "Likelihood", "whole grid", round(v, 6), kind)
                for (p, n), v in zip(keys, likelihood, strict=True)
            ]
        rows += [
            Row(p, n, "Agreement", "neighbours", round(agreement(grid), 6))
            for (p, n), grid in zip(keys, grids, strict=True)
        ]
        return tuple(rows)


def agreement(grid: Any) -> float:
    """Share of 4-neighbour pairs of (H, W) codes that are equal."""
    down, right = grid[1:] == grid[:-1], grid[:, 1:] == grid[:, :-1]
    return float((down.sum() + right.sum()) / (down.numel() + right.numel()))


SUITE = FieldSuite()
