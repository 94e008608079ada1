"""The official benchmarks as an experiment asks them: all prompts, or an even share of each column."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.mini.suite import SIZES
from ladr.benchmarks.official import dpg, fetch, geneval, t2i, unigen
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.prompt import Prompt

CLONES = {"geneval": "geneval", "unigen": "UniGenBench", "dpg": "ELLA", "t2i": "T2I-CompBench"}


@dataclass(frozen=True)
class GridSuite:
    """One official benchmark.

    `load(folder)` gives all published prompts, `of(prompts, images)` lays some of them out as the official
    scorer wants them, `files` are the published files whose bytes the prompts come from, `group` names the
    column that a prompt is counted to when a share is taken. The rest is what tables want to know.
    """

    name: str
    version: int
    columns: tuple[str, ...]
    images: int
    load: Callable[[Path | None], Suite]
    of: Callable[[Sequence[Prompt], int], Suite]
    files: tuple[str, ...]
    group: Callable[[Prompt], str]
    overall: tuple[str, ...] = ()
    weak: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ("text",)

    def prompts(self, size: str | int = "full", folder: Path | None = None) -> tuple[Prompt, ...]:
        """The published prompts, or `size` of every column, evenly spread over the column's own."""
        count = per_column(size)
        found = _loaded(self.name, self.place(folder))
        if count is None:
            return found
        columns: dict[str, list[int]] = {}
        for i, prompt in enumerate(found):
            columns.setdefault(self.group(prompt), []).append(i)
        kept = sorted(i for own in columns.values() for i in spread(own, count))
        return tuple(found[i] for i in kept)

    def files_sha256(self, folder: Path | None = None) -> str:
        """One sha256 of the files that the prompts come from, wherever they lie."""
        return _files_sha256(self.name, self.place(folder))

    def place(self, folder: Path | None) -> Path | None:
        """The folder of this benchmark's files: below `folder` by its name or its repository's, or `folder`
        itself; without one what is fetched, and None where a fetch would put it."""
        if folder is None:
            return None
        inside = (Path(folder) / name for name in (self.name, CLONES[self.name]))
        return next((path for path in inside if path.is_dir()), Path(folder))


def per_column(size: str | int) -> int | None:
    """None: all."""
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    if size not in SIZES:
        raise LadrError(f"size: {size!r} is neither a positive number nor a known size{nearest(size, SIZES)}")
    return SIZES[size]


def spread(own: Sequence[int], count: int) -> list[int]:
    """`count` of them at even distances; all if there are no more."""
    taken = min(count, len(own))
    return [own[k * len(own) // taken] for k in range(taken)]


@cache
def _loaded(name: str, folder: Path | None) -> tuple[Prompt, ...]:
    if folder is None:
        fetch.ensure(name)
    return OFFICIAL[name].load(folder).prompts


@cache
def _files_sha256(name: str, folder: Path | None) -> str:
    if name == "dpg":
        inside, names = dpg.prompt_folder(folder), fetch.names_in(fetch.pin("dpg")["folder"])
        return fetch.folder_sha256(inside, names)
    digest = hashlib.sha256()
    for file in OFFICIAL[name].files:
        found = hashlib.sha256(fetch.locate(name, file, folder).read_bytes()).hexdigest()
        digest.update(f"{Path(file).name} {found}\n".encode())
    return digest.hexdigest()


OFFICIAL = {
    suite.name: suite
    for suite in (
        GridSuite(
            name="geneval",
            version=geneval.VERSION,
            columns=geneval.COLUMNS[:-1],
            images=4,
            load=geneval.load,
            of=geneval.of,
            files=("prompts/evaluation_metadata.jsonl",),
            group=lambda prompt: prompt.meta["tag"],
            overall=geneval.COLUMNS[:-1],
        ),
        GridSuite(
            name="unigen",
            version=unigen.VERSION,
            columns=unigen.COLUMNS,
            images=4,
            load=unigen.load,
            of=unigen.suite,
            files=("data/test_prompts_en.csv",),
            group=lambda prompt: unigen.column_of(prompt.meta["points"][0]),
        ),
        GridSuite(
            name="dpg",
            version=dpg.VERSION,
            columns=(*dpg.COLUMNS, *(f"{column} (zeroed)" for column in dpg.COLUMNS[:-1])),
            images=4,
            load=dpg.load,
            of=dpg.of,
            files=(),
            group=lambda prompt: "all",
        ),
        GridSuite(
            name="t2i",
            version=t2i.VERSION,
            columns=t2i.COLUMNS,
            images=t2i.IMAGES,
            load=t2i.load,
            of=t2i.of,
            files=tuple(f"examples/dataset/{category}_val.txt" for category in t2i.CATEGORIES),
            group=lambda prompt: prompt.meta["category"],
        ),
    )
}
