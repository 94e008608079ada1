"""What a prompt of a mini benchmark states, its column, its true image, and its partner for the floor."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ladr.benchmarks.prompt import Prompt
from ladr.shapes.place import realise
from ladr.shapes.render import render
from ladr.shapes.spec import Spec
from ladr.shapes.spec_json import spec_from_json


def spec_of(prompt: Prompt) -> Spec:
    """What the prompt states."""
    return spec_from_json(prompt.meta["spec"])


def column_of(prompt: Prompt) -> str:
    """The column under which the prompt's own judgements stand."""
    return named(prompt, prompt.meta["column"])


def named(prompt: Prompt, column: str) -> str:
    """`column`, marked where the prompt asks for a composition that training never shows."""
    return column if prompt.meta["seen"] else f"{column} (unseen)"


def truth(prompt: Prompt) -> np.ndarray:
    """A ground-truth image of the prompt, (64, 64, 3) uint8, always the same."""
    seed = int.from_bytes(hashlib.sha256(prompt.id.encode() + prompt.text.encode()).digest()[:8], "big")
    return render(realise(spec_of(prompt), np.random.default_rng(seed), unseen=not prompt.meta["seen"]))


def shuffled(prompts: Sequence[Prompt]) -> dict[str, Prompt]:
    """For every prompt id another prompt of the same column, for the floor: chance, not skill.

    Prompts are ordered by a hash and each takes its follower, so no prompt is its own partner unless it is
    the only one of its column.
    """
    partner: dict[str, Prompt] = {}
    by_column: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        by_column.setdefault(column_of(prompt), []).append(prompt)
    for group in by_column.values():
        ring = sorted(group, key=lambda p: hashlib.sha256(p.id.encode()).digest())
        partner |= {a.id: b for a, b in pairwise([*ring, ring[0]])}
    return partner
