"""Judgements of images, one row each, and the file that holds them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from ladr.base.errors import LadrError
from ladr.base.files import write_text
from ladr.benchmarks.prompt import Prompt, prompts_sha256
from ladr.shapes.reading import VERSION


@dataclass(frozen=True)
class Row:
    """One judgement of one image, `value` in [0, 1].

    `kind` is "score", "floor" (the same image, judged by another prompt), "junk" (share of the foreground
    that nothing explains) or "diversity" (mean distance between the images of one prompt).
    """

    prompt: str
    image: int  # -1 where the row is about all images of the prompt
    column: str
    question: str
    value: float
    kind: str = "score"


class Versioned(Protocol):
    """A benchmark's name and version."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...


def header(benchmark: Versioned, prompts: Sequence[Prompt], images_per_prompt: int) -> dict[str, object]:
    """What a file of rows says about itself: only files that agree in this can be compared."""
    return {
        "benchmark": benchmark.name,
        "version": benchmark.version,
        "evaluator": VERSION,
        "prompts": len(prompts),
        "prompts_sha256": prompts_sha256(prompts),
        "images_per_prompt": images_per_prompt,
    }


def write_rows(path: Path, head: Mapping[str, object], rows: Iterable[Row]) -> None:
    """Write JSON lines, the header first. The file appears whole or not at all."""
    text = [json.dumps(dict(head), sort_keys=True), *(json.dumps(asdict(row)) for row in rows)]
    write_text(path, "\n".join(text) + "\n")


def read_rows(path: Path) -> tuple[dict[str, object], tuple[Row, ...]]:
    """The header and the rows of a file that `write_rows` wrote."""
    try:
        first, *rest = path.read_text(encoding="utf-8").splitlines()
        return json.loads(first), tuple(Row(**json.loads(line)) for line in rest)
    except (OSError, ValueError, TypeError) as error:
        raise LadrError(f"{path}: no scores can be read ({error})") from error
