"""What scores a category of T2I-CompBench in a cell."""

from collections.abc import Sequence
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.benchmarks.official import chunks as noun_chunks
from ladr.benchmarks.official import t2i
from ladr.benchmarks.official.named import is_official
from ladr.benchmarks.official.part import TELL, PartInput, PartScores, loaded, need
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.rows import Row


def judged(category: str, asked: PartInput) -> PartScores:
    """The judgements of one category: an imported result, or BLIP-VQA's, CLIP's or a detector's."""
    suite, kind = asked.suite, t2i.RESULT_OF[category]
    given = asked.imported / category / kind / "vqa_result.json"
    if given.is_file():
        answers, said = t2i.read_result(suite, category, given), t2i.scorer_of(given)
        exact = said["scorer"] == "official" or said["exact"]
        return PartScores(rows_of(suite, category, answers), said["scorer"], exact)
    if kind == t2i.ATTRIBUTE:
        return _attribute(category, asked)
    if kind == t2i.CLIP:
        return _cosine(category, asked)
    if category == "spatial" and asked.official.spatial is not None:
        return _spatial(asked)
    raise LadrError(f"{t2i.CATEGORIES[category]} needs UniDet, which only the official script runs; {TELL}")


def _attribute(category: str, asked: PartInput) -> PartScores:
    from ladr.benchmarks.official import blip, native

    official, suite = asked.official, asked.suite
    need(official.blip, "blip", "BLIP-VQA")
    texts = native.texts_of(suite, category)
    given = official.chunks
    known = noun_chunks.load(Path(given), texts) if given else noun_chunks.from_spacy(texts)
    vqa = loaded(f"BLIP-VQA {official.blip}", lambda: blip.BlipVqa.load(official.blip, official.device))
    progress = asked.progress(category, len(texts) * suite.images_per_prompt)
    answers = native.t2i_attribute(suite, category, asked.images(), vqa, known, progress)
    return PartScores(
        rows_of(suite, category, answers), f"blip-vqa:{vqa.name}", is_official(vqa.name, blip.OFFICIAL)
    )


def _cosine(category: str, asked: PartInput) -> PartScores:
    from ladr.benchmarks.official import clip, native

    official, suite = asked.official, asked.suite
    need(official.clip, "clip", "CLIP")
    model = loaded(f"CLIP {official.clip}", lambda: clip.Clip.load(official.clip, official.device))
    progress = asked.progress(category, len(native.texts_of(suite, category)) * suite.images_per_prompt)
    answers = native.t2i_cosine(suite, category, asked.images(), model, progress)
    exact = is_official(model.name, clip.OFFICIAL["cosine"])
    return PartScores(rows_of(suite, category, answers), f"clip:{model.name}", exact)


def _spatial(asked: PartInput) -> PartScores:
    from ladr.benchmarks.official.detector import of_geneval
    from ladr.benchmarks.official.spatial_scorer import score

    official, suite = asked.official, asked.suite
    names = asked.folder_of("geneval")
    found = loaded(
        f"detector {official.spatial}", lambda: of_geneval(official.spatial, names, official.device)
    )
    rows, notes = score(suite, asked.images(), asked.book / "spatial.jsonl", found, asked.progress)
    return PartScores(rows, f"spatial-{found.name.removeprefix('mask2former:')}", False, notes)


def rows_of(suite: Suite, category: str, answers: Sequence[float]) -> tuple[Row, ...]:
    """One row per image of a category, by running number."""
    n, column = suite.images_per_prompt, t2i.CATEGORIES[category]
    own = [p.id for p in suite.prompts if p.meta["category"] == category]
    return tuple(Row(own[k // n], k % n, column, "image", round(v, 6)) for k, v in enumerate(answers))
