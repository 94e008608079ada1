"""Score T2I-CompBench's spatial prompts by a detector of your choice. A run that stopped is resumed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.benchmarks.image_files import read_rgb
from ladr.benchmarks.official.detector import Detector
from ladr.benchmarks.official.geneval_rules import ObjectDetection
from ladr.benchmarks.official.ledger import Ledger
from ladr.benchmarks.official.native import key_of
from ladr.benchmarks.official.spatial import CONFIDENCE, parse
from ladr.benchmarks.official.spatial import score as rule
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.rows import Row


def score(
    suite: Suite,
    folder: Path,
    book: Path,
    detector: Detector,
    progress: Callable[[str, int], Callable[[object], None]] = lambda what, total: lambda done: None,
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """One row per image of the prompts both of whose things the detector has a class for, and how many those
    are: the others are not judged at all."""
    prompts = [i for i, prompt in enumerate(suite.prompts) if prompt.meta["category"] == "spatial"]
    clauses = {i: parse(suite.prompts[i].text) for i in prompts}
    known = {i: a for i, a in clauses.items() if a and {a.a, a.b} <= set(detector.classes)}
    if not known:
        raise LadrError(
            f"spatial-{detector.name}: none of {len(prompts)} prompts names things it has classes for"
        )
    rows = []
    advance = progress("spatial", len(known) * suite.images_per_prompt)
    with Ledger(book) as kept:
        for path, i, tiles in suite.files():
            if i not in known:
                continue
            key = key_of(suite, f"spatial:{detector.name}", folder, path)
            if key not in kept.answers:
                kept.add({"key": key, "seen": _seen(Path(folder) / path, detector)})
            held = kept.answers[key]["seen"]
            objects = {
                name: [ObjectDetection(tuple(box[:4]), box[4]) for box in b]
                for name, b in held["boxes"].items()
            }
            value = rule(known[i], objects, held["longest"])
            rows.append(
                Row(suite.prompts[i].id, tiles[0], "Spatial", json.dumps(list(objects)), round(value, 6))
            )
            advance(path)
    note = f"{len(known)} of {len(prompts)} prompts name two things that the detector has classes for"
    return tuple(rows), (f"{note}; the others are not judged",)


def _seen(path: Path, detector: Detector) -> Mapping[str, Any]:
    image = read_rgb(path)
    boxes = {
        name: [[*d.box, d.score] for d in objects if d.score > CONFIDENCE]
        for name, objects in detector(image).items()
    }
    return {"longest": max(image.size), "boxes": {name: b for name, b in boxes.items() if b}}
