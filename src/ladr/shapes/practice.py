"""What training practises: the kinds of `propose`, those that are learnt last more often."""

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
from ladr.shapes.spec import Spec


def spelling(rng: Rng) -> Spec:
    """Words, short ones more often."""
    return text(rng, (1, 1, 2, 2, 3))


def many(rng: Rng) -> Spec:
    """Counting, the numbers that are hard more often."""
    return counting(rng, (2, 3, 3, 4, 4))


def patterned(rng: Rng) -> Spec:
    """Texture, two things with one each more often."""
    return texture(rng, pick((1, 2, 2, 2), rng))


# How often training sees each kind; letters and relations are learnt last by far.
TRAINING = {
    single: 2,
    colors: 4,
    two: 3,
    many: 16,
    position: 40,
    attribute: 10,
    patterned: 18,
    spelling: 40,
    text_and_thing: 6,
    size: 2,
    near: 2,
    inside: 1,
    touching: 1,
    complex_: 6,
    placed: 3,
    grouped: 2,
    style: 1,
    composite: 1,
    relationship: 2,
    grammar: 2,
    logic: 2,
    compound: 2,
    dense: 5,
}
_KINDS = list(TRAINING)
_SHARE = np.array(list(TRAINING.values()), float) / sum(TRAINING.values())


def propose(rng: Rng) -> Spec:
    """A random spec as training sees them."""
    return _KINDS[rng.choice(len(_KINDS), p=_SHARE)](rng)
