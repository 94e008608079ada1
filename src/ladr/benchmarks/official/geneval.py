"""GenEval: prompts, folder layout, and the import of its result file."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.base.foreign import parsed, read_lines, read_text
from ladr.benchmarks.official.fetch import locate, source_of
from ladr.benchmarks.official.geneval_rules import COLOURS, RELATIONS, ObjectDetection, evaluate
from ladr.benchmarks.official.suite import (
    Score,
    Scores,
    Suite,
    checked,
    formed,
    lines,
    mean,
    require_images,
    some,
)
from ladr.benchmarks.prompt import Prompt

VERSION = 1
TAGS = {
    "single_object": "Single Obj.",
    "two_object": "Two Obj.",
    "counting": "Counting",
    "colors": "Colors",
    "position": "Position",
    "color_attr": "Attribute",
}
COUNTS = {
    "single_object": 80,
    "two_object": 99,
    "counting": 80,
    "colors": 94,
    "position": 100,
    "color_attr": 100,
}
COLUMNS = (*TAGS.values(), "Overall")
FEWEST_DETECTED = (
    0.5  # share of images with any detection below which the detector, not the model, is in doubt
)
PATH = re.compile(r"(?:^|.*[/\\])(\d+)[/\\]samples[/\\](\d+)\.png$")


def load(folder: Path | None = None, images_per_prompt: int = 4) -> Suite:
    """The 553 published prompts, from `folder` or from what `fetch("geneval")` got."""
    path = locate("geneval", "prompts/evaluation_metadata.jsonl", folder)
    names = read_lines(locate("geneval", "evaluation/object_names.txt", folder))
    rows = parse(read_text(path), [name.strip() for name in names if name.strip()], str(path))
    counts = Counter(row["tag"] for row in rows)
    if counts != COUNTS:
        tag = next(tag for tag in COUNTS if counts[tag] != COUNTS[tag])
        raise LadrError(f"{path}: {counts[tag]} prompts of tag {tag}, the published file has {COUNTS[tag]}")
    return suite(rows, images_per_prompt)


def parse(text: str, classes: Sequence[str], where: str = "metadata") -> list[dict[str, Any]]:
    """The rows of a metadata file, each checked; an error names the row (from 1)."""
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parsed(line)
            _validate(row, set(classes))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            detail = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            raise LadrError(f"{where}: row {number}: {detail}") from error
        rows.append(row)
    texts = Counter(row["prompt"] for row in rows)
    if twice := [prompt for prompt, n in texts.items() if n > 1]:
        raise LadrError(f"{where}: prompt {twice[0]!r} stands {texts[twice[0]]} times")
    return rows


def _validate(row: Mapping[str, Any], classes: set[str]) -> None:
    if row["tag"] not in TAGS:
        raise LadrError(f"tag {row['tag']!r} is unknown{nearest(row['tag'], TAGS)}")
    checked(row["prompt"], "prompt")
    if not row["include"]:
        raise LadrError("include must not be empty")
    for position, clause in enumerate([*row["include"], *row.get("exclude", ())]):
        if clause["class"] not in classes:
            raise LadrError(f"class {clause['class']!r} is unknown{nearest(clause['class'], classes)}")
        if not isinstance(clause["count"], int) or clause["count"] < 1:
            raise LadrError(f"count {clause['count']!r} must be a whole number above 0")
        if "color" in clause and clause["color"] not in COLOURS:
            raise LadrError(f"color {clause['color']!r} is unknown{nearest(clause['color'], COLOURS)}")
        if "position" in clause:
            relation, target = clause["position"]
            if relation not in RELATIONS or not 0 <= target < position:
                raise LadrError(
                    f"position {clause['position']!r} needs one of {RELATIONS} and an earlier clause"
                )


def suite(rows: Sequence[Mapping[str, Any]], images_per_prompt: int = 4) -> Suite:
    """A suite of any rows. Prompt ids are the names of the official folders."""
    return of([Prompt(f"{i:05d}", row["prompt"], row) for i, row in enumerate(rows)], images_per_prompt)


def of(prompts: Sequence[Prompt], images_per_prompt: int = 4) -> Suite:
    """A suite of all or some of the prompts. Folders are numbered by position."""
    return Suite(
        name="geneval",
        version=VERSION,
        source=source_of("geneval"),
        columns=COLUMNS,
        prompts=tuple(prompts),
        images_per_prompt=images_per_prompt,
        place=lambda i, j: f"{i:05d}/samples/{j:04d}.png",
        sidecars=lambda: (
            (f"{i:05d}/metadata.jsonl", json.dumps(p.meta) + "\n") for i, p in enumerate(prompts)
        ),
    )


def import_results(suite: Suite, path: Path, *, allow_few_detections: bool = False) -> Scores:
    """The official result file, one JSON line per image, as scores. It is refused unless every image is there
    once, each row is about the prompt that its folder names, each verdict is possible with its boxes, and
    there are enough detections for the detector to have worked."""
    seen: dict[tuple[int, int], dict[str, Any]] = {}
    for number, line in lines(path):
        where = f"{path}: row {number}"
        row = _read(line, where)
        key = _key(row["filename"], where)
        if key in seen:
            raise LadrError(f"{where}: {row['filename']} stands twice")
        if key[0] < len(suite.prompts):
            _agree(suite.prompts[key[0]].meta, row, where)
        seen[key] = row
    require_images(suite, seen, str(path))
    if not allow_few_detections:
        _plausible(seen, path)
    return aggregate(suite, [_score(suite, key, seen[key]) for key in sorted(seen)], _scorer(seen, path))


def _read(line: str, where: str) -> dict[str, Any]:
    """One row, with its details as detections."""
    with formed(where, "a GenEval result"):
        row = parsed(line, where)
        row["metadata"], boxes = parsed(row["metadata"], where), parsed(row["details"], where)
        row["details"] = {name: [_detection(box) for box in own] for name, own in boxes.items()}
        if not isinstance(row["correct"], bool):
            raise LadrError(f"{where}: correct is {row['correct']!r}, must be true or false")
        if wrong := [k for k in ("filename", "tag", "prompt", "reason") if not isinstance(row[k], str)]:
            raise TypeError(f"{wrong[0]} is {row[wrong[0]]!r}")
    return row


def _detection(box: Sequence[float]) -> ObjectDetection:
    left, top, right, bottom, score = map(float, box)
    return ObjectDetection((left, top, right, bottom), score)


def _key(filename: str, where: str) -> tuple[int, int]:
    match = PATH.match(filename)
    if not match:
        raise LadrError(f"{where}: filename {filename!r} is not <index>/samples/<number>.png")
    return int(match[1]), int(match[2])


def _agree(meta: Mapping[str, Any], row: Mapping[str, Any], where: str) -> None:
    """LadrError where a row is about another prompt, or its own boxes contradict its verdict."""
    if row["metadata"] != meta or row["prompt"] != meta["prompt"] or row["tag"] != meta["tag"]:
        raise LadrError(
            f"{where}: is about {row['prompt']!r}, this version's prompt there is {meta['prompt']!r}"
        )
    possible, reasons = evaluate(row["details"], meta)  # colours aside, which only pixels decide
    coloured = any("color" in clause for clause in meta["include"])
    if row["correct"] > possible or (row["correct"] < possible and not coloured):
        why = "; ".join(reasons) or "all clauses hold"
        raise LadrError(f"{where}: says correct={row['correct']!r}, its boxes say otherwise ({why})")


def _plausible(seen: Mapping[tuple[int, int], Mapping[str, Any]], path: Path) -> None:
    bare = [row["filename"] for row in seen.values() if not any(row["details"].values())]
    if len(bare) > (1 - FEWEST_DETECTED) * len(seen):
        raise LadrError(
            f"{path}: nothing detected in {len(bare)} of {len(seen)} images ({some(bare)}): the detector's "
            "compiled operation probably does not run on this GPU; if the images are that bad, allow it "
            "(--allow-few-detections, or in an experiment official.allow_few_detections: true)"
        )


def _scorer(seen: Mapping[tuple[int, int], Mapping[str, Any]], path: Path) -> str:
    scorers = {row.get("scorer", "official") for row in seen.values()}
    if len(scorers) > 1:
        raise LadrError(f"{path}: rows of several scorers: {some(sorted(scorers))}")
    return scorers.pop()


def _score(suite: Suite, key: tuple[int, int], row: Mapping[str, Any]) -> Score:
    reason = "; ".join(row["reason"].split("\n"))
    return Score(
        suite.prompts[key[0]].id, key[1], TAGS[row["tag"]], float(row["correct"]), reason, row["filename"]
    )


def aggregate(suite: Suite, rows: Sequence[Score], scorer: str) -> Scores:
    """Image accuracy per tag, and as Overall the unweighted mean of the six. The official summary prints
    both, and also the share of correct images, which is in `notes`."""
    counts = {}
    for column in COLUMNS[:-1]:
        values = [row.value for row in rows if row.column == column]
        counts[column] = (sum(values), len(values))
    columns = {
        column: mean([n / total], column) if total else float("nan") for column, (n, total) in counts.items()
    }
    columns["Overall"] = sum(columns.values()) / len(columns)
    micro = mean([row.value for row in rows], "images")
    note = f"{micro:.2%} of all images are correct: not Overall, which weighs the six tags alike"
    return Scores(
        "geneval", VERSION, suite.prompts_sha256, scorer, columns, dict(columns), counts, rows, (note,)
    )
