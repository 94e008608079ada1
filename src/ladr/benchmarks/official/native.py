"""Score a folder of images without the official environments. Each scorer goes on where it stopped."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError, nearest
from ladr.base.files import appearing
from ladr.base.foreign import read_bytes
from ladr.benchmarks.image_files import MOST_BYTES, read_rgb
from ladr.benchmarks.official import blip, clip
from ladr.benchmarks.official import t2i as t2i_suite
from ladr.benchmarks.official.blip import BlipVqa
from ladr.benchmarks.official.clip import Clip
from ladr.benchmarks.official.detector import Detector
from ladr.benchmarks.official.dpg import Questions
from ladr.benchmarks.official.dpg_results import aggregate as aggregate_dpg
from ladr.benchmarks.official.folder import crop_tile
from ladr.benchmarks.official.geneval import import_results as import_geneval
from ladr.benchmarks.official.geneval_rules import evaluate, keep
from ladr.benchmarks.official.ledger import Ledger
from ladr.benchmarks.official.named import is_official
from ladr.benchmarks.official.suite import Scores, Suite

Progress = Callable[[int], None]


def geneval(
    suite: Suite,
    folder: Path,
    out: Path,
    detector: Detector,
    colours: Clip,
    progress: Progress,
    *,
    allow_few_detections: bool = False,
) -> Scores:
    """Judge every image by the official rules, write a file of the official form with one more column
    `scorer` to `out`, and import it like an official one."""
    scorer = f"{detector.name}+{colours.name}"
    rows = []
    with Ledger(out.with_name(out.name + ".partial")) as done:
        for number, (path, i, _) in enumerate(suite.files(), start=1):
            key = key_of(suite, scorer, folder, path)
            if key not in done.answers:
                row = judge_geneval(suite.prompts[i].meta, Path(folder) / path, detector, colours)
                done.add({"key": key, "filename": path, **row, "scorer": scorer})
            rows.append({k: v for k, v in done.answers[key].items() if k != "key"})
            progress(number)
    _write(out, (json.dumps(row) for row in rows))
    return import_geneval(suite, out, allow_few_detections=allow_few_detections)


def judge_geneval(meta: Mapping[str, Any], path: Path, detector: Detector, colours: Clip) -> dict[str, Any]:
    """The row of one image, without the file name."""
    image = read_rgb(path)
    objects = keep(detector(image), meta["tag"])
    correct, reasons = evaluate(objects, meta, partial(colours.colours, image))
    boxes = {name: [[*d.box, d.score] for d in detections] for name, detections in objects.items()}
    return {
        "tag": meta["tag"],
        "prompt": meta["prompt"],
        "correct": correct,
        "reason": "\n".join(reasons),
        "metadata": json.dumps(meta),
        "details": json.dumps(boxes),
    }


def dpg(
    suite: Suite, questions: Questions, folder: Path, book: Path, vqa: BlipVqa, progress: Progress
) -> Scores:
    """Ask another VQA model the official questions of every tile. The scores are called `dpg-<model>`, never
    DPG-Bench's: the official model has no port."""
    answers = dpg_answers(suite, questions, folder, book, vqa, progress)
    return aggregate_dpg(suite, questions, answers, f"dpg-{vqa.name}")


def dpg_answers(
    suite: Suite, questions: Questions, folder: Path, book: Path, vqa: BlipVqa, progress: Progress
) -> dict[tuple[str, int], dict[int, bool]]:
    """(item, tile) -> proposition -> yes."""
    name = f"dpg-{vqa.name}"
    answers: dict[tuple[str, int], dict[int, bool]] = {}
    with Ledger(book) as kept:
        for number, (path, i, tiles) in enumerate(suite.files(), start=1):
            item = suite.prompts[i].id
            whole = key_of(suite, name, folder, path)
            for tile in tiles:
                key = f"{whole} {tile}"
                if key not in kept.answers:
                    image = crop_tile(read_rgb(Path(folder) / path), tile, len(tiles))
                    answers_yes = vqa.answers_yes(image, [q.text for q in questions[item]])
                    kept.add({"key": key, "yes": answers_yes})
                yes = kept.answers[key]["yes"]
                answers[item, tile] = {q.proposition: v for q, v in zip(questions[item], yes, strict=True)}
            progress(number)
    return answers


