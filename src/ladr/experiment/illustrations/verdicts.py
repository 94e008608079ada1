"""The judgements of one image in words: what was asked, and what the evaluator found."""

from collections.abc import Sequence
from typing import Any

from ladr.benchmarks.mini.dpg import graph
from ladr.benchmarks.mini.pictures.templates import PictureReading
from ladr.benchmarks.mini.prompts import spec_of
from ladr.benchmarks.mini.scoring import Judgement
from ladr.benchmarks.prompt import Prompt
from ladr.shapes.caption import PHRASES, noun, phrase
from ladr.shapes.reading import Detection, Reading
from ladr.shapes.rules import direction, holders
from ladr.shapes.spec import Item, Spec

KINDS = ("single", "two", "counting", "colors", "position", "attribute", "texture", "near", "complex")


def verdicts(
    prompt: Prompt, reading: Reading | PictureReading, points: Sequence[Judgement]
) -> list[dict[str, Any]]:
    """What was asked, what the evaluator found, and the value, for every judgement that stands by itself."""
    if "spec" not in prompt.meta:  # no scene: the questions say what was asked
        said = reading.said if isinstance(reading, PictureReading) else {}
        return [
            {"asked": p.question, "found": said.get(p.column.split(" (")[0], answer(p)), "value": p.value}
            for p in points
        ]
    spec = spec_of(prompt)
    judged = [(point, *_words(spec, reading, point)) for point in points if "(zeroed)" not in point.column]
    return [{"asked": a, "found": f, "value": round(float(p.value), 3)} for p, a, f in judged]


def _words(spec: Spec, reading: Reading, point: Judgement) -> tuple[str, str]:
    if point.question == spec.kind and spec.kind in KINDS:
        partly = f"{point.value:.0%}" if 0 < point.value < 1 else ""
        return asked(spec), "found" if point.value == 1 else partly or _lacking(spec, reading)
    questions = {f"({q.id})": q.text for q in graph(spec)} if spec.kind == "dense" else {}
    for name, text in questions.items():
        if point.question.endswith(name):
            return text, answer(point)
    if point.question == "image":
        return "all questions", f"{point.value:.0%} right"
    return point.question.split(" [")[0], answer(point)


def answer(point: Judgement) -> str:
    """The word for a judgement that is right or wrong."""
    return "yes" if point.value == 1 else "no"


def asked(spec: Spec) -> str:
    """What the prompt asks for, in the fewest words."""
    if not spec.relations:
        return " and ".join(map(phrase, spec.items))
    link = spec.relations[0]
    both = (phrase(spec.items[i]) for i in (link.a, link.b))
    return min(PHRASES[link.kind], key=len).format(**dict(zip("ab", both, strict=True)))


def _lacking(spec: Spec, reading: Reading) -> str:
    """Why a judgement is no, in words: the first thing that is not as asked."""
    for item in spec.items:
        alike = holders(item, reading, ("shape",))
        if item.count > 1:
            return _counted(item, alike, reading)
        if not alike:
            return f"no {item.shape or 'shape'}"
        wrong = _unlike(item, alike[0])
        if wrong:
            return f"the {item.shape or 'shape'} is {wrong}"
    return _placed(spec, reading) if spec.relations else "not sure enough"


def _unlike(item: Item, d: Detection) -> str:
    """The words of the thing's attributes that are not those asked for."""
    facts = [fact for fact in ("size", "texture", "color") if getattr(item, fact)]
    wrong = [getattr(d, fact) for fact in facts if getattr(d, fact) != getattr(item, fact)]
    return " and ".join("of another color" if word == "other" else word for word in wrong)


def _counted(item: Item, alike: Sequence[Detection], reading: Reading) -> str:
    n = len(alike)
    if n != item.count:
        return f"{n or 'no'} {noun(Item(item.shape), n or item.count)}"
    wrong = next((text for d in alike if (text := _unlike(item, d))), "")
    if wrong:
        return f"one of them is {wrong}"
    doubtful = sum(not d.sure for d in alike)
    if doubtful:
        return f"{doubtful} of them doubtful"
    return f"besides {reading.unknown} unknown" if reading.unknown else "not sure enough"


def _placed(spec: Spec, reading: Reading) -> str:
    link = spec.relations[0]
    a, b = spec.items[link.a], spec.items[link.b]
    first, second = (holders(item, reading, ("shape",))[0] for item in (a, b))
    seen = sorted(direction(first, second))
    if link.kind in seen or not seen:
        return "no"
    words = min(PHRASES[seen[0]], key=len)
    return words.format(a=f"the {a.shape} is", b=f"the {b.shape}")
