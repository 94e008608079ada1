"""The benchmark of the exact field: how likely is the decoded grid under the distribution that it came from?

It needs no pixels and no weights and takes milliseconds per image, so it runs where nothing else is
installed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.base.late import Tensor
from ladr.benchmarks.benchmark import Benchmark
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row
from ladr.benchmarks.submission import Submission

SIZES = {"smoke": 8, "default": 24, "full": 400}  # prompts per coupling
COUPLINGS = (0.4, 0.8, 1.2)


@dataclass(frozen=True, kw_only=True)
class FieldSuite(Benchmark):
    """Two columns. Likelihood: geometric mean over cells of the probability of the whole grid; its floor is
    taken under another prompt's field. Agreement: share of 4-neighbours that are equal."""

    name: str = "field-exact"
    version: int = 1
    columns: tuple[str, ...] = ("Likelihood", "Agreement")
    reads: tuple[str, ...] = ("field",)

    def prompts(self, size: str | int = "default", folder: Path | None = None) -> tuple[Prompt, ...]:
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

    def rows(self, submission: Submission) -> tuple[Row, ...]:
        """The likelihood under the prompt's own field, then under another prompt's, then the agreement."""
        field = submission.backbone()
        grids = submission.tokens
        texts = {prompt.id: prompt.text for prompt in submission.prompts}
        others = dict(zip(texts, [*texts][1:] + [*texts][:1], strict=True))
        own = _likelihoods(field, [texts[prompt] for prompt, _ in submission.keys], grids)
        floor = _likelihoods(field, [texts[others[prompt]] for prompt, _ in submission.keys], grids)
        rows = []
        for kind, values in (("score", own), ("floor", floor)):
            rows += [
                Row(prompt, number, "Likelihood", "whole grid", value, kind)
                for (prompt, number), value in zip(submission.keys, values, strict=True)
            ]
        rows += [
            Row(prompt, number, "Agreement", "neighbours", round(agreement(grid), 6))
            for (prompt, number), grid in zip(submission.keys, grids, strict=True)
        ]
        return tuple(rows)


def _likelihoods(field: Any, prompts: list[str], grids: Tensor) -> list[float]:
    """Per grid (H, W) of `grids` (N, H, W) the geometric mean over cells of its probability."""
    truth = field.truth(prompts)
    return [round(value, 6) for value in (truth.log_prob(grids) / grids[0].numel()).exp().tolist()]


def agreement(grid: Tensor) -> float:
    """Share of 4-neighbour pairs of (H, W) codes that are equal."""
    down, right = grid[1:] == grid[:-1], grid[:, 1:] == grid[:, :-1]
    return float((down.sum() + right.sum()) / (down.numel() + right.numel()))


SUITE = FieldSuite()
