"""DPG-Bench's questions to a vision-language model of your choice: one question per call, answered yes or no.

The scores are called `dpg-<model>`. The official scores come from another model, mPLUG.
"""

import re
from collections.abc import Callable
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.benchmarks.image_files import size_of
from ladr.benchmarks.official.dpg import Questions
from ladr.benchmarks.official.dpg_results import aggregate
from ladr.benchmarks.official.folder import tile_box
from ladr.benchmarks.official.judge import Judge
from ladr.benchmarks.official.message import JudgeQuestion
from ladr.benchmarks.official.suite import Scores, Suite, some

WORDING = "{question}\nLook at the image only. Answer with one word: yes or no."
ANSWER = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


def parse(text: str) -> bool:
    """Is the answer yes? ValueError where it is neither yes nor no."""
    match = ANSWER.match(text)
    if not match:
        raise ValueError(f"neither yes nor no: {text[:40]!r}")
    return match[1].lower() == "yes"


def asks(suite: Suite, questions: Questions, folder: Path) -> list[JudgeQuestion]:
    """One question per proposition of every tile; LadrError names an image that is missing."""
    listed = []
    for path, i, tiles in suite.files():
        image = Path(folder) / path
        item = suite.prompts[i].id
        if not image.is_file():
            raise LadrError(f"{folder}: {path} is missing; `ladr benchmark dpg --check` lists all")
        size = size_of(image)
        for tile in tiles:
            box = tile_box(size, tile) if len(tiles) > 1 else None
            listed += [
                JudgeQuestion(
                    _id(item, tile, q.proposition), image, WORDING.format(question=q.text), parse, box
                )
                for q in questions[item]
            ]
    return listed


def _id(item: str, tile: int, proposition: int) -> str:
    return f"{item} {tile} {proposition}"


def answers(
    suite: Suite,
    questions: Questions,
    folder: Path,
    judge: Judge,
    progress: Callable[[str], None] = lambda id: None,
) -> dict[tuple[str, int], dict[int, bool]]:
    """(item, tile) -> proposition -> yes. LadrError if a question has no answer; what was answered stays in
    the judge's book, and the next run goes on from there."""
    replies = judge.ask(asks(suite, questions, folder), progress)
    if replies.failed:
        question, why = next(iter(replies.failed.items()))
        left = (
            f"{len(replies.failed)} of {len(replies.failed) + len(replies.values)} questions have no answer"
        )
        raise LadrError(
            f"dpg-{judge.model}: {left} ({some(list(replies.failed), 3)}; {question}: {why}); ask again"
        )
    tiles = range(suite.images_per_prompt)
    return {
        (p.id, t): {q.proposition: replies.values[_id(p.id, t, q.proposition)] for q in questions[p.id]}
        for p in suite.prompts
        for t in tiles
    }


def score(
    suite: Suite,
    questions: Questions,
    folder: Path,
    judge: Judge,
    progress: Callable[[str], None] = lambda id: None,
) -> Scores:
    """Scores by the official arithmetic from another model's answers."""
    replies = answers(suite, questions, folder, judge, progress)
    return aggregate(suite, questions, replies, f"dpg-{judge.model}")
