"""What the four mini benchmarks share: frozen prompts, and judgements made from a reading of the pixels."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.prompt import Prompt
from ladr.shapes.caption import caption
from ladr.shapes.place import UnsatisfiableError, realise
from ladr.shapes.reading import Reading
from ladr.shapes.render import render
from ladr.shapes.spec import Spec
from ladr.shapes.spec_json import spec_from_json, spec_to_json

SIZES = {"smoke": 8, "default": 24, "full": None}  # prompts per column; None: all there are
FOLDER = "prompts"
SEED = 20260
FLOOR = 0.3  # what shuffled prompts stay below in every column that `floors` does not name
_TRIES = 40  # draws for a text that its column does not have yet


@dataclass(frozen=True)
class Point:
    """One judgement of one image: `value` in [0, 1] under `column`."""

    column: str
    question: str
    value: float


@dataclass(frozen=True)
class Group:
    """Prompts of one kind: `count` of them in the full size, drawn by `draw`."""

    column: str
    count: int
    draw: Callable[[np.random.Generator], Spec]
    seen: bool = True

    @property
    def stem(self) -> str:
        words = "".join(c if c.isalnum() else " " for c in self.column.lower()).split()
        return "-".join([*words, *([] if self.seen else ["unseen"])])


@dataclass(frozen=True)
class MiniSuite:
    """One mini benchmark.

    `columns` are what `judge` can give, in the order of the table; `weak` says which of them stand for less
    than the official column of that place, `absent` which official columns have no counterpart and why. The
    score "Overall" is the mean of the columns `overall`, or, where that is empty and "Overall" is one of the
    `columns`, the mean of the judgements under that name. Compositions held out from training are judged
    under "COLUMN (unseen)". `floors` says where shuffled prompts score more than FLOOR.
    """

    name: str
    version: int
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    judge: Callable[[Prompt, Reading], list[Point]]
    overall: tuple[str, ...] = ()
    weak: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    floors: Mapping[str, float] = field(default_factory=dict)
    number: int = 0  # of the random streams of its prompts

    def prompts(self, size: str | int = "default") -> tuple[Prompt, ...]:
        """The frozen prompts: the first `size` of every column, and as large a share of its unseen ones."""
        take = _per_column(size)
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

    def fresh(self) -> Iterator[Prompt]:
        """The prompts of the full size, drawn anew: what the frozen file must hold."""
        for place, group in enumerate(self.groups):
            yield from _drawn(group, (SEED, self.number, place))


def spec_of(prompt: Prompt) -> Spec:
    """What the prompt states."""
    return spec_from_json(prompt.meta["spec"])


def column_of(prompt: Prompt) -> str:
    """The column under which the prompt's own judgements stand."""
    return named(prompt, prompt.meta["column"])


def named(prompt: Prompt, column: str) -> str:
    """`column`, marked where the prompt asks for a composition that training never shows."""
    return column if prompt.meta["seen"] else f"{column} (unseen)"


def truth(prompt: Prompt) -> np.ndarray:
    """A ground-truth image of the prompt, (64, 64, 3) uint8, always the same."""
    seed = int.from_bytes(hashlib.sha256(prompt.id.encode() + prompt.text.encode()).digest()[:8], "big")
    return render(realise(spec_of(prompt), np.random.default_rng(seed), unseen=not prompt.meta["seen"]))


def shuffled(prompts: Sequence[Prompt]) -> dict[str, Prompt]:
    """For every prompt id another prompt of the same column, for the floor: chance, not skill.

    Prompts are ordered by a hash and each takes its follower, so no prompt is its own partner unless it is
    the only one of its column.
    """
    partner: dict[str, Prompt] = {}
    by_column: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        by_column.setdefault(column_of(prompt), []).append(prompt)
    for group in by_column.values():
        ring = sorted(group, key=lambda p: hashlib.sha256(p.id.encode()).digest())
        partner |= {a.id: b for a, b in pairwise([*ring, ring[0]])}
    return partner


def _per_column(size: str | int) -> int | None:
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    if size not in SIZES:
        raise LadrError(f"size: {size!r} is neither a positive number nor a known size{nearest(size, SIZES)}")
    return SIZES[size]


def _drawn(group: Group, stream: tuple[int, ...]) -> Iterator[Prompt]:
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
        (folder / f"{suite.name}.jsonl").write_bytes(data)
        sums[suite.name] = {"version": suite.version, "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "frozen.json").write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


@lru_cache(maxsize=8)
def _load(name: str, version: int) -> tuple[Prompt, ...]:
    folder = resources.files("ladr.benchmarks.mini") / FOLDER
    frozen = json.loads((folder / "frozen.json").read_text(encoding="utf-8"))[name]
    data = (folder / f"{name}.jsonl").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if (frozen["version"], frozen["sha256"]) != (version, found):
        raise LadrError(
            f"{name}.jsonl: version {version}, sha256 {found[:12]}; frozen is version {frozen['version']}, "
            f"sha256 {frozen['sha256'][:12]}: the prompt file was changed, restore it"
        )
    return tuple(Prompt(row["id"], row["text"], row["meta"]) for row in map(json.loads, data.splitlines()))
