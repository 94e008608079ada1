"""What the world is made of, and what training practises: the kinds of `propose` in shares."""

from collections.abc import Callable, Mapping

import numpy as np

from ladr.shapes.propose import (
    Rng,
    attribute,
    colors,
    complex_,
    composite,
    compound,
    counting,
    dense,
    grammar,
    grouped,
    inside,
    logic,
    near,
    pick,
    placed,
    position,
    relationship,
    single,
    size,
    style,
    text,
    text_and_thing,
    texture,
    touching,
    two,
)
from ladr.shapes.scene import HELD_OUT_RELATIONS
from ladr.shapes.spec import Spec

Kind = Callable[[Rng], Spec]


def spelling(rng: Rng) -> Spec:
    """Words, short ones more often."""
    return text(rng, (1, 1, 2, 2, 3))


def many(rng: Rng) -> Spec:
    """Counting, the numbers that are hard more often."""
    return counting(rng, (2, 3, 3, 4, 4))


def patterned(rng: Rng) -> Spec:
    """Texture, two things with one each more often."""
    return texture(rng, pick((1, 2, 2, 2), rng))


def forward(rng: Rng) -> Spec:
    """Positions, most of them left or above: whoever is named first lies first.

    With all four relations alike, word order and relation word tell nothing without each other, and a
    network rests on that plateau for long; word order alone is learnt in no time.
    """
    if rng.random() < 0.75:
        return position(rng, lambda drawn: drawn[1] in ("left", "above") and drawn not in HELD_OUT_RELATIONS)
    return position(rng)


# What the world is made of: scenes without a prompt (`backbones/bank.py`), patches of the codebook. Scores of
# the mixture depend on it.
WORLD = {
    single: 3,
    colors: 4,
    two: 4,
    many: 14,
    position: 15,
    attribute: 8,
    patterned: 15,
    spelling: 30,
    text_and_thing: 4,
    size: 3,
    near: 2,
    inside: 2,
    touching: 2,
    complex_: 4,
    placed: 2,
    grouped: 3,
    style: 2,
    composite: 1,
    relationship: 2,
    grammar: 3,
    logic: 3,
    compound: 3,
    dense: 5,
}
# How often training sees what differs from that: at first what the order of words decides, then all.
FIRST = WORLD | {position: 0, forward: 60, spelling: 80, attribute: 20}
TRAINING = WORLD | {position: 30, spelling: 60, patterned: 45, many: 55, attribute: 15, complex_: 6}


def propose(rng: Rng, shares: Mapping[Kind, int] = WORLD) -> Spec:
    """A random spec, its kind drawn by these shares."""
    chance = np.array(list(shares.values()), float)
    return list(shares)[rng.choice(len(chance), p=chance / chance.sum())](rng)
