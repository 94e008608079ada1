"""Is a network as sure as it should be? Its likeliest code against the code that is drawn in the end.

In every pass of a decode each masked cell has a likeliest code with a probability, before and after guidance.
A network is calibrated if, among the cells whose likeliest code has probability p, a share p end with that
code. An exact model without guidance that commits one cell a pass is calibrated by construction: what a cell
becomes is then a sample of its conditional distribution. A decode that commits many cells at once, or prefers
likely codes, may differ from that for either reason, and so may a network.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ladr.decoding.loop import decode
from ladr.decoding.policies import PAPER
from ladr.decoding.policies.doubt import BRANCHES
from ladr.decoding.view import View

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0)


class _Listener:
    """Keeps the likeliest code of every masked cell in every pass, by branch."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def __call__(self, view: View, take: Tensor) -> None:
        image = torch.tensor(list(view.images))[:, None, None].expand(view.tokens.shape)
        cell = torch.arange(view.tokens[0].numel()).view(1, *view.grid).expand(view.tokens.shape)
        masked = view.masked.cpu()
        phases = [PAPER.at(t).name for t in view.t.tolist()]
        for branch in BRANCHES:
            maps = view.of_branch(branch)
            self.seen.append({
                "branch": branch,
                "phase": [phases[row] for row in masked.nonzero()[:, 0].tolist()],
                "image": image[masked], "cell": cell[masked],
                "peak": maps.peak.cpu()[masked], "code": maps.argmax.cpu()[masked],
            })  # fmt: skip


def reliability(
    backbone: Any,
    prompts: Sequence[Any],
    policy: Any = "cosine",
    *,
    steps: int = 64,
    seeds: Sequence[int] | None = None,
    batch_size: int = 16,
) -> list[dict[str, Any]]:
    """One row per phase, branch and bin of probability: cells, mean probability, share that ends with that
    code. A cell counts once in every pass in which it is masked."""
    listener = _Listener()
    done = decode(
        backbone, list(prompts), policy, steps=steps, seeds=seeds, batch_size=batch_size, on_step=listener
    )
    final = done.tokens.flatten(1).cpu()
    sums: dict[tuple[str, str, int], list[float]] = {}
    inner = torch.tensor(EDGES[1:-1])
    for one in listener.seen:
        equal = final[one["image"], one["cell"]] == one["code"]
        bins = torch.bucketize(one["peak"], inner, right=True)
        for phase, where, peak, same in zip(
            one["phase"], bins.tolist(), one["peak"].tolist(), equal.tolist(), strict=True
        ):
            total = sums.setdefault((phase, one["branch"], where), [0, 0.0, 0])
            total[0], total[1], total[2] = total[0] + 1, total[1] + peak, total[2] + same
    order = [phase.name for phase in PAPER]
    return [
        {
            "phase": phase, "branch": branch, "low": EDGES[where], "high": EDGES[where + 1],
            "cells": int(n), "probability": peak / n, "share": same / n,
        }
        for (phase, branch, where), (n, peak, same) in sorted(
            sums.items(), key=lambda item: (order.index(item[0][0]), item[0][1], item[0][2])
        )
    ]  # fmt: skip


def error(rows: Sequence[dict[str, Any]], branch: str, phase: str | None = None) -> float:
    """The expected calibration error of a branch, in one phase or in all: the mean distance of probability
    and share, weighted by cells."""
    own = [row for row in rows if row["branch"] == branch and phase in (None, row["phase"])]
    cells = sum(row["cells"] for row in own)
    return sum(row["cells"] * abs(row["probability"] - row["share"]) for row in own) / cells
