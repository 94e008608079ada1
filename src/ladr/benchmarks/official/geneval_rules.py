"""GenEval's decision rules as pure functions of detections: no model, no image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
RELATIONS = ("left of", "right of", "above", "below")
CONFIDENCE = 0.3
COUNTING_CONFIDENCE = 0.9
MOST_PER_CLASS = 16
MARGIN = 0.1  # share of both sizes by which a centre offset is reduced
COMPONENT = 0.5  # of the unit offset: what counts as being on that side


@dataclass(frozen=True)
class ObjectDetection:
    """One box (x1, y1, x2, y2) with its confidence, and its (H, W) mask if there is one."""

    box: tuple[float, float, float, float]
    score: float
    mask: np.ndarray | None = None


ObjectDetections = Mapping[str, Sequence[ObjectDetection]]
ColourOf = Callable[[str, Sequence[ObjectDetection]], Sequence[str]]


def keep(objects: ObjectDetections, tag: str) -> dict[str, list[ObjectDetection]]:
    """The detections that count for a prompt of `tag`: above the confidence (strictly), best first, at most
    16 of a class, equal scores in reverse order of detection. No suppression of overlaps."""
    least = COUNTING_CONFIDENCE if tag == "counting" else CONFIDENCE
    kept = {}
    for name, detections in objects.items():
        order = np.argsort(np.array([d.score for d in detections], dtype=np.float32), kind="stable")[::-1]
        best = [detections[k] for k in order if detections[k].score > least][:MOST_PER_CLASS]
        if best:
            kept[name] = best
    return kept


def relations(box: Sequence[float], target: Sequence[float]) -> set[str]:
    """Where `box` lies from `target`: none, one, or one horizontal and one vertical relation."""
    a, b = (np.asarray(corners, dtype=np.float32).reshape(2, 2) for corners in (box, target))
    offset = a.mean(axis=0) - b.mean(axis=0)
    sizes = np.abs(a[1] - a[0]) + np.abs(b[1] - b[0])
    reduced = np.maximum(np.abs(offset) - MARGIN * sizes, 0) * np.sign(offset)
    if np.all(np.abs(reduced) < 1e-3):
        return set()
    dx, dy = reduced / np.linalg.norm(offset)
    holds = (dx < -COMPONENT, dx > COMPONENT, dy < -COMPONENT, dy > COMPONENT)
    return {name for name, true in zip(RELATIONS, holds, strict=True) if true}


def evaluate(
    objects: ObjectDetections, row: Mapping, colour_of: ColourOf | None = None
) -> tuple[bool, list[str]]:
    """Whether the kept `objects` satisfy the clauses of `row`, and every reason why not.

    Each clause looks at the `count` most confident boxes of its class only: a correct further box does not
    rescue a wrong one among them. `colour_of(class, detections)` names one colour per detection.
    """
    reasons: list[str] = []
    groups: list[Sequence[ObjectDetection] | None] = []
    for clause in row["include"]:
        top = objects.get(clause["class"], ())[: clause["count"]]
        wrong = _presence(clause, top) or _colour(clause, top, colour_of) or _position(clause, top, groups)
        reasons += [wrong] if wrong else []
        groups.append(None if wrong else top)
    for clause in row.get("exclude", ()):
        seen = len(objects.get(clause["class"], ()))
        if seen >= clause["count"]:
            reasons.append(f"{seen} x {clause['class']}, fewer than {clause['count']} allowed")
    return not reasons, reasons


def _presence(clause: Mapping, top: Sequence[ObjectDetection]) -> str:
    if len(top) < clause["count"]:
        return f"{len(top)} x {clause['class']}, {clause['count']} needed"
    return ""


def _colour(clause: Mapping, top: Sequence[ObjectDetection], colour_of: ColourOf | None) -> str:
    if "color" not in clause or colour_of is None:
        return ""
    colours = list(colour_of(clause["class"], top))
    right = colours.count(clause["color"])
    if right < clause["count"]:
        return f"{clause['class']} is {', '.join(colours)}, {clause['color']} x {clause['count']} needed"
    return ""


def _position(
    clause: Mapping, top: Sequence[ObjectDetection], groups: Sequence[Sequence[ObjectDetection] | None]
) -> str:
    if "position" not in clause:
        return ""
    relation, target = clause["position"]
    if groups[target] is None:
        return f"{clause['class']} {relation} a target that failed its own clause"
    for detection in top:
        for other in groups[target]:
            true = relations(detection.box, other.box)
            if relation not in true:
                return f"{clause['class']} is {' and '.join(sorted(true)) or 'on no side'}, {relation} needed"
    return ""
