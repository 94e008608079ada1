"""mini-GenEval: six binary columns under GenEval's rules, Overall their unweighted mean."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ladr.benchmarks.mini.prompts import named, spec_of
from ladr.benchmarks.mini.scoring import Judgement
from ladr.benchmarks.mini.suite import MiniSuite, PromptGroup
from ladr.benchmarks.prompt import Prompt
from ladr.shapes import propose
from ladr.shapes.reading import Detection, Reading
from ladr.shapes.rules import exactly, holders, related
from ladr.shapes.scene import HELD_OUT_PAIRS, HELD_OUT_RELATIONS, SHAPES
from ladr.shapes.spec import Item, Spec

COLUMNS = ("Single Obj.", "Two Obj.", "Counting", "Colors", "Position", "Attribute")


def judge(prompt: Prompt, reading: Reading) -> list[Judgement]:
    """One verdict per image."""
    spec = spec_of(prompt)
    passed = _CHECKS[spec.kind](spec, reading)
    return [Judgement(named(prompt, prompt.meta["column"]), spec.kind, float(passed))]


def best(item: Item, reading: Reading) -> Detection | None:
    """The surest thing of the item's shape. The official rule looks at no other."""
    things = holders(item, reading, ("shape",))
    return things[0] if things else None


def _present(spec: Spec, reading: Reading) -> bool:
    """Judge whether the image shows a thing of each shape. It may show more things."""
    return all(best(item, reading) for item in spec.items)


def _counted(spec: Spec, reading: Reading) -> bool:
    return exactly(spec.items[0], reading)


def _colored(spec: Spec, reading: Reading) -> bool:
    pairs = [(item, best(item, reading)) for item in spec.items]
    return all(d is not None and d.color == item.color for item, d in pairs)


def _positioned(spec: Spec, reading: Reading) -> bool:
    link = spec.relations[0]
    a, b = best(spec.items[link.a], reading), best(spec.items[link.b], reading)
    return a is not None and b is not None and related(link.kind, a, b)


_CHECKS = {
    "single": _present,
    "two": _present,
    "counting": _counted,
    "colors": _colored,
    "position": _positioned,
    "attribute": _colored,
}


def _counting(rng: np.random.Generator) -> Spec:
    """Two to four things of one shape, of no stated colour: only their number is judged."""
    return Spec("counting", (Item(propose.pick(SHAPES, rng), count=propose.pick((2, 3, 4), rng)),))


def _relations(allowed: Any) -> Callable[[np.random.Generator], Spec]:
    return lambda rng: propose.position(rng, allowed, named=False)


SUITE = MiniSuite(
    name="mini-geneval",
    version=1,
    number=1,
    columns=COLUMNS,
    overall=COLUMNS,
    judge=judge,
    groups=(
        PromptGroup("Single Obj.", 400, propose.single),
        PromptGroup("Two Obj.", 400, propose.two),
        PromptGroup("Counting", 400, _counting),
        PromptGroup("Colors", 400, propose.colors),
        PromptGroup("Position", 400, _relations(lambda drawn: drawn not in HELD_OUT_RELATIONS)),
        PromptGroup("Attribute", 400, propose.attribute),
        PromptGroup("Colors", 100, lambda rng: propose.colors(rng, HELD_OUT_PAIRS), seen=False),
        PromptGroup("Position", 100, _relations(lambda drawn: drawn in HELD_OUT_RELATIONS), seen=False),
        PromptGroup("Attribute", 100, lambda rng: propose.attribute(rng, HELD_OUT_PAIRS), seen=False),
    ),
)
