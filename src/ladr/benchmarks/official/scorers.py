"""What scores each part of an official benchmark in an experiment: an imported result, or our own scoring."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.benchmarks.mini.scoring import Row
from ladr.benchmarks.official import chunks as noun_chunks
from ladr.benchmarks.official import dpg, dpg_judge, dpg_results, fetch, geneval, t2i, unigen, unigen_judge
from ladr.benchmarks.official.grid import OFFICIAL
from ladr.benchmarks.official.suite import Scores, Suite
from ladr.errors import LadrError

JUDGE_WEIGHTS = "CodeGoat24/UniGenBench-EvalModel-qwen-72b-v1"  # the official judge
MOST_DROPPED = 0.01  # share of images that may lack a judgement
TELL = "`ladr benchmark import CELL --results ...` takes the official script's result"
PARTS = {  # benchmark -> part -> the columns that it fills
    "geneval": {"geneval": geneval.COLUMNS},
    "unigen": {"unigen": unigen.COLUMNS},
    "dpg": {"dpg": dpg.COLUMNS},
    "t2i": {category: (column,) for category, column in t2i.CATEGORIES.items()},
}


@dataclass(frozen=True)
class Asked:
    """A cell's images and what may score them.

    `images()` renders them into the official layout and returns that folder; `imported` holds official
    results; `book` is where answers are kept; `official` are the settings of params.yaml.
    """

    suite: Suite
    official: Any
    imported: Path
    book: Path
    images: Callable[[], Path]

    @property
    def prompts(self) -> Path | None:
        """The folder of this benchmark's official files."""
        return self.folder_of(self.suite.name)

    def folder_of(self, name: str) -> Path | None:
        given = self.official.prompts
        if given is None:
            fetch.ensure(name)
        return OFFICIAL[name].place(given)


@dataclass(frozen=True)
class Judged:
    """Judgements under the official columns' names, who made them, and whether it is the official scorer or
    its very weights."""

    rows: tuple[Row, ...]
    scorer: str
    exact: bool
    notes: tuple[str, ...] = ()


def judged(part: str, asked: Asked) -> Judged:
    """The judgements of one part; LadrError says what is missing."""
    known = {"geneval": _geneval, "unigen": _unigen, "dpg": _dpg}
    return known[part](asked) if part in known else _t2i(part, asked)


def _quiet(done: object) -> None:
    pass


def rows_of(scores: Scores, column: Callable[[str], str] = str) -> tuple[Row, ...]:
    return tuple(Row(s.prompt, s.image, column(s.column), s.reason, round(s.value, 6)) for s in scores.rows)


