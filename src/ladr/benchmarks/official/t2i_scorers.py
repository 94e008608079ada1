"""The scorers of T2I-CompBench's categories: an imported official result, or else what is set up here."""

from collections.abc import Sequence
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.benchmarks.official import chunks as noun_chunks
from ladr.benchmarks.official import t2i
from ladr.benchmarks.official.named import is_official
from ladr.benchmarks.official.part import TELL, PartInput, PartScores, loaded, need
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.rows import Row


def judged(category: str, inputs: PartInput) -> PartScores:
    """The judgements of one category, by an imported result, BLIP-VQA, CLIP or a detector."""
    suite = inputs.suite
    kind = t2i.RESULT_OF[category]
    imported = inputs.imported / category / kind / "vqa_result.json"
    if imported.is_file():
        answers = t2i.read_result(suite, category, imported)
        label = t2i.scorer_of(imported)
        exact = label["scorer"] == "official" or label["exact"]
        return PartScores(rows_of(suite, category, answers), label["scorer"], exact)
    if kind == t2i.ATTRIBUTE:
        return _attribute(category, inputs)
    if kind == t2i.CLIP:
        return _cosine(category, inputs)
    if category == "spatial" and inputs.official.spatial is not None:
        return _spatial(inputs)
    raise LadrError(f"{t2i.CATEGORIES[category]} needs UniDet, which only the official script runs; {TELL}")


def _attribute(category: str, inputs: PartInput) -> PartScores:
    from ladr.benchmarks.official import blip, native

    official = inputs.official
    suite = inputs.suite
    need(official.blip, "blip", "BLIP-VQA")
    texts = native.texts_of(suite, category)
    file = official.chunks
    known = noun_chunks.load(Path(file), texts) if file else noun_chunks.from_spacy(texts)
    vqa = loaded(f"BLIP-VQA {official.blip}", lambda: blip.BlipVqa.load(official.blip, official.device))
    progress = inputs.progress(category, len(texts) * suite.images_per_prompt)
    answers = native.t2i_attribute(suite, category, inputs.images(), vqa, known, progress)
    return PartScores(
        rows_of(suite, category, answers),
        f"blip-vqa:{vqa.name}",
        is_official(vqa.name, blip.OFFICIAL_WEIGHTS),
    )


def _cosine(category: str, inputs: PartInput) -> PartScores:
    from ladr.benchmarks.official import clip, native

    official = inputs.official
    suite = inputs.suite
    need(official.clip, "clip", "CLIP")
    model = loaded(f"CLIP {official.clip}", lambda: clip.Clip.load(official.clip, official.device))
    progress = inputs.progress(category, len(native.texts_of(suite, category)) * suite.images_per_prompt)
    answers = native.t2i_cosine(suite, category, inputs.images(), model, progress)
    exact = is_official(model.name, clip.OFFICIAL_WEIGHTS["cosine"])
    return PartScores(rows_of(suite, category, answers), f"clip:{model.name}", exact)


def _spatial(inputs: PartInput) -> PartScores:
    from ladr.benchmarks.official.detector import of_geneval
    from ladr.benchmarks.official.spatial_scorer import score

    official = inputs.official
    suite = inputs.suite
    names = inputs.folder_of("geneval")
    detector = loaded(
        f"detector {official.spatial}", lambda: of_geneval(official.spatial, names, official.device)
    )
    rows, notes = score(suite, inputs.images(), inputs.book / "spatial.jsonl", detector, inputs.progress)
    return PartScores(rows, f"spatial-{detector.name.removeprefix('mask2former:')}", False, notes)


def rows_of(suite: Suite, category: str, answers: Sequence[float]) -> tuple[Row, ...]:
    """One row for each image of a category, by running number."""
    n = suite.images_per_prompt
    column = t2i.CATEGORIES[category]
    own = [p.id for p in suite.prompts if p.meta["category"] == category]
    return tuple(Row(own[k // n], k % n, column, "image", round(v, 6)) for k, v in enumerate(answers))
