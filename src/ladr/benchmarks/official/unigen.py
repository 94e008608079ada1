"""UniGenBench: prompts with test points, folder layout, and the import of its result files."""

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ladr.base.errors import LadrError, nearest
from ladr.base.foreign import decoded, parsed, read_bytes, read_json, read_text
from ladr.benchmarks.official.fetch import locate, source_of
from ladr.benchmarks.official.suite import (
    Score,
    Scores,
    Suite,
    checked,
    csv_rows,
    formed,
    require_images,
    some,
)
from ladr.benchmarks.prompt import Prompt

VERSION = 1
PROMPTS = 600
POINTS = {  # primary dimension -> test points of the published file, in the order of the paper's Table 2
    "Style": 250,
    "World Knowledge": 158,
    "Attribute": 234,
    "Action": 263,
    "Relationship": 197,
    "Compound": 194,
    "Grammar": 187,
    "Logical Reasoning": 109,
    "Entity Layout": 134,
    "Text Generation": 87,
}
SHORT = {"Entity Layout": "Layout", "Text Generation": "Text"}  # the paper's names
COLUMNS = tuple(SHORT.get(name, name) for name in POINTS)
TRAP_ROW, TRAP_POINT = 428, "Logical Reasoning"  # copies from before 2025-10-01 have one more of these there
DROPPED = "no judgement"
PROMPT_COLUMNS = ("index", "prompt_en", "sub_dims_en")
RESULT_COLUMNS = ("index", "prompt", "testpoint", "result_json", "img_path")
PATH = re.compile(r"(?:^|.*[/\\])(\d+)_(\d+)\.[A-Za-z]+$")


def column_of(point: str) -> str:
    """The paper's column of a test point. Its primary dimension is the text before the first `-`."""
    name = point.split("-", 1)[0].strip()
    if name not in POINTS:
        raise LadrError(f"test point {point!r} has no known dimension{nearest(name, POINTS)}")
    return SHORT.get(name, name)


def load(folder: Path | None = None, images_per_prompt: int = 4) -> Suite:
    """The 600 published English prompts with their 1,813 test points."""
    path = locate("unigen", "data/test_prompts_en.csv", folder)
    prompts = parse(read_text(path), str(path))
    counts = Counter(point for prompt in prompts for point in map(_primary, prompt.meta["points"]))
    if counts["Logical Reasoning"] == POINTS["Logical Reasoning"] + 1:
        raise LadrError(
            f"{path}: row {TRAP_ROW} is that of an older copy (one more {TRAP_POINT} point), whose scores "
            "are not comparable; take the file of 2025-10-01 or later"
        )
    if len(prompts) != PROMPTS or counts != POINTS:
        wrong = [f"{name} {counts[name]} for {n}" for name, n in POINTS.items() if counts[name] != n]
        raise LadrError(
            f"{path}: {len(prompts)} prompts for {PROMPTS}; test points: {some(wrong) or 'as published'}"
        )
    return suite(prompts, images_per_prompt)


def _primary(point: str) -> str:
    return point.split("-", 1)[0].strip()


def parse(text: str, where: str = "prompts") -> list[Prompt]:
    """The prompts of the published CSV, each row checked; an error names the row by its index."""
    prompts = []
    for expected, row in enumerate(csv_rows(text.lstrip("\ufeff"), PROMPT_COLUMNS, where)):
        try:
            prompts.append(_prompt(row, expected))
        except (LadrError, KeyError, TypeError, ValueError, AttributeError) as error:
            detail = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            named = (row["index"] if row["index"].isdecimal() else str(expected))[:9]
            raise LadrError(f"{where}: row {named}: {detail}") from error
    return prompts


def _prompt(row: Mapping[str, str], expected: int) -> Prompt:
    if int(row["index"]) != expected:
        raise LadrError(f"index is {row['index']}, {expected} comes next")
    meta = parsed(row["sub_dims_en"])
    points, descriptions = meta["Testpoints"], meta["Testpoint Description"]
    if not points or len(points) != len(descriptions):
        raise LadrError(f"{len(points)} test points and {len(descriptions)} descriptions")
    if wrong := [text for text in (*points, *descriptions) if not isinstance(text, str)]:
        raise LadrError(f"{wrong[0]!r} is no text")
    for point in points:
        column_of(point)
    text = checked(row["prompt_en"], "prompt_en")
    return Prompt(row["index"], text, {"points": points, "descriptions": descriptions})


def suite(prompts: Sequence[Prompt], images_per_prompt: int = 4) -> Suite:
    """A suite of any prompts. Prompt ids are the official indices; files are numbered by position."""
    return Suite(
        name="unigen",
        version=VERSION,
        source=source_of("unigen"),
        columns=COLUMNS,
        prompts=tuple(prompts),
        images_per_prompt=images_per_prompt,
        place=lambda i, j: f"{i}_{j}.png",
    )


def import_results(suite: Suite, path: Path) -> Scores:
    """The official result CSV as scores: every image has its row, about the prompt and points of this
    version. Images without a judgement count as not passed and are named in `notes`."""
    judged: dict[tuple[int, int], list[int] | None] = {}
    text = decoded(read_bytes(Path(path)), str(path))
    for number, row in enumerate(csv_rows(text, RESULT_COLUMNS, str(path)), start=1):
        where = f"{path}: row {number}"
        key = _key(row, where)
        if key in judged:
            raise LadrError(f"{where}: {row['img_path']} stands twice")
        if key[0] < len(suite.prompts):
            _agree(suite.prompts[key[0]], row, where)
            judged[key] = _judgement(row, len(suite.prompts[key[0]].meta["points"]), where)
        else:
            judged[key] = None
    require_images(suite, judged, str(path))
    return aggregate(suite, judged, "official")