def loaded(what: str, make: Callable[[], Any]) -> Any:
    """A network with its weights; LadrError where they, or what reads them, are not at hand."""
    try:
        return make()
    except (OSError, ImportError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise LadrError(f"{what}: cannot be loaded ({reason})") from error


def need(value: Any, key: str, what: str) -> Any:
    if value is None:
        raise LadrError(f"{what}: `official.{key}` is not set in params.yaml; {TELL}")
    return value


def _geneval(asked: Asked) -> Judged:
    given = asked.imported / "results.jsonl"
    if given.is_file():
        scores = geneval.import_results(asked.suite, given)
        return Judged(rows_of(scores), scores.scorer, scores.scorer == "official", tuple(scores.notes))
    official = asked.official
    need(official.detector, "detector", "GenEval's detector")
    from ladr.benchmarks.official import clip, native

    found = loaded(f"detector {official.detector}", lambda: detector(asked, official.detector))
    colours = loaded(f"CLIP {official.colors}", lambda: clip.Clip.load(official.colors, official.device))
    out = asked.book / "geneval.jsonl"
    scores = native.geneval(asked.suite, asked.images(), out, found, colours, _quiet)
    exact = found.exact and colours.name == clip.EXACT["colours"]
    return Judged(rows_of(scores), scores.scorer, exact, tuple(scores.notes))


def detector(asked: Asked, checkpoint: str) -> Any:
    """A Mask2Former with the class names of GenEval's files."""
    from ladr.benchmarks.official.detector import Detector

    path = fetch.locate("geneval", "evaluation/object_names.txt", asked.folder_of("geneval"))
    names = [name.strip() for name in path.read_text(encoding="utf-8").split("\n") if name.strip()]
    return Detector.load(checkpoint, names, asked.official.device)


def judge_of(asked: Asked) -> Any:
    from ladr.judge import Judge

    row = need(asked.official.judge, "judge", f"{asked.suite.name}: the judge")
    book = asked.book / f"{asked.suite.name}.answers.jsonl"
    return Judge(row.endpoint, row.model, book, key_env=row.key_env, concurrency=row.concurrency)


def _unigen(asked: Asked) -> Judged:
    given = asked.imported / "results.csv"
    if given.is_file():
        scores = unigen.import_results(asked.suite, given)
        return Judged(rows_of(scores), "official", True, tuple(scores.notes))
    judge = judge_of(asked)
    scores = unigen_judge.score(
        asked.suite, asked.images(), judge, unigen_judge.load_wording(asked.prompts), _quiet
    )
    dropped = {(row.prompt, row.image) for row in scores.rows if row.reason == unigen.DROPPED}
    if len(dropped) > MOST_DROPPED * asked.suite.images:
        raise LadrError(
            f"unigen: {len(dropped)} of {asked.suite.images} images have no judgement from {judge.endpoint}; "
            "what was answered is kept: `ladr benchmark score CELL` asks for the rest"
        )
    exact = asked.official.judge.weights == JUDGE_WEIGHTS
    return Judged(rows_of(scores), scores.scorer, exact, tuple(scores.notes))


def _dpg(asked: Asked) -> Judged:
    given, suite, official = asked.imported / "detail.txt", asked.suite, asked.official
    if not given.is_file():
        need(official.dpg, "dpg", "the official VQA model, mPLUG, has no port here, and no other is named")
    questions, notes = dpg_questions(asked)
    if given.is_file():
        totals = asked.imported / "results.txt"
        read = dpg_results.read_detail(suite, questions, given)
        scores = dpg_results.import_results(
            suite, questions, given, totals if totals.is_file() else None, notes
        )
        return Judged(dpg_rows(suite, questions, read), "official", True, tuple(scores.notes))
    if official.dpg == "judge":
        judge = judge_of(asked)
        found = dpg_judge.answers(suite, questions, asked.images(), judge)
        return Judged(dpg_rows(suite, questions, found), f"dpg-{judge.model}", False, tuple(notes))
    from ladr.benchmarks.official import blip, native

    vqa = loaded(f"BLIP-VQA {official.dpg}", lambda: blip.BlipVqa.load(official.dpg, official.device))
    book = asked.book / "dpg.answers.jsonl"
    found = native.dpg_answers(suite, questions, asked.images(), book, vqa, _quiet)
    return Judged(dpg_rows(suite, questions, found), f"dpg-{vqa.name}", False, tuple(notes))


def dpg_questions(asked: Asked) -> tuple[dict[str, list[dpg.Question]], list[str]]:
    """The published questions of the suite's own items."""
    given = asked.official.questions
    path = Path(given) if given else fetch.locate("dpg", "dpg_bench/dpg_bench.csv", asked.prompts)
    if not path.is_file():
        raise LadrError(f"official.questions: {path} is no file")
    whole = OFFICIAL["dpg"].load(asked.prompts)
    questions, notes = dpg.load_questions(path, whole)
    return {item: own for item, own in questions.items() if item in asked.suite.index}, notes


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


def _t2i(category: str, asked: Asked) -> Judged:
    suite, column = asked.suite, t2i.CATEGORIES[category]
    given = asked.imported / category / t2i.RESULT_OF[category] / "vqa_result.json"
    if given.is_file():
        answers = t2i.read_result(suite, category, given)
        return Judged(t2i_rows(suite, category, answers), "official", True)
    kind = t2i.RESULT_OF[category]
    if kind == t2i.ATTRIBUTE:
        return _attribute(category, asked)
    if kind == t2i.CLIP:
        return _cosine(category, asked)
    if category == "spatial" and asked.official.spatial is not None:
        from ladr.benchmarks.official.spatial_scorer import score

        found = loaded("detector", lambda: detector(asked, asked.official.spatial))
        rows, notes = score(suite, asked.images(), asked.book / "spatial.jsonl", found)
        return Judged(rows, f"spatial-{found.name.removeprefix('mask2former:')}", False, notes)
    raise LadrError(f"{column} needs UniDet, which only the official script runs; {TELL}")


def _attribute(category: str, asked: Asked) -> Judged:
    from ladr.benchmarks.official import blip, native

    official = asked.official
    need(official.blip, "blip", "BLIP-VQA")
    texts = native.texts_of(asked.suite, category)
    given = official.chunks
    known = noun_chunks.load(Path(given), texts) if given else noun_chunks.from_spacy(texts)
    vqa = loaded(f"BLIP-VQA {official.blip}", lambda: blip.BlipVqa.load(official.blip, official.device))
    answers = native.t2i_attribute(asked.suite, category, asked.images(), vqa, known, _quiet)
    rows = t2i_rows(asked.suite, category, answers)
    return Judged(rows, f"blip-vqa:{vqa.name}", vqa.name == blip.EXACT)


def _cosine(category: str, asked: Asked) -> Judged:
    from ladr.benchmarks.official import clip, native

    official = asked.official
    need(official.clip, "clip", "CLIP")
    model = loaded(f"CLIP {official.clip}", lambda: clip.Clip.load(official.clip, official.device))
    answers = native.t2i_cosine(asked.suite, category, asked.images(), model, _quiet)
    rows = t2i_rows(asked.suite, category, answers)
    return Judged(rows, f"clip:{model.name}", model.name == clip.EXACT["cosine"])


def t2i_rows(suite: Suite, category: str, answers: Sequence[float]) -> tuple[Row, ...]:
    """One row per image of a category, by running number."""
    n, column = suite.images_per_prompt, t2i.CATEGORIES[category]
    own = [p.id for p in suite.prompts if p.meta["category"] == category]
    return tuple(Row(own[k // n], k % n, column, "image", round(v, 6)) for k, v in enumerate(answers))
