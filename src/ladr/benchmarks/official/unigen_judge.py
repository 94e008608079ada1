"""UniGenBench's questions to a judge in the official wording. The wording is read from the official file and
never shipped."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.benchmarks.official import unigen
from ladr.benchmarks.official.fetch import locate
from ladr.benchmarks.official.judge import Judge
from ladr.benchmarks.official.message import JudgeQuestion
from ladr.benchmarks.official.suite import Scores, Suite, some

NAMES = ("EXPLANATION_DICT_EN", "SYSTEM_PROMPT_EN_TEMPLATE")  # what the official file calls them
FIELDS = ("prompt", "testpoint", "explanation", "test_explanation")
HEADERS = ("Checkpoints Defination", "Checkpoints Description")  # spelt as the judge was trained on them

MOST_LIST = 1 << 16  # characters of a list in an answer


@dataclass(frozen=True)
class Wording:
    """The official template and the fixed sentence of every sub point."""

    template: str
    definitions: Mapping[str, str]

    def question(self, prompt: str, points: Sequence[str], descriptions: Sequence[str]) -> str:
        """The text of one image's question."""
        if unknown := [point for point in points if point not in self.definitions]:
            raise LadrError(f"test point {unknown[0]!r} has no definition in the official wording")
        defined = [f"{point}: {self.definitions[point]}" for point in points]
        described = [f"{point}: {text}" for point, text in zip(points, descriptions, strict=True)]
        blocks = [
            "\n".join([f"{head}:「", *body, "」"])
            for head, body in zip(HEADERS, (defined, described), strict=True)
        ]
        values = (prompt, list(points), *blocks)
        return self.template.format(**dict(zip(FIELDS, values, strict=True)))


def load_wording(folder: Path | None = None) -> Wording:
    """The wording in the official `eval_common.py`: its two English constants are read as literals; nothing
    is run."""
    path = locate("unigen", "eval/src/eval_common.py", folder)
    return parse_wording(path.read_text(encoding="utf-8"), str(path))


def parse_wording(source: str, where: str = "eval_common.py") -> Wording:
    constants = {}
    for node in ast.parse(source).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in NAMES
        ):
            constants[node.targets[0].id] = ast.literal_eval(node.value)
    if lacking := [name for name in NAMES if name not in constants]:
        raise LadrError(f"{where}: {some(lacking)} is not there")
    template = constants[NAMES[1]]
    if absent := [field for field in FIELDS if f"{{{field}}}" not in template]:
        raise LadrError(f"{where}: the template has no {{{absent[0]}}}")
    return Wording(template, constants[NAMES[0]])


def parse_scores(text: str, points: int) -> list[int]:
    """The scores, 0 or 1, in a judge's answer. ValueError where the official parser would refuse it, and
    where a list is longer than MOST_LIST characters."""
    lists = [_list(text, tag, points) for tag in ("analysis", "score")]
    if any(type(score) not in (int, float, bool) or score not in (0, 1) for score in lists[1]):
        raise ValueError(f"scores {str(lists[1])[:100]} are not all 0 or 1")
    return [int(score) for score in lists[1]]


def _list(text: str, tag: str, points: int) -> Sequence[Any]:
    """The list of `points` entries between the first <tag> and the </tag> after it."""
    start = text.find(f"<{tag}>") + len(tag) + 2
    end = text.find(f"</{tag}>", start)
    if start <= len(tag) + 1 or end < 0:
        raise ValueError(f"no <{tag}> in the answer")
    if end - start > MOST_LIST:
        raise ValueError(f"<{tag}> has {end - start} characters; at most {MOST_LIST} are read")
    try:
        value = ast.literal_eval(text[start:end].strip())
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"<{tag}> is no list: {str(error)[:100]}") from error
    if not isinstance(value, list | tuple) or len(value) != points:
        raise ValueError(f"<{tag}> is not a list of {points}")
    return value


def questions(suite: Suite, folder: Path, wording: Wording) -> list[JudgeQuestion]:
    """One question for each image of `folder`; LadrError names the images that are missing."""
    asks = []
    for i, prompt in enumerate(suite.prompts):
        points = prompt.meta["points"]
        text = wording.question(prompt.text, points, prompt.meta["descriptions"])
        for j in range(suite.images_per_prompt):
            path = suite.place(i, j)
            asks.append(
                JudgeQuestion(path, Path(folder) / path, text, partial(parse_scores, points=len(points)))
            )
    if missing := [ask.id for ask in asks if not ask.image.exists()]:
        raise LadrError(f"{folder}: {len(missing)} images are missing ({some(missing)})")
    return asks


def score(
    suite: Suite,
    folder: Path,
    judge: Judge,
    wording: Wording,
    progress: Callable[[str], None] = lambda id: None,
) -> Scores:
    """Judge every image. An image without an answer counts as not passed in `columns` and is named in
    `notes`; the next run asks for it again."""
    answers = judge.ask(questions(suite, folder, wording), progress)
    judged = {
        (i, j): answers.values.get(suite.place(i, j))
        for i in range(len(suite.prompts))
        for j in range(suite.images_per_prompt)
    }
    return unigen.aggregate(suite, judged, f"unigen-judge:{judge.model}")
