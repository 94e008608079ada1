"""DPG-Bench: prompts, questions, folder layout."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ladr.base.errors import LadrError, nearest
from ladr.base.foreign import decoded, read_bytes, read_text
from ladr.benchmarks.official.fetch import (
    check_names,
    checksum,
    folder_sha256,
    home,
    locate,
    names_in,
    pin,
    source_of,
)
from ladr.benchmarks.official.suite import Suite, checked, csv_rows, some
from ladr.benchmarks.prompt import Prompt

VERSION = 1
ITEMS = 1065
L1 = {
    "global": "Global",
    "entity": "Entity",
    "attribute": "Attribute",
    "relation": "Relation",
    "other": "Other",
}
COLUMNS = (*L1.values(), "Overall")
PAPER_QUESTIONS = {"Global": 329, "Other": 250}  # per image, as the paper's printed values force them
CSV_COLUMNS = ("item_id", "proposition_id", "dependency", "tuple", "question_natural_language")


@dataclass(frozen=True)
class DpgQuestion:
    """One yes-or-no question of an item. `parents` are propositions of the same item: a no to one of them
    zeroes this question."""

    proposition: int
    parents: tuple[int, ...]
    l1: str
    l2: str
    text: str


Questions = Mapping[str, Sequence[DpgQuestion]]  # item id -> questions in file order


def load(folder: Path | None = None, images_per_prompt: int = 4) -> Suite:
    """The 1,065 published prompts, in the natural order of their file names."""
    inside = prompt_folder(folder)
    check_names("dpg", [path.name for path in inside.glob("*.txt")])
    texts = {}
    for name in names_in(pin("dpg")["folder"]):
        texts[name.removesuffix(".txt")] = checked(
            read_text(inside / name), f"{inside / name}: the prompt"
        ).strip()
    return suite(texts, images_per_prompt)


def prompt_folder(folder: Path | None = None) -> Path:
    """Where the prompt files lie in a folder of the official files."""
    root = home("dpg") if folder is None else Path(folder)
    inside = next((d for d in (root / "prompts", root / "dpg_bench" / "prompts", root) if d.is_dir()), None)
    if inside is None or not any(inside.glob("*.txt")):
        hint = "; `ladr benchmark fetch dpg` gets them" if folder is None else ""
        raise LadrError(f"dpg: {root} holds no prompts (prompts/*.txt){hint}")
    return inside


def prompts_folder_sha256(folder: Path | None = None) -> str:
    """One sha256 of the published prompt files."""
    return folder_sha256(prompt_folder(folder), names_in(pin("dpg")["folder"]))


def suite(texts: Mapping[str, str], images_per_prompt: int = 4) -> Suite:
    """A suite of any items: item id -> prompt."""
    return of([Prompt(item, text) for item, text in texts.items()], images_per_prompt)


def of(prompts: Sequence[Prompt], images_per_prompt: int = 4) -> Suite:
    """A suite of all or some of the prompts. A prompt's image file is one square grid of four tiles, or one
    image."""
    if images_per_prompt not in (1, 4):
        raise LadrError(
            f"dpg: images_per_prompt is {images_per_prompt}, the official scorer takes 1 or 4 tiles"
        )
    if empty := [prompt.id for prompt in prompts if not prompt.text]:
        raise LadrError(f"dpg: prompt {empty[0]} is empty")
    return Suite(
        name="dpg",
        version=VERSION,
        source=source_of("dpg"),
        columns=COLUMNS,
        prompts=tuple(prompts),
        images_per_prompt=images_per_prompt,
        place=lambda i, j: f"{prompts[i].id}.png",
    )


def find_questions(path: Path | None = None) -> Path:
    """The question file that the user names, or the one that `fetch("dpg")` got."""
    return Path(path) if path else locate("dpg", "dpg_bench/dpg_bench.csv", None)


def load_questions(path: Path, suite: Suite) -> tuple[dict[str, list[DpgQuestion]], list[str]]:
    """All questions of `dpg_bench.csv`, checked row by row and by their counts, with notes on the file: is it
    byte for byte the published one, and has it the counts that the paper's values force?"""
    data = read_bytes(Path(path))
    questions = parse_questions(decoded(data, str(path)), suite, str(path))
    pinned = pin("dpg")["files"]["dpg_bench/dpg_bench.csv"]
    same = checksum(data, pinned) == pinned
    notes = [f"{Path(path).name} is {'' if same else 'NOT '}the file of {source_of('dpg')}, byte for byte"]
    counts = Counter(L1[q.l1] for qs in questions.values() for q in qs)
    for column, n in PAPER_QUESTIONS.items():
        if counts[column] != n:
            notes.append(f"{counts[column]} {column} questions; the paper's values are multiples of 1/{n}")
    return questions, notes


def parse_questions(text: str, suite: Suite, where: str = "questions") -> dict[str, list[DpgQuestion]]:
    """Item id -> its questions in the order of the file. Every item of `suite` has some, and no other item
    has."""
    questions: dict[str, list[DpgQuestion]] = defaultdict(list)
    for number, row in enumerate(csv_rows(text, CSV_COLUMNS, where), start=2):
        try:
            questions[row["item_id"]].append(_question(row))
        except (LadrError, ValueError, AttributeError, TypeError) as error:
            raise LadrError(f"{where}: line {number} ({row['item_id'].strip()[:40]}): {error}") from error
    for item, own in questions.items():
        _graph(item, own, where)
    missing, surplus = (
        sorted(suite.index.keys() - questions.keys()),
        sorted(questions.keys() - suite.index.keys()),
    )
    if missing or surplus:
        raise LadrError(
            f"{where}: items without questions: {some(missing) or 0}; unknown: {some(surplus) or 0}"
        )
    return dict(questions)


def _question(row: Mapping[str, str]) -> DpgQuestion:
    l2 = row["tuple"].split("(")[0].strip()
    l1 = l2.split("-")[0].strip()
    if l1 not in L1:
        raise LadrError(f"tuple {row['tuple']!r} has no known category{nearest(l1, L1)}")
    text = checked(row["question_natural_language"], "question_natural_language")
    parents = tuple(int(d) for d in row["dependency"].split(",") if int(d) != 0)
    return DpgQuestion(int(row["proposition_id"]), parents, l1, l2, text)


def _graph(item: str, own: Sequence[DpgQuestion], where: str) -> None:
    ids = [q.proposition for q in own]
    if len(set(ids)) != len(ids):
        raise LadrError(f"{where}: item {item} has proposition {Counter(ids).most_common(1)[0][0]} twice")
    for q in own:
        if unknown := set(q.parents) - set(ids):
            raise LadrError(
                f"{where}: item {item}, proposition {q.proposition}: no proposition {unknown.pop()}"
            )


def first_item(questions: Questions) -> str:
    """The first item of the file. The official script skips its first question, fails on it there, and leaves
    it out of the mean."""
    return next(iter(questions))


TILE = re.compile(r"\((\d+), (\d+), (\d+), (\d+)\)")


def tile_of(crop: str, where: str) -> int:
    """The tile number, 0..3, of a crop as the official script writes it."""
    match = TILE.fullmatch(crop)
    if not match:
        raise LadrError(f"{where}: crop {crop!r} is not (x0, y0, x1, y1)")
    x, y, right, bottom = map(int, match.groups())
    side = right - x
    if side <= 0 or bottom - y != side or x not in (0, side) or y not in (0, side):
        raise LadrError(f"{where}: crop {crop} is no tile of a 2x2 grid")
    return x // side + 2 * (y // side)
