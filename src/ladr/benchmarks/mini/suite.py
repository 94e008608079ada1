"""What the four mini benchmarks share: frozen prompts, and judgements by a reading of the pixels."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import ClassVar

import numpy as np

from ladr.base.errors import LadrError
from ladr.base.files import write_bytes, write_json
from ladr.benchmarks.benchmark import Benchmark
from ladr.benchmarks.mini.scoring import Judge, Judgement, ceiling, score
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row
from ladr.benchmarks.sizes import per_column
from ladr.benchmarks.submission import Submission
from ladr.shapes.caption import caption
from ladr.shapes.place import UnsatisfiableError, realise
from ladr.shapes.questions import SpecQuestion, questions
from ladr.shapes.reading import Reading
from ladr.shapes.spec import Spec
from ladr.shapes.spec_json import spec_to_json

FOLDER = "prompts"
SEED = 20260
FLOOR = 0.3  # what shuffled prompts stay below in every column that `floors` does not name
_TRIES = 40  # draws for a text that its column does not have yet


@dataclass(frozen=True)
class PromptGroup:
    """Prompts of one kind: `count` of them in the full size, drawn by `draw`."""

    column: str
    count: int
    draw: Callable[[np.random.Generator], Spec]
    seen: bool = True

    @property
    def stem(self) -> str:
        words = "".join(c if c.isalnum() else " " for c in self.column.lower()).split()
        return "-".join([*words, *([] if self.seen else ["unseen"])])


@dataclass(frozen=True, kw_only=True)
class MiniSuite(Benchmark):
    """One mini benchmark of the shape world.

    `judge` judges one image by its reading. `asks` gives all questions about what a prompt states.
    Compositions held out from training are judged under "COLUMN (unseen)". `floors` says where shuffled
    prompts score more than FLOOR. `number` is that of the random streams that the prompts are drawn with.
    """

    groups: tuple[PromptGroup, ...]
    judge: Judge
    asks: Callable[[Spec], tuple[SpecQuestion, ...]] = questions
    floors: Mapping[str, float] = field(default_factory=dict)
    number: int = 0
    reads: tuple[str, ...] = ("text", "scene")
    has_truth: ClassVar[bool] = True

    def prompts(self, size: str | int = "default", folder: Path | None = None) -> tuple[Prompt, ...]:
        """The frozen prompts: the first `size` of every column, and as large a share of its unseen ones."""
        take = per_column(size)
        frozen = _load(self.name, self.version)
        if take is None:
            return frozen
        kept, largest = [], {g.column: g.count for g in self.groups if g.seen}
        by_stem: dict[str, list[Prompt]] = {}
        for prompt in frozen:
            by_stem.setdefault(prompt.id.rsplit("-", 1)[0], []).append(prompt)
        for group in self.groups:
            share = -(-take * group.count // largest[group.column])
            kept += by_stem[group.stem][:share]
        return tuple(kept)

    def rows(self, submission: Submission) -> tuple[Row, ...]:
        images = dict(zip(submission.keys, submission.pixels, strict=True))
        return score(self, submission.prompts, images, processes=submission.means.processes)

    def judgements(self, prompt: Prompt, reading: Reading) -> list[Judgement]:
        return self.judge(prompt, reading)

    def ceiling(
        self, prompts: Sequence[Prompt], through: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[Row, ...]:
        return ceiling(self, prompts, through)

    def fresh(self) -> Iterator[Prompt]:
        """The prompts of the full size, drawn anew: what the frozen file must hold."""
        for place, group in enumerate(self.groups):
            yield from _drawn(group, (SEED, self.number, place))


def _drawn(group: PromptGroup, stream: tuple[int, ...]) -> Iterator[Prompt]:
    texts: set[str] = set()
    for k in range(group.count):
        rng = np.random.default_rng([*stream, k])
        for _ in range(_TRIES):
            spec = group.draw(rng)
            text = caption(spec, rng)
            if text not in texts and _satisfiable(spec, rng):
                break
        texts.add(text)
        meta = {"column": group.column, "seen": group.seen, "spec": spec_to_json(spec)}
        yield Prompt(f"{group.stem}-{k:03d}", text, meta)


def _satisfiable(spec: Spec, rng: np.random.Generator) -> bool:
    try:
        realise(spec, rng, unseen=True)
    except UnsatisfiableError:
        return False
    return True


def lines(suite: MiniSuite) -> bytes:
    """The frozen file of a suite, byte for byte."""
    rows = ({"id": p.id, "text": p.text, "meta": dict(p.meta)} for p in suite.fresh())
    return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)


def freeze(suites: Sequence[MiniSuite], folder: Path) -> None:
    """Write the prompt files and their hashes below `folder`; for a new version of a suite only."""
    sums = {}
    for suite in suites:
        data = lines(suite)
        write_bytes(folder / f"{suite.name}.jsonl", data)
        sums[suite.name] = {"version": suite.version, "sha256": hashlib.sha256(data).hexdigest()}
    write_json(folder / "frozen.json", sums)


@lru_cache(maxsize=8)
def _load(name: str, version: int) -> tuple[Prompt, ...]:
    folder = resources.files("ladr.benchmarks.mini") / FOLDER
    frozen = json.loads((folder / "frozen.json").read_text(encoding="utf-8"))[name]
    data = (folder / f"{name}.jsonl").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if (frozen["version"], frozen["sha256"]) != (version, digest):
        raise LadrError(
            f"{name}.jsonl: version {version}, sha256 {digest[:12]}; frozen is version {frozen['version']}, "
            f"sha256 {frozen['sha256'][:12]}: the prompt file was changed, restore it"
        )
    return tuple(Prompt(row["id"], row["text"], row["meta"]) for row in map(json.loads, data.splitlines()))
