"""Are the first free riders as sure as they should be? Their doubts against scenes that the prompt allows.

Before anything is drawn, the doubt budget commits the cells that the network is surest of. How often such a
cell is wrong can be counted without decoding: draw scenes of the prompt as the training data did, encode them
with the model's own tokenizer, and compare. A calibrated network is wrong as often as its doubts add up to.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.exact.scenes import scenes_of
from ladr.backbones.lumina.dimoo import DiMOO, shapes
from ladr.benchmarks import BENCHMARKS
from ladr.benchmarks.mini.prompts import spec_of
from ladr.benchmarks.prompt import Prompt
from ladr.decoding.policies.doubt import FreeRiders, affordable
from ladr.decoding.view import MASK
from ladr.paper.theory.reliability import first_of_columns
from ladr.shapes.render import render

SUITES = {"mini-geneval": 6, "mini-unigen": 4, "mini-t2i": 7, "mini-dpg": 36}  # prompts of every column
FEW = {"mini-geneval": 1, "mini-dpg": 1}  # the same for a quick look
SCENES = 64  # of a prompt
SEED = 5


def first_riders(
    backbone: DiMOO, prompts: Sequence[Prompt], budget: float, scenes: int = SCENES
) -> list[dict[str, float]]:
    """For each prompt: how many cells ride in the first pass, how many of them are wrong by their doubts, how
    many in scenes of the prompt (the mean over scenes), and in what share of the scenes any is."""
    grid = backbone.grid
    blank = torch.full((len(prompts), *grid), MASK)
    denoiser = backbone.bind([prompt.text for prompt in prompts])
    denoiser.logits(blank, torch.arange(len(prompts)))
    marginals = denoiser.conditional.float().softmax(-1).view(len(prompts), *grid, -1)
    peak, likeliest = marginals.max(-1)
    doubts = 1 - peak
    riding = affordable(doubts, torch.ones_like(blank, dtype=torch.bool), budget)
    out = []
    for row, prompt in enumerate(prompts):
        differ = (_codes(backbone, prompt, scenes) != likeliest[row]) & riding[row]
        out.append({
            "riders": float(riding[row].sum()),
            "expected": float(doubts[row][riding[row]].sum()),
            "wrong": float(differ.flatten(1).sum(1).float().mean()),
            "scenes_wrong": float(differ.flatten(1).any(1).float().mean()),
        })  # fmt: skip
    return out


def _codes(backbone: DiMOO, prompt: Prompt, scenes: int) -> Tensor:
    """(scenes, H, W) codes of scenes that the prompt allows, through the model's own tokenizer."""
    spec = spec_of(prompt)
    pixels = np.stack([render(scene) for scene in scenes_of(spec, scenes, SEED)])
    return backbone.pixels.encode(torch.from_numpy(pixels)).view(scenes, *backbone.grid)


def rows(quick: bool = False) -> list[dict[str, Any]]:
    """One row per suite of the trained miniature: means over prompts, and standard errors over them."""
    budget = FreeRiders().budget
    backbone = shapes(guidance=1.0)
    out = []
    for suite, each in (FEW if quick else SUITES).items():
        prompts = first_of_columns(BENCHMARKS[suite].prompts("full"), each)
        measured = first_riders(backbone, prompts, budget, 4 if quick else SCENES)
        row: dict[str, Any] = {"suite": suite, "prompts": len(prompts)}
        for name in measured[0]:
            values = np.array([one[name] for one in measured])
            row[name] = float(values.mean())
            row[f"{name}_se"] = float(values.std() / max(1, len(values) - 1) ** 0.5)
        out.append(row)
    return out