def _key(row: Mapping[str, str], where: str) -> tuple[int, int]:
    match = PATH.match(row.get("img_path") or "")
    if not match or match[1] != (row.get("index") or "").strip():
        raise LadrError(
            f"{where}: img_path {row.get('img_path')!r} is not <index>_<image>.png of its own index"
        )
    return int(match[1]), int(match[2])


def _agree(prompt: Prompt, row: Mapping[str, str], where: str) -> None:
    if row["prompt"] != prompt.text:
        raise LadrError(
            f"{where}: prompt {str(row['prompt'])[:60]!r} is not this version's {prompt.text[:60]!r}"
        )
    if _literal(row["testpoint"]) != list(prompt.meta["points"]):
        raise LadrError(
            f"{where}: test points {row['testpoint'][:60]!r} are not this version's {prompt.meta['points']}"
        )


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None


def _judgement(row: Mapping[str, str], points: int, where: str) -> list[int] | None:
    """The scores of one image, or None where the official run dropped it."""
    text = (row.get("result_json") or "").strip()
    if text in ("", "null", "None", "nan"):
        return None
    try:
        scores = parsed(text)["score"]
    except (ValueError, KeyError, TypeError) as error:
        raise LadrError(f"{where}: result_json is not what the official script writes: {error}") from error
    if not isinstance(scores, list) or len(scores) != points or any(s not in (0, 1) for s in scores):
        raise LadrError(f"{where}: score is {scores}, {points} of 0 or 1 are due")
    return [int(score) for score in scores]


def aggregate(suite: Suite, judged: Mapping[tuple[int, int], Sequence[int] | None], scorer: str) -> Scores:
    """Passed test points over all images, for each primary dimension. An image without a judgement counts as
    not passed in `columns`; in `official` it is left out, as the official script does. There is no Overall.
    """
    rows = [row for key in sorted(judged) for row in _rows(suite, key, judged[key])]
    counts, kept, passed = (Counter[str]() for _ in range(3))
    for row in rows:
        counts[row.column] += 1
        kept[row.column] += row.reason != DROPPED
        passed[row.column] += int(row.value)
    return Scores(
        "unigen",
        VERSION,
        suite.prompts_sha256,
        scorer,
        {c: _ratio(passed[c], counts[c]) for c in COLUMNS},
        {c: _ratio(passed[c], kept[c]) for c in COLUMNS},
        {c: (passed[c], counts[c]) for c in COLUMNS},
        rows,
        _notes(suite, judged, counts, kept),
    )


def _rows(suite: Suite, key: tuple[int, int], scores: Sequence[int] | None) -> list[Score]:
    prompt = suite.prompts[key[0]]
    path = suite.place(*key)
    rows = []
    for k, point in enumerate(prompt.meta["points"]):
        value = 0 if scores is None else scores[k]
        reason = "" if value else DROPPED if scores is None else f"{point}: {prompt.meta['descriptions'][k]}"
        rows.append(Score(prompt.id, key[1], column_of(point), float(value), reason, path))
    return rows


def _ratio(n: int, total: int) -> float:
    return n / total if total else float("nan")


def _notes(suite: Suite, judged: Mapping, counts: Counter, kept: Counter) -> tuple[str, ...]:
    dropped = [suite.place(*key) for key, scores in sorted(judged.items()) if scores is None]
    if not dropped:
        return ("no judgement was dropped: both conventions agree",)
    short = [f"{c} {kept[c]} of {counts[c]}" for c in COLUMNS if kept[c] != counts[c]]
    return (
        f"{len(dropped)} images without a judgement ({some(dropped)}); test points judged: {some(short, 10)}",
    )


def import_summary(path: Path, images: int = PROMPTS * 4) -> Scores:
    """The official summary JSON. It holds no images, so only totals are checked: fewer than expected are
    dropped judgements, which count as not passed in `columns`; more are another version's file."""
    with formed(str(path), "a UniGenBench summary"):
        primary = read_json(Path(path))["primary_dimensions"]
        totals = {column_of(name): (int(d["correct"]), int(d["total"])) for name, d in primary.items()}
    per_prompt = images // PROMPTS
    due = {column_of(name): n * per_prompt for name, n in POINTS.items()}
    for column, total in due.items():
        correct, judged = totals.get(column, (0, 0))
        if not 0 < judged <= total or correct > judged:
            raise LadrError(f"{path}: {column} has {correct} of {judged}, at most {total} are due")
    short = [f"{c} {totals[c][1]} of {due[c]}" for c in COLUMNS if totals[c][1] != due[c]]
    return Scores(
        "unigen",
        VERSION,
        "",
        "official",
        {c: totals[c][0] / due[c] for c in COLUMNS},
        {c: totals[c][0] / totals[c][1] for c in COLUMNS},
        {c: (totals[c][0], due[c]) for c in COLUMNS},
        (),
        (f"judgements dropped: {some(short, 10)}",) if short else ("no judgement was dropped",),
    )
