"""mini-DPG: dense prompts, a graph of questions, children of failed parents zeroed."""

from ladr.benchmarks.mini.prompts import spec_of
from ladr.benchmarks.mini.scoring import Judgement
from ladr.benchmarks.mini.suite import MiniSuite, PromptGroup
from ladr.benchmarks.prompt import Prompt
from ladr.shapes import propose
from ladr.shapes.evaluate import answers, zeroed
from ladr.shapes.questions import SpecQuestion, questions
from ladr.shapes.reading import Reading
from ladr.shapes.spec import Spec

LEVELS = ("Global", "Entity", "Attribute", "Relation", "Other")
ZEROED = tuple(f"{level} (zeroed)" for level in LEVELS)
_KINDS = {  # fact -> level 1, level 2
    "background": ("Global", "global"),
    "shape": ("Entity", "whole"),
    "color": ("Attribute", "color"),
    "size": ("Attribute", "size"),
    "texture": ("Attribute", "texture"),
    "relation": ("Relation", "spatial"),
    "band": ("Relation", "spatial"),
    "text": ("Other", "text"),
    "total": ("Other", "count"),
}


def graph(spec: Spec) -> tuple[SpecQuestion, ...]:
    """All questions of a dense prompt, parents before children: on what it states, and on the number of
    things."""
    things = sum(item.count for item in spec.items)
    return (*questions(spec), SpecQuestion("total 0", f"Are there exactly {things} shapes?"))


def level(question: SpecQuestion) -> tuple[str, str]:
    """The two levels of DPG's categories that a question belongs to."""
    return _KINDS[question.fact]


def judge(prompt: Prompt, reading: Reading) -> list[Judgement]:
    """For each question its raw and its zeroed answer; for the image, as Overall, the mean of the zeroed
    answers."""
    spec = spec_of(prompt)
    listed = graph(spec)
    raw = {**answers(spec, reading), "total 0": _total(spec, reading)}
    held = zeroed(listed, raw)
    points = [Judgement("Overall", "image", sum(held.values()) / len(held))]
    for question in listed:
        first, second = level(question)
        name = f"{first.lower()} - {second} ({question.id})"
        points.append(Judgement(first, name, float(raw[question.id])))
        points.append(Judgement(f"{first} (zeroed)", name, float(held[question.id])))
    return points


def _total(spec: Spec, reading: Reading) -> bool:
    """Are there exactly as many things as the prompt names, and is the reading sure of every one?"""
    count = sum(item.count for item in spec.items)
    return len(reading.things) == count and all(d.shape and d.sure for d in reading.things)


# Three or four of five shapes, three backgrounds, three or four things: much can be had by chance.
_FLOORS = {"Global": 0.4, "Entity": 0.72, "Other": 0.5, "Overall": 0.42}
SUITE = MiniSuite(
    name="mini-dpg",
    version=1,
    number=3,
    columns=(*LEVELS, "Overall", *ZEROED),
    judge=judge,
    asks=graph,
    last_image=LEVELS,
    floors=_FLOORS | {f"{level} (zeroed)": floor for level, floor in _FLOORS.items()},
    weak={"Global": "background only", "Entity": "whole things only", "Relation": "spatial only"},
    groups=(PromptGroup("Dense", 400, propose.dense),),
)
