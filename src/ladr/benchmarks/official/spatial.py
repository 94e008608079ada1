"""T2I-CompBench's Spatial rule on boxes, for another detector than the official UniDet.

What the rule gives is `Spatial [spatial-<detector>]`, never Spatial: the official one needs UniDet's boxes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ladr.benchmarks.official.geneval_rules import ObjectDetection

CONFIDENCE = 0.5
SIDE = 480  # longest side of the image that distances in pixels refer to
NEAR = 150.0  # such pixels
OVERLAP = 0.1
LEAST = 0.5  # less counts as nothing
RELATION = re.compile(r"\b(?:on the (top|bottom|left|right) of|(on side of|next to|near))\b")
PEOPLE = dict.fromkeys(("girl", "boy", "man", "woman"), "person")
ARTICLE = re.compile(r"^(?:a|an|the)\s+")


@dataclass(frozen=True)
class SpatialClause:
    """Thing `a` lies left, right, top, bottom or near (`relation`) of thing `b`."""

    a: str
    relation: str
    b: str


def parse(prompt: str) -> SpatialClause | None:
    """The clause that a spatial prompt states; None where it names no relation that the rule knows."""
    match = RELATION.search(prompt)
    if not match:
        return None
    ends = prompt[: match.start()], prompt[match.end() :]
    a, b = (_noun(text) for text in ends)
    return SpatialClause(a, match[1] or "near", b) if a and b else None


def _noun(text: str) -> str:
    word = ARTICLE.sub("", text.strip().rstrip(".").lower())
    return PEOPLE.get(word, word)


def score(clause: SpatialClause, objects: Mapping[str, Sequence[ObjectDetection]], longest: float) -> float:
    """A quarter of each thing's confidence and half of how it lies; less than half is nothing. Of each class
    the surest detection counts. `longest` is the image's longer side, in the boxes' pixels."""
    a, b = (_best(objects.get(name, ())) for name in (clause.a, clause.b))
    value = sum(0.25 * d.score for d in (a, b) if d)
    if a and b:
        scale = min(1.0, SIDE / longest)
        value += 0.5 * position(clause.relation, a.box, b.box, scale)
    return value if value >= LEAST else 0.0


def _best(detections: Sequence[ObjectDetection]) -> ObjectDetection | None:
    sure = [d for d in detections if d.score > CONFIDENCE]
    return max(sure, key=lambda d: d.score, default=None)


def position(relation: str, a: Sequence[float], b: Sequence[float], scale: float = 1.0) -> float:
    """0..1: how well box `a` lies where `relation` says, seen from `b`. `scale`: to official pixels."""
    across, down = (scale * ((a[k] + a[k + 2]) - (b[k] + b[k + 2])) / 2 for k in (0, 1))
    if relation == "near":
        apart = min(abs(across), abs(down))
        return 1.0 if apart < NEAR else NEAR / max(abs(across), abs(down))
    along, aside = {
        "left": (-across, down), "right": (across, down), "top": (-down, across), "bottom": (down, across),
    }[relation]  # fmt: skip
    if along <= 0 or along <= abs(aside):
        return 0.0
    shared = iou(a, b)
    return 1.0 if shared < OVERLAP else OVERLAP / shared


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return both / (sum(areas) - both) if both else 0.0
