"""The scorers of GenEval, UniGenBench and DPG-Bench: an imported result, or what the settings name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.benchmarks.official import dpg, dpg_judge, dpg_results, fetch, geneval, unigen, unigen_judge
from ladr.benchmarks.official.named import is_official
from ladr.benchmarks.official.part import PartInput, PartScores, loaded, need, rows_of
from ladr.benchmarks.official.suite import Scores, Suite, some
from ladr.benchmarks.rows import Row

JUDGE_WEIGHTS = "CodeGoat24/UniGenBench-EvalModel-qwen-72b-v1"  # the official judge
MOST_DROPPED = 0.01  # share of images that may lack a judgement


def geneval_part(part: str, inputs: PartInput) -> PartScores:
    """Score by an imported result, or by the detector and the CLIP that the settings name."""
    imported = inputs.imported / "results.jsonl"
    official = inputs.official
    few = official.allow_few_detections
    if imported.is_file():
        scores = geneval.import_results(inputs.suite, imported, allow_few_detections=few)
        return PartScores(rows_of(scores), scores.scorer, scores.scorer == "official", tuple(scores.notes))
    need(official.detector, "detector", "GenEval's detector")
    from ladr.benchmarks.official import clip, native
    from ladr.benchmarks.official.detector import of_geneval

    names = inputs.prompts
    device = official.device
    detector = loaded(f"detector {official.detector}", lambda: of_geneval(official.detector, names, device))
    colours = loaded(f"CLIP {official.colors}", lambda: clip.Clip.load(official.colors, device))
    out = inputs.book / "geneval.jsonl"
    progress = inputs.progress("geneval", inputs.suite.images)
    scores = native.geneval(
        inputs.suite, inputs.images(), out, detector, colours, progress, allow_few_detections=few
    )
    exact = detector.exact and is_official(colours.name, clip.OFFICIAL_WEIGHTS["colours"])
    return PartScores(rows_of(scores), scores.scorer, exact, tuple(scores.notes))


def judge_of(inputs: PartInput) -> Any:
    """The judge that the settings name, with the file that keeps its answers."""
    from ladr.benchmarks.official.judge import Judge

    row = need(inputs.official.judge, "judge", f"{inputs.suite.name}: the judge")
    book = inputs.book / f"{inputs.suite.name}.answers.jsonl"
    held = {"key_env": row.key_env, "concurrency": row.concurrency, "attempts": row.attempts}
    return Judge(row.endpoint, row.model, book, **held)


def _estimated(inputs: PartInput, judge: Any, asks: Sequence[Any], seconds: float, tokens_out: int) -> Any:
    """Say what asking will take. Returns the function to be called after each answer."""
    row = inputs.official.judge
    prices = None if row.price_in is None or row.price_out is None else (row.price_in, row.price_out)
    cost = judge.estimate(asks, seconds=row.seconds or seconds, tokens_out=tokens_out, prices=prices)
    inputs.say(f"{judge.model} at {judge.endpoint}: {cost}")
    return inputs.progress(judge.model, len(asks))


def unigen_part(part: str, inputs: PartInput) -> PartScores:
    """Score by an imported result, or by the judge that the settings name."""
    imported = inputs.imported / "results.csv"
    if imported.is_file():
        scores = unigen.import_results(inputs.suite, imported)
        notes = tuple(scores.notes)
        dropped = _dropped(scores)
        return PartScores(rows_of(scores), "official", True, notes, notes if dropped else ())
    judge = judge_of(inputs)
    suite = inputs.suite
    wording = unigen_judge.load_wording(inputs.prompts)
    images = inputs.images()
    asks = unigen_judge.questions(suite, images, wording)
    progress = _estimated(inputs, judge, asks, seconds=10.0, tokens_out=400)
    scores = unigen_judge.score(suite, images, judge, wording, progress)
    dropped = _dropped(scores)
    if len(dropped) > MOST_DROPPED * suite.images:
        raise LadrError(
            f"unigen: {len(dropped)} of {suite.images} images have no judgement from {judge.endpoint}; "
            "what was answered is kept: `ladr score CELL --again` asks for the rest"
        )
    exact = inputs.official.judge.weights == JUDGE_WEIGHTS
    return PartScores(rows_of(scores), scores.scorer, exact, tuple(scores.notes))


def _dropped(scores: Scores) -> set[tuple[str, int]]:
    """(prompt, image) of the images without a judgement."""
    return {(row.prompt, row.image) for row in scores.rows if row.reason == unigen.DROPPED}


def dpg_part(part: str, inputs: PartInput) -> PartScores:
    """Score by an imported result, or by the judge or the VQA model that the settings name."""
    imported = inputs.imported / "detail.txt"
    if imported.is_file():
        return _dpg_imported(inputs, imported)
    official = inputs.official
    need(official.dpg, "dpg", "the official VQA model, mPLUG, has no port here, and no other is named")
    questions, notes, _ = dpg_questions(inputs)
    ask = _dpg_asked if official.dpg == "judge" else _dpg_answered
    model, answers = ask(inputs, questions)
    return PartScores(dpg_rows(inputs.suite, questions, answers), f"dpg-{model}", False, tuple(notes))


def _dpg_imported(inputs: PartInput, detail: Path) -> PartScores:
    suite = inputs.suite
    questions, notes, lost = dpg_questions(inputs)
    totals = inputs.imported / "results.txt"
    scores = dpg_results.import_results(
        suite, questions, detail, totals if totals.is_file() else None, notes, lost
    )
    rows = dpg_rows(suite, questions, dpg_results.read_detail(suite, questions, detail))
    left = sorted(suite.index.keys() - {row.prompt for row in rows})
    lacks = (f"without {some(left)}, which the official script loses",) if left else ()
    return PartScores(rows, "official", True, tuple(scores.notes), lacks)


def _dpg_asked(inputs: PartInput, questions: dpg.Questions) -> tuple[str, dpg_results.Answers]:
    """The name of the judge, and its answers."""
    judge = judge_of(inputs)
    images = inputs.images()
    asks = dpg_judge.asks(inputs.suite, questions, images)
    progress = _estimated(inputs, judge, asks, seconds=1.0, tokens_out=2)
    return judge.model, dpg_judge.answers(inputs.suite, questions, images, judge, progress)


def _dpg_answered(inputs: PartInput, questions: dpg.Questions) -> tuple[str, dpg_results.Answers]:
    """The name of the VQA model, and its answers."""
    from ladr.benchmarks.official import blip, native

    name, device = inputs.official.dpg, inputs.official.device
    vqa = loaded(f"BLIP-VQA {name}", lambda: blip.BlipVqa.load(name, device))
    book = inputs.book / "dpg.answers.jsonl"
    progress = inputs.progress("dpg", len(inputs.suite.prompts))
    return vqa.name, native.dpg_answers(inputs.suite, questions, inputs.images(), book, vqa, progress)


def dpg_questions(inputs: PartInput) -> tuple[dict[str, list[dpg.DpgQuestion]], list[str], str]:
    """The published questions of these prompts, notes on the file, and the item that the official script
    loses: the first of the file, which need not be one of these prompts."""
    named = inputs.official.questions
    path = Path(named) if named else fetch.locate("dpg", "dpg_bench/dpg_bench.csv", inputs.prompts)
    if not path.is_file():
        raise LadrError(f"official.questions: {path} is no file")
    whole = dpg.load(inputs.prompts)
    questions, notes = dpg.load_questions(path, whole)
    own = {item: asks for item, asks in questions.items() if item in inputs.suite.index}
    return own, notes, dpg.first_item(questions)


def dpg_rows(suite: Suite, questions: dpg.Questions, answers: dpg_results.Answers) -> tuple[Row, ...]:
    """Per tile the mean of zeroed answers as Overall, and every answer, raw and zeroed, under its level."""
    rows = []
    for (item, tile), own_answers in sorted(answers.items()):
        own = questions[item]
        if own_answers.keys() != {q.proposition for q in own}:
            continue  # the one item that the official script loses
        held = dpg_results.zeroed(own, own_answers)
        rows.append(Row(item, tile, "Overall", "image", round(sum(held) / len(held), 6)))
        for q, zero in zip(own, held, strict=True):
            column = dpg.L1[q.l1]
            rows.append(Row(item, tile, column, q.text, float(own_answers[q.proposition])))
            rows.append(Row(item, tile, f"{column} (zeroed)", q.text, float(zero)))
    return tuple(rows)
