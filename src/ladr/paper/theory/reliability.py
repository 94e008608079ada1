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

from ladr.backbones.exact.mixture import Mixture
from ladr.backbones.lumina.dimoo import shapes
from ladr.benchmarks import BENCHMARKS
from ladr.decoding.loop import decode
from ladr.decoding.noise import seed_of
from ladr.decoding.policies import PAPER
from ladr.decoding.policies.doubt import BRANCHES
from ladr.decoding.view import View

MODELS = (  # backbone, what makes it, its settings in params.yaml, prompts of every column
    ("mixture", Mixture, {"scenes": 1024, "guidance": 3.0, "epsilon": 0.001}, 16),
    ("shapes", shapes, {"guidance": 1.0}, 8),
)
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
    """One row per phase, branch and bin of probability: cells, their mean probability, the share of them that
    ends with that code, and the standard error of this share over images.

    A cell counts once in every pass in which it is masked.
    """
    listener = _Listener()
    done = decode(
        backbone, list(prompts), policy, steps=steps, seeds=seeds, batch_size=batch_size, on_step=listener
    )
    final = done.tokens.flatten(1).cpu()
    sums: dict[tuple[str, str, int], Tensor] = {}  # per image: cells, their probabilities, how many ended so
    inner = torch.tensor(EDGES[1:-1])
    for one in listener.seen:
        equal = final[one["image"], one["cell"]] == one["code"]
        bins = torch.bucketize(one["peak"], inner, right=True)
        parts = torch.stack([torch.ones_like(one["peak"]), one["peak"], equal.float()], 1).double()
        for phase in set(one["phase"]):
            own = torch.tensor([name == phase for name in one["phase"]])
            for where in bins[own].unique().tolist():
                mine = own & (bins == where)
                total = sums.setdefault((phase, one["branch"], where), torch.zeros(len(final), 3).double())
                total.index_add_(0, one["image"][mine], parts[mine])
    order = [phase.name for phase in PAPER]
    keys = sorted(sums, key=lambda key: (order.index(key[0]), key[1], key[2]))
    return [{"phase": key[0], "branch": key[1], **_row(key[2], sums[key])} for key in keys]


def _row(where: int, per_image: Tensor) -> dict[str, Any]:
    """The numbers of a bin.

    per_image: (N, 3), of each image the cells, the sum of their probabilities, how many ended with the code.
    """
    cells, peak, same = per_image.sum(0).tolist()
    share = same / cells
    error = (per_image[:, 2] - share * per_image[:, 0]).square().sum().sqrt().item() / cells
    return {
        "low": EDGES[where], "high": EDGES[where + 1], "cells": int(cells), "probability": peak / cells,
        "share": share, "share_se": error,
    }  # fmt: skip


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """`reliability` of the embedded backbones under plain decoding, on the first prompts of every column."""
    suite, steps = BENCHMARKS["mini-geneval"], 4 if quick else 64
    out = []
    for name, make, settings, each in MODELS:
        prompts = first_of_columns(suite.prompts("full"), 1 if quick else each)
        asked = [prompt.text for prompt in prompts] if name == "shapes" else prompts
        seeds = [seed_of(suite.name, prompt.id, 0) for prompt in prompts]
        measured = reliability(make(**settings), asked, steps=steps, seeds=seeds)
        about = {"backbone": name, "guidance": settings["guidance"], "images": len(prompts), "steps": steps}
        out += [{**about, **row} for row in measured]
    return out


def first_of_columns(prompts: Sequence[Any], each: int) -> list[Any]:
    """The first `each` prompts of every column."""
    columns: dict[str, list[Any]] = {}
    for prompt in prompts:
        columns.setdefault(prompt.meta["column"], []).append(prompt)
    return [prompt for own in columns.values() for prompt in own[:each]]


def error(rows: Sequence[dict[str, Any]], branch: str, phase: str | None = None) -> float:
    """The expected calibration error of a branch, in one phase or in all.

    That is the mean distance of probability and share, weighted by cells.
    """
    own = [row for row in rows if row["branch"] == branch and phase in (None, row["phase"])]
    cells = sum(row["cells"] for row in own)
    return sum(row["cells"] * abs(row["probability"] - row["share"]) for row in own) / cells
