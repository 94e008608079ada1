"""What scores each part of an official benchmark in an experiment: an imported result, or our own scoring."""

from collections.abc import Mapping, Sequence
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


def geneval_part(part: str, asked: PartInput) -> PartScores:
    given, official = asked.imported / "results.jsonl", asked.official
    few = official.allow_few_detections
    if given.is_file():
        scores = geneval.import_results(asked.suite, given, allow_few_detections=few)
        return PartScores(rows_of(scores), scores.scorer, scores.scorer == "official", tuple(scores.notes))
    need(official.detector, "detector", "GenEval's detector")
    from ladr.benchmarks.official import clip, native
    from ladr.benchmarks.official.detector import of_geneval

    names, device = asked.prompts, official.device
    found = loaded(f"detector {official.detector}", lambda: of_geneval(official.detector, names, device))
    colours = loaded(f"CLIP {official.colors}", lambda: clip.Clip.load(official.colors, device))
    out, progress = asked.book / "geneval.jsonl", asked.progress("geneval", asked.suite.images)
    scores = native.geneval(
        asked.suite, asked.images(), out, found, colours, progress, allow_few_detections=few
    )
    exact = found.exact and is_official(colours.name, clip.OFFICIAL["colours"])
    return PartScores(rows_of(scores), scores.scorer, exact, tuple(scores.notes))


def judge_of(asked: PartInput) -> Any:
    from ladr.benchmarks.official.judge import Judge

    row = need(asked.official.judge, "judge", f"{asked.suite.name}: the judge")
    book = asked.book / f"{asked.suite.name}.answers.jsonl"
    held = {"key_env": row.key_env, "concurrency": row.concurrency, "attempts": row.attempts}
    return Judge(row.endpoint, row.model, book, **held)


def _estimated(asked: PartInput, judge: Any, asks: Sequence[Any], seconds: float, tokens_out: int) -> Any:
    """Say what asking takes, before it; the progress of it."""
    row = asked.official.judge
    prices = None if row.price_in is None or row.price_out is None else (row.price_in, row.price_out)
    found = judge.estimate(asks, seconds=row.seconds or seconds, tokens_out=tokens_out, prices=prices)
    asked.say(f"{judge.model} at {judge.endpoint}: {found}")
    return asked.progress(judge.model, len(asks))


def unigen_part(part: str, asked: PartInput) -> PartScores:
    given = asked.imported / "results.csv"
    if given.is_file():
        scores = unigen.import_results(asked.suite, given)
        notes, dropped = tuple(scores.notes), _dropped(scores)
        return PartScores(rows_of(scores), "official", True, notes, notes if dropped else ())
    judge, suite = judge_of(asked), asked.suite
    wording, images = unigen_judge.load_wording(asked.prompts), asked.images()
    asks = unigen_judge.questions(suite, images, wording)
    progress = _estimated(asked, judge, asks, seconds=10.0, tokens_out=400)
    scores = unigen_judge.score(suite, images, judge, wording, progress)
    dropped = _dropped(scores)
    if len(dropped) > MOST_DROPPED * suite.images:
        raise LadrError(
            f"unigen: {len(dropped)} of {suite.images} images have no judgement from {judge.endpoint}; "
            "what was answered is kept: `ladr benchmark score CELL` asks for the rest"
        )
    exact = asked.official.judge.weights == JUDGE_WEIGHTS
    return PartScores(rows_of(scores), scores.scorer, exact, tuple(scores.notes))


def _dropped(scores: Scores) -> set[tuple[str, int]]:
    return {(row.prompt, row.image) for row in scores.rows if row.reason == unigen.DROPPED}


def dpg_part(part: str, asked: PartInput) -> PartScores:
    given, suite, official = asked.imported / "detail.txt", asked.suite, asked.official
    if not given.is_file():
        need(official.dpg, "dpg", "the official VQA model, mPLUG, has no port here, and no other is named")
    questions, notes, lost = dpg_questions(asked)
    if given.is_file():
        totals = asked.imported / "results.txt"
        read = dpg_results.read_detail(suite, questions, given)
        scores = dpg_results.import_results(
            suite, questions, given, totals if totals.is_file() else None, notes, lost
        )
        rows = dpg_rows(suite, questions, read)
        left = sorted(suite.index.keys() - {row.prompt for row in rows})
        lacks = (f"without {some(left)}, which the official script loses",) if left else ()
        return PartScores(rows, "official", True, tuple(scores.notes), lacks)
    if official.dpg == "judge":
        judge, images = judge_of(asked), asked.images()
        asks = dpg_judge.asks(suite, questions, images)
        progress = _estimated(asked, judge, asks, seconds=1.0, tokens_out=2)
        found = dpg_judge.answers(suite, questions, images, judge, progress)
        return PartScores(dpg_rows(suite, questions, found), f"dpg-{judge.model}", False, tuple(notes))
    from ladr.benchmarks.official import blip, native

    vqa = loaded(f"BLIP-VQA {official.dpg}", lambda: blip.BlipVqa.load(official.dpg, official.device))
    book, progress = asked.book / "dpg.answers.jsonl", asked.progress("dpg", len(suite.prompts))
    found = native.dpg_answers(suite, questions, asked.images(), book, vqa, progress)
    return PartScores(dpg_rows(suite, questions, found), f"dpg-{vqa.name}", False, tuple(notes))


def dpg_questions(asked: PartInput) -> tuple[dict[str, list[dpg.DpgQuestion]], list[str], str]:
    """The published questions of the suite's own items, notes, and the item that the official script loses:
    the file's first, which a share of the prompts may not hold."""
    given = asked.official.questions
    path = Path(given) if given else fetch.locate("dpg", "dpg_bench/dpg_bench.csv", asked.prompts)
    if not path.is_file():
        raise LadrError(f"official.questions: {path} is no file")
    whole = dpg.load(asked.prompts)
    questions, notes = dpg.load_questions(path, whole)
    own = {item: asks for item, asks in questions.items() if item in asked.suite.index}
    return own, notes, dpg.first_item(questions)


def dpg_rows(
    suite: Suite, questions: dpg.Questions, answers: Mapping[tuple[str, int], Mapping[int, bool]]
) -> tuple[Row, ...]:
    """Per tile the mean of zeroed answers as Overall, and every answer, raw and zeroed, under its level."""
    rows = []
    for (item, tile), given in sorted(answers.items()):
        own = questions[item]
        if given.keys() != {q.proposition for q in own}:
            continue  # the one item that the official script loses
        held = dpg_results.zeroed(own, given)
        rows.append(Row(item, tile, "Overall", "image", round(sum(held) / len(held), 6)))
        for q, zero in zip(own, held, strict=True):
            column = dpg.L1[q.l1]
            rows.append(Row(item, tile, column, q.text, float(given[q.proposition])))
            rows.append(Row(item, tile, f"{column} (zeroed)", q.text, float(zero)))
    return tuple(rows)
