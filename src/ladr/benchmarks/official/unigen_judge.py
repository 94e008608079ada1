"""UniGenBench's questions to a judge in the official wording. The wording is read from the official file and
never shipped."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any

from ladr.base.errors import LadrError
from ladr.base.foreign import read_text
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
    return parse_wording(read_text(path), str(path))


def parse_wording(source: str, where: str = "eval_common.py") -> Wording:
    constants: dict[str, Any] = {}
    try:
        for node in ast.parse(source).body:
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            if node.targets[0].id in NAMES:
                constants[node.targets[0].id] = ast.literal_eval(node.value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise LadrError(f"{where}: cannot be read as Python text ({str(error)[:100]})") from None
    if lacking := [name for name in NAMES if name not in constants]:
        raise LadrError(f"{where}: {some(lacking)} is not there")
    definitions, template = (constants[name] for name in NAMES)
    if not isinstance(definitions, dict) or not all(
        isinstance(text, str) for pair in definitions.items() for text in pair
    ):
        raise LadrError(f"{where}: {NAMES[0]} does not map texts to texts")
    _refuse_other_fields(template, where)
    return Wording(template, definitions)


def _refuse_other_fields(template: object, where: str) -> None:
    """LadrError unless the template is a text with the four FIELDS, plain ones, and no other field."""
    if not isinstance(template, str):
        raise LadrError(f"{where}: {NAMES[1]} is no text")
    try:
        parts = [part for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise LadrError(f"{where}: the template cannot be filled ({error})") from None
    for _, field, form, conversion in parts:
        if field not in FIELDS or form or conversion:
            raise LadrError(f"{where}: the template has a field {{{field}}} that is none of {some(FIELDS)}")
    if absent := [field for field in FIELDS if field not in [part[1] for part in parts]]:
        raise LadrError(f"{where}: the template has no {{{absent[0]}}}")


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
