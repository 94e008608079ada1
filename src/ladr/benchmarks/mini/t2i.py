"""mini-T2I-CompBench: soft scores in [0, 1], means over images; no Overall, as in the official suite."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ladr.benchmarks.mini.prompts import named, spec_of
from ladr.benchmarks.mini.scoring import Judgement
from ladr.benchmarks.mini.suite import MiniSuite, PromptGroup
from ladr.benchmarks.prompt import Prompt
from ladr.shapes import propose
from ladr.shapes.reading import Detection, Reading
from ladr.shapes.rules import NEAR, holders
from ladr.shapes.scene import HELD_OUT_PAIRS, HELD_OUT_RELATIONS
from ladr.shapes.spec import Item, Spec

COLUMNS = ("Color", "Shape", "Texture", "Spatial", "Complex")
LEAST = 0.5  # a spatial score below this is none
OVERLAP = 0.1  # intersection over union of two boxes that may still be called apart


def judge(prompt: Prompt, reading: Reading) -> list[Judgement]:
    """One score per image."""
    spec = spec_of(prompt)
    column = prompt.meta["column"]
    if column == "Spatial":
        value = spatial(spec, reading)
    elif column == "Complex":
        value = (attributes(spec, reading) + spatial(spec, reading)) / 2
    else:
        value = attributes(spec, reading)
    return [Judgement(named(prompt, column), spec.kind, value)]


def soft(value: float, none: float, full: float) -> float:
    """0 up to `none`, 1 from `full` on, straight in between."""
    return float(np.clip((value - none) / (full - none), 0, 1))


def belief(d: Detection) -> float:
    """How surely a thing is what it looks like."""
    return soft(d.score, 0.6, 0.9)


def attributes(spec: Spec, reading: Reading) -> float:
    """The product over noun phrases: one phrase that is missing makes the image worth nothing."""
    value = 1.0
    for item in spec.items:
        value *= max((_phrase(item, d) for d in holders(item, reading, ("shape",))), default=0.0)
    return value


def _phrase(item: Item, d: Detection) -> float:
    """How well one thing answers to a whole noun phrase."""
    value = belief(d)
    if item.color:
        value *= soft(d.purity, 0.5, 0.9) if d.color == item.color else 0.0
    if item.texture:
        value *= soft(d.texture_score, 0.4, 0.75) if d.texture == item.texture else 0.0
    if item.size:
        value *= float(d.size == item.size)
    return value


def spatial(spec: Spec, reading: Reading) -> float:
    """A quarter for each thing, half for where they lie; less than half is nothing."""
    link = spec.relations[0]
    both = [holders(spec.items[i], reading, ("shape",)) for i in (link.a, link.b)]
    value = sum(0.25 * belief(things[0]) for things in both if things)
    if all(both):
        value += 0.5 * _lies(link.kind, both[0][0], both[1][0])
    return value if value >= LEAST else 0.0


def _lies(kind: str, a: Detection, b: Detection) -> float:
    (ya, xa), (yb, xb) = a.centre, b.centre
    down, across = ya - yb, xa - xb
    if kind == "near":
        apart = max(abs(down), abs(across))
        return 1.0 if apart <= NEAR else NEAR / apart
    along = {"left": -across, "right": across, "above": -down, "below": down}[kind]
    if along <= 0 or along < max(abs(down), abs(across)):
        return 0.0
    shared = _overlap(a, b)
    return 1.0 if shared < OVERLAP else OVERLAP / shared


def _overlap(a: Detection, b: Detection) -> float:
    """Intersection over union of the boxes."""
    (ya, xa, ha, wa), (yb, xb, hb, wb) = a.box, b.box
    height = max(0, min(ya + ha, yb + hb) - max(ya, yb))
    width = max(0, min(xa + wa, xb + wb) - max(xa, xb))
    both = height * width
    return both / (ha * wa + hb * wb - both)


def _color(allowed: Any) -> Callable[[np.random.Generator], Spec]:
    """Two coloured things, in one prompt of five three."""
    return lambda rng: propose.attribute(rng, allowed, count=3 if rng.random() < 0.2 else 2)


def _texture(allowed: Any) -> Callable[[np.random.Generator], Spec]:
    return lambda rng: propose.texture(rng, 2, allowed)


def _spatial(allowed: Any) -> Callable[[np.random.Generator], Spec]:
    def draw(rng: np.random.Generator) -> Spec:
        near = rng.random() < 0.28  # the official share of next to, near, on side of
        return propose.near(rng) if near else propose.position(rng, allowed)

    return draw


_PATTERNED = frozenset(pair for pair in HELD_OUT_PAIRS if pair[1] != "cross")
SUITE = MiniSuite(
    name="mini-t2i",
    version=1,
    number=4,
    columns=COLUMNS,
    judge=judge,
    weak={"Texture": "pattern, not material", "Complex": "attributes and place, no action"},
    absent={"Non-spatial": "people and their actions: nothing here acts"},
    groups=(
        PromptGroup("Color", 256, _color(propose.SEEN_PAIRS)),
        PromptGroup("Shape", 256, propose.two),
        PromptGroup("Texture", 256, _texture(propose.PATTERNED_PAIRS)),
        PromptGroup("Spatial", 256, _spatial(lambda drawn: drawn not in HELD_OUT_RELATIONS)),
        PromptGroup("Complex", 256, propose.complex_),
        PromptGroup("Color", 110, _color(HELD_OUT_PAIRS), seen=False),
        PromptGroup("Texture", 110, _texture(_PATTERNED), seen=False),
        PromptGroup(
            "Spatial",
            110,
            lambda rng: propose.position(rng, lambda drawn: drawn in HELD_OUT_RELATIONS),
            seen=False,
        ),
    ),
)