def t2i(
    suite: Suite,
    category: str,
    folder: Path,
    checkpoints: tuple[str, str],
    chunks: Mapping[str, Sequence[str]] | None,
    device: str,
    progress: Progress,
) -> float:
    """Score one category with the checkpoint that it takes, BLIP-VQA or CLIP; returns its mean. Spatial needs
    UniDet, and so does Complex: only the official script gives these two."""
    kind = t2i_suite.RESULT_OF[category]
    if kind == t2i_suite.ATTRIBUTE:
        if chunks is None:
            raise LadrError(f"t2i: {category} needs the noun chunks of its prompts")
        answers = t2i_attribute(
            suite, category, folder, BlipVqa.load(checkpoints[0], device), chunks, progress
        )
    elif kind == t2i_suite.CLIP:
        answers = t2i_cosine(suite, category, folder, Clip.load(checkpoints[1], device), progress)
    else:
        raise LadrError(
            f"t2i: {category} needs UniDet: score it with the official script and import the result"
        )
    return sum(answers) / len(answers)


def t2i_attribute(
    suite: Suite,
    category: str,
    folder: Path,
    vqa: BlipVqa,
    chunks: Mapping[str, Sequence[str]],
    progress: Progress,
) -> list[float]:
    """BLIP-VQA of one category: the product over the prompt's noun chunks of the score of "<chunk>?"."""

    def score(path: Path, text: str) -> float:
        product = 1.0
        for value in vqa.yes(read_rgb(path), [f"{chunk}?" for chunk in chunks[text]]):
            product *= value
        return round(product, 4)

    scorer = f"blip-vqa:{vqa.name}"
    exact = is_official(vqa.name, blip.OFFICIAL_WEIGHTS)
    return _t2i(suite, category, folder, t2i_suite.ATTRIBUTE, scorer, exact, score, progress)


def t2i_cosine(suite: Suite, category: str, folder: Path, model: Clip, progress: Progress) -> list[float]:
    """The raw CLIP cosine of image and prompt, of one category."""
    scorer = f"clip:{model.name}"
    exact = is_official(model.name, clip.OFFICIAL_WEIGHTS["cosine"])

    def score(path: Path, text: str) -> float:
        return model.cosine(read_rgb(path), text)

    return _t2i(suite, category, folder, t2i_suite.CLIP, scorer, exact, score, progress)


def _t2i(
    suite: Suite,
    category: str,
    folder: Path,
    result: str,
    scorer: str,
    exact: bool,
    score: Callable[[Path, str], float],
    progress: Progress,
) -> list[float]:
    out = Path(folder).with_name(f"{Path(folder).name}.results") / category / result / "vqa_result.json"
    answers = []
    with Ledger(out.with_name("vqa_result.partial")) as done:
        for path, text in _category(suite, category):
            key = key_of(suite, scorer, folder, path)
            if key not in done.answers:
                done.add({"key": key, "score": score(Path(folder) / path, text)})
            answers.append(done.answers[key]["score"])
            progress(len(answers))
    t2i_suite.write_result(out, answers, scorer, exact)
    return answers


def key_of(suite: Suite, scorer: str, folder: Path, path: str) -> str:
    """The key of a judgement: scorer, version of the prompts, place of the file and its bytes."""
    file = Path(folder) / path
    if not file.exists():
        raise LadrError(f"{folder}: {path} is missing; `ladr benchmark {suite.name} --check` lists all")
    data = read_bytes(file, MOST_BYTES)
    return f"{scorer} {suite.prompts_sha256[:16]} {path} {hashlib.sha256(data).hexdigest()}"


def texts_of(suite: Suite, category: str) -> list[str]:
    """The prompts of one category."""
    if texts := [p.text for p in suite.prompts if p.meta["category"] == category]:
        return texts
    raise LadrError(f"t2i: category {category!r} is unknown{nearest(category, t2i_suite.CATEGORIES)}")


def _category(suite: Suite, category: str) -> Iterator[tuple[str, str]]:
    for path, i, _ in suite.files():
        if suite.prompts[i].meta["category"] == category:
            yield path, suite.prompts[i].text


def _write(path: Path, rows: Iterator[str]) -> None:
    with appearing(path) as half, half.open("w", encoding="utf-8") as file:
        file.writelines(row + "\n" for row in rows)
