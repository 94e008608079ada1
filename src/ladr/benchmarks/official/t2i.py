"""T2I-CompBench: the paper's six categories, folder layout, and the import of its result files."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.base.files import write_text
from ladr.base.foreign import read_json, read_lines, read_text
from ladr.benchmarks.official.fetch import locate, source_of
from ladr.benchmarks.official.suite import Score, Scores, Suite, formed, some
from ladr.benchmarks.prompt import Prompt

VERSION = 1
CATEGORIES = {  # file name -> the paper's column
    "color": "Color",
    "shape": "Shape",
    "texture": "Texture",
    "spatial": "Spatial",
    "non_spatial": "Non-spatial",
    "complex": "Complex",
}
COLUMNS = tuple(CATEGORIES.values())
PER_CATEGORY = 300
IMAGES = 10  # per prompt, officially
ATTRIBUTE, DETECTION = "annotation_blip", "labels/annotation_obj_detection_2d"
CLIP, THREE = "annotation_clip", "annotation_3_in_1"
RESULT_OF = {  # category -> the folder of the result that is its score
    "color": ATTRIBUTE,
    "shape": ATTRIBUTE,
    "texture": ATTRIBUTE,
    "spatial": DETECTION,
    "non_spatial": CLIP,
    "complex": THREE,
}
TOLERANCE = 1e-6
LONGEST_NAME = 255  # bytes of a file name


def load(folder: Path | None = None, images_per_prompt: int = IMAGES) -> Suite:
    """The 6 x 300 published validation prompts."""
    texts = {}
    for category in CATEGORIES:
        path = locate("t2i", f"examples/dataset/{category}_val.txt", folder)
        texts[category] = parse(read_text(path), str(path))
        if len(texts[category]) != PER_CATEGORY:
            hint = " (the training prompts?)" if len(texts[category]) == 700 else ""
            raise LadrError(f"{path}: {len(texts[category])} prompts, {PER_CATEGORY} are published{hint}")
    return suite(texts, images_per_prompt)


def parse(text: str, where: str = "prompts") -> list[str]:
    """The prompts of one category, one per line; an error names the row (from 1)."""
    prompts = [line.strip() for line in text.rstrip("\n").split("\n")]
    seen: set[str] = set()
    for number, prompt in enumerate(prompts, start=1):
        if not prompt or "_" in prompt or "/" in prompt:
            raise LadrError(f"{where}: row {number}: {prompt!r} cannot be a file name (empty, '_' or '/')")
        if len(prompt.encode()) > LONGEST_NAME - len("_000000.png"):
            raise LadrError(f"{where}: row {number}: is too long for a file name ({len(prompt)} characters)")
        if prompt in seen:
            raise LadrError(f"{where}: row {number}: {prompt!r} stands twice")
        seen.add(prompt)
    return prompts


def suite(texts: Mapping[str, Sequence[str]], images_per_prompt: int = IMAGES) -> Suite:
    """A suite of any prompts: category -> prompts. File names number the images of a category."""
    if unknown := sorted(texts.keys() - CATEGORIES.keys()):
        raise LadrError(f"t2i: category {unknown[0]!r} is unknown (known: {', '.join(CATEGORIES)})")
    prompts = [
        Prompt(f"{category}/{k:03d}", text, {"category": category, "number": k})
        for category, own in texts.items()
        for k, text in enumerate(own)
    ]
    return of(prompts, images_per_prompt)


def of(prompts: Sequence[Prompt], images_per_prompt: int = IMAGES) -> Suite:
    """A suite of all or some of the prompts, category by category."""
    numbers: list[int] = []
    counts: Counter[str] = Counter()
    for prompt in prompts:
        numbers.append(counts[prompt.meta["category"]])
        counts[prompt.meta["category"]] += 1

    def place(i: int, j: int) -> str:
        running = numbers[i] * images_per_prompt + j
        return f"{prompts[i].meta['category']}/samples/{prompts[i].text}_{running:06d}.png"

    columns = tuple(CATEGORIES[category] for category in counts)
    outputs = ("*/annotation*", "*/labels/*")
    return Suite(
        "t2i", VERSION, source_of("t2i"), columns, tuple(prompts), images_per_prompt, place, outputs=outputs
    )


def import_results(suite: Suite, folder: Path, kinds: Sequence[str] | None = None) -> Scores:
    """Results below `folder`, one complete sub-folder for each category. With `kinds` (see `complex_kinds`)
    the Complex score is computed again and must agree. A `scorer.json` beside a result says that it is not
    official, and whether the weights are; the column of a substitute carries its name."""
    rows: list[Score] = []
    counts: dict[str, tuple[float, int]] = {}
    scorers: set[str] = set()
    for category in dict.fromkeys(p.meta["category"] for p in suite.prompts):
        path = Path(folder) / category / RESULT_OF[category] / "vqa_result.json"
        check_samples(suite, category, folder)
        answers = read_result(suite, category, path)
        label = scorer_of(path)
        substitute = label["scorer"] != "official" and not label["exact"]
        name = CATEGORIES[category] + (f" ({label['scorer']})" if substitute else "")
        scorers.add(label["scorer"])
        rows += _rows(suite, category, name, answers)
        counts[name] = (sum(answers), len(answers))
    if kinds is not None:
        recompute_complex(suite, folder, kinds)
    columns = {name: total / n for name, (total, n) in counts.items()}
    scorer = " + ".join(sorted(scorers))
    return Scores("t2i", VERSION, suite.prompts_sha256, scorer, columns, dict(columns), counts, rows)


def check_samples(suite: Suite, category: str, folder: Path) -> None:
    """Refuse results beside images of other prompts. A result holds numbers alone; the official script leaves
    it beside `samples`, whose file names hold the prompts: if that folder is there, they must be ours."""
    inside = Path(folder) / category / "samples"
    if not inside.is_dir():
        return
    present = {path.name for path in inside.glob("*.png")}
    own = [i for i, prompt in enumerate(suite.prompts) if prompt.meta["category"] == category]
    expected = {Path(suite.place(i, j)).name for i in own for j in range(suite.images_per_prompt)}
    differ = {"missing": sorted(expected - present), "surplus": sorted(present - expected)}
    if faults := [f"{len(names)} {kind} ({some(names, 3)})" for kind, names in differ.items() if names]:
        raise LadrError(f"{inside}: {len(expected)} images of {category} are due: {'; '.join(faults)}")


def scorer_of(path: Path) -> Mapping[str, Any]:
    """The scorer of a result, and as `exact` whether it had the official weights."""
    beside = Path(path).with_name("scorer.json")
    if not beside.exists():
        return {"scorer": "official"}
    with formed(str(beside), "a scorer and whether it is exact"):
        label = read_json(beside)
        if not isinstance(label["scorer"], str) or not isinstance(label["exact"], bool):
            raise TypeError(f"scorer is {label['scorer']!r}, exact is {label['exact']!r}")
    return label


def write_result(path: Path, answers: Sequence[float], scorer: str, exact: bool) -> None:
    """Write a `vqa_result.json` by running number, and beside it which scorer it was."""
    entries = [{"question_id": k, "answer": answer} for k, answer in enumerate(answers)]
    write_text(path.with_name("scorer.json"), json.dumps({"scorer": scorer, "exact": exact}))
    write_text(path, json.dumps(entries))


def _rows(suite: Suite, category: str, column: str, answers: Sequence[float]) -> list[Score]:
    n = suite.images_per_prompt
    own = [i for i, p in enumerate(suite.prompts) if p.meta["category"] == category]
    return [
        Score(suite.prompts[own[k // n]].id, k % n, column, value, path=suite.place(own[k // n], k % n))
        for k, value in enumerate(answers)
    ]


def read_result(suite: Suite, category: str, path: Path) -> list[float]:
    """The scores of a `vqa_result.json` by running number. Every image must be there once, each score in its
    range; the mean that the official script wrote beside it, if it did, must agree."""
    due = suite.images_per_prompt * sum(p.meta["category"] == category for p in suite.prompts)
    if not Path(path).exists():
        raise LadrError(f"t2i: {path} is missing: run the official scorer of {category!r} first")
    with formed(str(path), "a list of question_id and answer"):
        entries = read_json(Path(path))
        pairs = [(int(e["question_id"]), float(e["answer"])) for e in entries]
    answers: dict[int, float] = {}
    for number, (question, answer) in enumerate(pairs, start=1):
        if question in answers:
            raise LadrError(f"{path}: row {number}: question_id {question} stands twice")
        if not math.isfinite(answer) or not -1 <= answer <= 1 + TOLERANCE:
            raise LadrError(f"{path}: row {number}: answer {answer} is no score")
        answers[question] = answer
    missing = sorted(set(range(due)) - answers.keys())
    surplus = sorted(answers.keys() - set(range(due)))
    if missing or surplus:
        gaps = f"question_ids missing: {some(missing) or 0}, surplus: {some(surplus) or 0}"
        raise LadrError(f"{path}: {due} images are due; {gaps}")
    values = [answers[k] for k in range(due)]
    _agree(Path(path), values)
    return values


def _agree(path: Path, values: Sequence[float]) -> None:
    """LadrError where a mean beside the file is not the mean of its scores: it belongs to another run."""
    for name in ("blip_vqa_score.txt", "avg_score.txt", "score_avg.txt", "vqa_score.txt"):
        beside = path.with_name(name)
        if beside.exists():
            text = read_text(beside).rpartition(":")[2].strip()
            with formed(str(beside), "a mean"):
                printed = float(text)
            if abs(printed - sum(values) / len(values)) > TOLERANCE:
                raise LadrError(f"{beside}: says {printed}, {path.name} averages {sum(values) / len(values)}")


def three_in_one(
    suite: Suite,
    attribute: Sequence[float],
    spatial: Sequence[float],
    action: Sequence[float],
    kinds: Sequence[str],
) -> list[float]:
    """The Complex score of every image: the mean of attribute and spatial, of attribute and action, or of all
    three, as its prompt's kind ("spatial", "action" or "both") says."""
    scores = []
    for k, (a, s, c) in enumerate(zip(attribute, spatial, action, strict=True)):
        values = {"spatial": (s + a) / 2, "action": (c + a) / 2, "both": (a + s + c) / 3}
        scores.append(values[kinds[k // suite.images_per_prompt]])
    return scores


def complex_kinds(suite: Suite, folder: Path | None = None) -> list[str]:
    """ "spatial", "action" or "both" per complex prompt, from the published side files."""
    listed = {}
    for kind in ("spatial", "action"):
        path = locate("t2i", f"examples/dataset/complex_val_{kind}.txt", folder)
        listed[kind] = {_bare(line) for line in read_lines(path) if line.strip()}
    own = [_bare(p.text) for p in suite.prompts if p.meta["category"] == "complex"]
    return [next((kind for kind in ("spatial", "action") if text in listed[kind]), "both") for text in own]


def _bare(text: str) -> str:
    return text.strip("\n").split(".")[0].lower().strip()


def recompute_complex(suite: Suite, folder: Path, kinds: Sequence[str]) -> float:
    """The mean 3-in-1 score from its parts below `folder`/complex. A written result must agree."""
    root = Path(folder) / "complex"
    files = (root / part / "vqa_result.json" for part in (ATTRIBUTE, DETECTION, CLIP))
    attribute, spatial, action = (read_result(suite, "complex", file) for file in files)
    ours = three_in_one(suite, attribute, spatial, action, kinds)
    written = root / THREE / "vqa_result.json"
    if written.exists():
        theirs = read_result(suite, "complex", written)
        if wrong := [k for k, (a, b) in enumerate(zip(ours, theirs, strict=True)) if abs(a - b) > TOLERANCE]:
            raise LadrError(
                f"{written}: question_id {wrong[0]} is {theirs[wrong[0]]}, its parts give {ours[wrong[0]]}"
            )
    return sum(ours) / len(ours)
