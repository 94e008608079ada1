"""How random the masks of a decode look: their outline in each pass, against masks drawn at random.

A model is trained on masks drawn at random. `outline` of `proposition2` counts the edges of the grid between
a known and a masked cell, and divides by what a random mask with as many known cells has on average.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.exact.mixture import Mixture
from ladr.backbones.lumina.dimoo import shapes
from ladr.benchmarks.intervals import PromptSums, ratio
from ladr.decoding.loop import decode
from ladr.decoding.noise import seed_of
from ladr.decoding.policies import build
from ladr.decoding.policies.base import Policy
from ladr.decoding.view import View
from ladr.paper.theory.masks import few
from ladr.paper.theory.proposition2 import outline

MODELS = (("mixture", Mixture, {"guidance": 3.0}), ("shapes", shapes, {"guidance": 1.0}))
RULES = {"cosine": 16, "ladr": 64, "doubt": 16}  # T of each
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of known cells: the bounds of the rows
PROMPTS = 4  # of every column


def outlines(
    backbone: Any, asked: Sequence[Any], policy: Policy, *, steps: int, seeds: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Of every pass that gets a mask with known cells: its image, its share of known cells, its outline."""
    notes: list[tuple[int, float, float]] = []

    def listen(view: View, take: Tensor) -> None:
        known = (~view.masked).flatten(1).double().mean(1)
        notes.extend(zip(view.images, known.tolist(), outline(view.masked).tolist(), strict=True))

    decode(backbone, list(asked), policy, steps=steps, seeds=seeds, batch_size=12, on_step=listen)
    image, known, value = (torch.tensor(column) for column in zip(*notes, strict=True))
    return image[known > 0], known[known > 0], value[known > 0]


def summary(image: Tensor, known: Tensor, value: Tensor) -> list[dict[str, Any]]:
    """One row per range of SHARES: passes, images, the mean outline and its 95 % interval over images."""
    out = []
    for low, high in pairwise(SHARES):
        own = (known > low) & (known <= high)
        if not own.any():
            continue
        kinds, place = image[own].unique(return_inverse=True)
        sums = torch.zeros(len(kinds), dtype=torch.float64).index_add_(0, place, value[own].double())
        mean = ratio(PromptSums(sums.numpy(), np.bincount(place.numpy()).astype(float)))
        out.append({
            "low": low, "high": high, "passes": int(own.sum()), "images": len(kinds),
            "known": float(known[own].mean()), "outline": mean.value, "outline_low": mean.low,
            "outline_high": mean.high,
        })  # fmt: skip
    return out


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """The embedded backbones under plain decoding, LADR and the doubt budget, one image for each prompt."""
    each = 1 if quick else PROMPTS
    prompts = few(each, each)
    seeds = [seed_of("mini-geneval", prompt.id, 0) for prompt in prompts]
    out = []
    for name, make, settings in MODELS:
        backbone = make(**settings)
        asked = prompts if name == "mixture" else [prompt.text for prompt in prompts]
        for rule, steps in RULES.items():
            steps = min(steps, 4) if quick else steps
            measured = outlines(backbone, asked, build(rule), steps=steps, seeds=seeds)
            about = {"backbone": name, "rule": rule, "steps": steps}
            out += [{**about, **row} for row in summary(*measured)]
    return out


def verdict(rows: list[dict[str, Any]]) -> str:
    """The rows in one sentence."""
    said = []
    for name in dict.fromkeys(row["backbone"] for row in rows):
        least = min((row for row in rows if row["backbone"] == name), key=lambda row: row["outline"])
        said.append(f"{name}: {least['rule']}, {least['outline']:.2f} at {least['known']:.0%} known")
    return f"Masks least like random ones, whose outline is 1. {'; '.join(said)}."
