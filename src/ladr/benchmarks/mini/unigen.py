"""mini-UniGen: one to several test points per prompt, pooled per primary dimension over all images."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ladr.benchmarks.mini.prompts import named, spec_of
from ladr.benchmarks.mini.scoring import Judgement
from ladr.benchmarks.mini.suite import MiniSuite, PromptGroup
from ladr.benchmarks.prompt import Prompt
from ladr.shapes import propose
from ladr.shapes.evaluate import answers
from ladr.shapes.reading import Reading
from ladr.shapes.rules import BIGGER, arranged, exactly, holders, matches
from ladr.shapes.scene import HELD_OUT_PAIRS
from ladr.shapes.spec import Spec

COLUMNS = (
    "Style",
    "Named composite",
    "Attribute",
    "Relationship",
    "Compound",
    "Grammar",
    "Logical Reasoning",
    "Layout",
    "Text",
)
Test = tuple[str, bool]  # "Primary - Sub" and whether it passed


def judge(prompt: Prompt, reading: Reading) -> list[Judgement]:
    """Every test point of the prompt, passed or not."""
    spec = spec_of(prompt)
    tests = _TESTS[spec.kind](spec, reading, answers(spec, reading))
    points = []
    for number, (name, passed) in enumerate(tests):
        primary = name.split(" - ", 1)[0]
        points.append(Judgement(named(prompt, primary), f"{name} [{number}]", float(passed)))
    return points


def _colors(spec: Spec, held: dict[str, bool]) -> list[Test]:
    return [
        ("Attribute - Color", _all(held, i, "shape", "color")) for i, o in enumerate(spec.items) if o.color
    ]


def _all(held: dict[str, bool], i: int, *facts: str) -> bool:
    return all(held[f"{fact} {i}"] for fact in facts)


def _style(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    """The style, of a picture that has its subject."""
    subject = all(held[f"shape {i}"] for i in range(len(spec.items)))
    return [("Style", subject and held["style 0"]), *_colors(spec, held)]


def _composite(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    return [("Named composite", all(held.values()))]


def _attribute(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    tests: list[Test] = []
    for i, item in enumerate(spec.items):
        if item.count > 1:
            tests.append(("Attribute - Quantity", held[f"count {i}"]))
        for fact in ("color", "size", "texture"):
            if getattr(item, fact):
                tests.append((f"Attribute - {fact.capitalize()}", _all(held, i, "shape", fact)))
    return tests or [("Attribute - Shape", all(held.values()))]


def _inside(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    return [("Relationship - Inclusion", held["relation 0"]), *_colors(spec, held)]


def _relationship(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    if spec.same:
        return [("Relationship - Similarity", all(held.values()))]
    first, second = (holders(item, reading, ("shape",)) for item in spec.items)
    big, small = (first, second) if spec.name == "bigger" else (second, first)
    passed = any(_area(a) >= BIGGER * _area(b) for a in big for b in small)
    return [("Relationship - Comparison", passed)]


def _area(d: Any) -> int:
    """The area of the box around a thing, so that a big cross counts as bigger than a small square."""
    return d.box[2] * d.box[3]


def _compound(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    """Every binding at once."""
    passed = all(any(matches(item, d) for d in reading.things) for item in spec.items)
    return [("Compound - Feature matching", passed)]


def _grammar(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    if spec.absent:
        return [("Grammar - Negation", held["absent 0"])]
    if spec.name == "all":
        return [("Grammar - Consistency", held["count 0"] and held["texture 0"])]
    return [("Grammar - Pronoun", all(held.values()))]


def _logic(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    alike = holders(spec.items[0], reading, ("shape",))
    if spec.name == "pattern":
        row = sorted(alike, key=lambda d: d.centre[1])
        passed = arranged("row", row) and [d.color for d in row] == [item.color for item in spec.items]
    elif spec.name == "biggest":
        ranked = sorted(alike, key=_area, reverse=True)
        passed = (
            len(ranked) == 2
            and _area(ranked[0]) >= BIGGER * _area(ranked[1])
            and [d.color for d in ranked] == [item.color for item in spec.items]
        )
    else:
        passed = exactly(spec.items[0], reading)
    return [("Logical Reasoning", passed)]


def _layout(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    if spec.layout:
        quantity = [("Attribute - Quantity", held["count 0"])] if spec.items[0].count > 1 else []
        return [("Layout - Two-dimensional", held["shape 0"] and held["layout 0"]), *quantity]
    if spec.relations:
        return [("Layout - Two-dimensional", held["relation 0"])]
    placed = [("Layout - Two-dimensional", _all(held, i, "shape", "place")) for i in range(len(spec.items))]
    return placed + _colors(spec, held)


def _text(spec: Spec, reading: Reading, held: dict[str, bool]) -> list[Test]:
    """The exact letters, none left out and none too many; then what else is said of them."""
    tests: list[Test] = [("Text", held["text 0"])]
    if spec.word is not None and spec.word.color:
        tests.append(("Attribute - Color", held["ink 0"]))
    if spec.word is not None and spec.word.where:
        tests.append(("Layout - Two-dimensional", held["band 0"]))
    return tests + _colors(spec, held)


_TESTS: dict[str, Callable[[Spec, Reading, dict[str, bool]], list[Test]]] = {
    "style": _style,
    "composite": _composite,
    "counting": _attribute,
    "colors": _attribute,
    "texture": _attribute,
    "size": _attribute,
    "single": _attribute,
    "inside": _inside,
    "relationship": _relationship,
    "compound": _compound,
    "grammar": _grammar,
    "logic": _logic,
    "layout": _layout,
    "position": _layout,
    "text": _text,
}


def _mixed(*kinds: Callable[[np.random.Generator], Spec]) -> Callable[[np.random.Generator], Spec]:
    """Each kind of spec as likely."""
    return lambda rng: kinds[rng.integers(len(kinds))](rng)


def _style_of_more_than_crosses(rng: np.random.Generator) -> Spec:
    """The arms of a cross are too thin to show an outline."""
    while True:
        spec = propose.style(rng)
        if any(item.shape != "cross" for item in spec.items):
            return spec


def _inside_but_no_cross(rng: np.random.Generator) -> Spec:
    """The arms of a small cross are one cell wide; on another colour the tokenizer has no codes for them."""
    while True:
        spec = propose.inside(rng)
        if spec.items[1].shape != "cross":
            return spec


def _many(rng: np.random.Generator) -> Spec:
    return propose.counting(rng, counts=(3, 4))


SUITE = MiniSuite(
    name="mini-unigen",
    version=2,
    number=2,
    columns=COLUMNS,
    judge=judge,
    weak={
        "Style": "outline, blueprint and silhouette only",
        "Named composite": "in place of World Knowledge: house, snowman, traffic light, target",
        "Attribute": "texture is a pattern, not a material; no expression",
        "Layout": "two-dimensional only",
    },
    absent={"Action": "nothing here acts", "World Knowledge": "see Named composite"},
    groups=(
        PromptGroup("Style", 400, _style_of_more_than_crosses),
        PromptGroup("Named composite", 256, propose.composite),
        PromptGroup("Attribute", 400, _mixed(_many, propose.colors, propose.texture, propose.size)),
        PromptGroup("Relationship", 400, _mixed(propose.relationship, _inside_but_no_cross)),
        PromptGroup("Compound", 400, propose.compound),
        PromptGroup("Grammar", 400, propose.grammar),
        PromptGroup("Logical Reasoning", 400, propose.logic),
        PromptGroup("Layout", 400, _mixed(propose.placed, propose.grouped, propose.position)),
        PromptGroup("Text", 400, _mixed(propose.text, propose.text, propose.text_and_thing)),
        PromptGroup("Compound", 100, lambda rng: propose.compound(rng, HELD_OUT_PAIRS), seen=False),
    ),
)
