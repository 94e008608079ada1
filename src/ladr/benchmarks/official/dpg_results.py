"""DPG-Bench: scores from answers, by the official rules and over all tiles; import of the official files."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath

from ladr.base.errors import LadrError
from ladr.benchmarks.official.dpg import COLUMNS, L1, VERSION, DpgQuestion, Questions, first_item, tile_of
from ladr.benchmarks.official.suite import Score, Scores, Suite, formed, lines, mean, some

Marks = Callable[[str, int, Sequence[DpgQuestion]], Sequence[int]]
Answers = Mapping[tuple[str, int], Mapping[int, bool]]  # (item, tile) -> proposition -> yes
DETAIL = re.compile(r"^(?P<path>.*), (?P<crop>\(\d+, \d+, \d+, \d+\)), (?P<question>.*), (?P<answer>[^,]*)$")
NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
RESULT = re.compile(rf"^(?P<path>.*?)(?P<values>(?:, {NUMBER}){{2,5}})$")
PRINTED = re.compile(r"^DPG-Bench score: (?P<value>\S+)$")
TOLERANCE = 1e-6
LONGEST_ROW = 1 << 13  # characters: a path, a question and an answer


def zeroed(questions: Sequence[DpgQuestion], answers: Mapping[int, bool]) -> list[int]:
    """0 or 1 for each question in the order of the file. A question with a parent at zero is zero. As in the
    official script, this reaches all generations whose parents stand before them in the file."""
    scores = {q.proposition: int(answers[q.proposition]) for q in questions}
    for q in questions:
        if any(scores[parent] == 0 for parent in q.parents):
            scores[q.proposition] = 0
    return [scores[q.proposition] for q in questions]


def aggregate(
    suite: Suite,
    questions: Questions,
    answers: Answers,
    scorer: str,
    notes: Sequence[str] = (),
    loses: str | None = None,
) -> Scores:
    """Scores from the answers to every question of every tile.

    Overall is the mean over items of the mean over tiles of the mean of zeroed answers. The L1 columns are
    means over questions: of raw answers on all tiles in `columns`; of raw answers on the last tile in
    `official`, as the official script prints; of zeroed answers on all tiles in `others["zeroed"]`. An item
    without answers is refused, except `loses` (default: the file's first item), which the official script
    loses.
    """
    items, lost = _complete(suite, questions, answers, loses or first_item(questions))
    tiles = range(suite.images_per_prompt)
    rows = [_row(suite, item, tile, questions[item], answers[item, tile]) for item in items for tile in tiles]
    overall = {"Overall": _overall(rows, len(tiles))}

    def plain(item: str, tile: int, own: Sequence[DpgQuestion]) -> list[bool]:
        return [answers[item, tile][q.proposition] for q in own]

    raw = _by_l1(questions, items, tiles, plain)
    last = _by_l1(questions, items, tiles[-1:], plain)
    zero = _by_l1(questions, items, tiles, lambda item, tile, own: zeroed(own, answers[item, tile]))
    skipped = [f"{item} has no score: the official script skips its first question" for item in lost]
    return Scores(
        benchmark="dpg",
        version=VERSION,
        prompts_sha256=suite.prompts_sha256,
        scorer=scorer,
        columns=_ratios(raw) | overall,
        official=_ratios(last) | overall,
        counts=raw,
        rows=rows,
        notes=(*notes, *skipped),
        others={"zeroed": _ratios(zero)},
    )


def _overall(rows: Sequence[Score], tiles: int) -> float:
    """The mean over items of the mean over an item's tiles."""
    per_item = [rows[k : k + tiles] for k in range(0, len(rows), tiles)]
    return mean([mean([row.value for row in own], "tiles") for own in per_item], "items")


def _ratios(counts: Mapping[str, tuple[float, int]]) -> dict[str, float]:
    return {column: n / total if total else float("nan") for column, (n, total) in counts.items()}


def _by_l1(
    questions: Questions, items: Sequence[str], tiles: Sequence[int], marks: Marks
) -> dict[str, tuple[float, int]]:
    """L1 column -> (sum, number) of `marks(item, tile, questions)` over `items` and `tiles`."""
    sums = dict.fromkeys(COLUMNS[:-1], 0.0)
    numbers = dict.fromkeys(COLUMNS[:-1], 0)
    for item in items:
        for tile in tiles:
            for q, mark in zip(questions[item], marks(item, tile, questions[item]), strict=True):
                sums[L1[q.l1]] += mark
                numbers[L1[q.l1]] += 1
    return {column: (sums[column], numbers[column]) for column in sums}


def _row(
    suite: Suite, item: str, tile: int, own: Sequence[DpgQuestion], answers: Mapping[int, bool]
) -> Score:
    wrong = "; ".join(f"no: {q.text}" for q in own if not answers[q.proposition])
    value = sum(zeroed(own, answers)) / len(own)
    return Score(item, tile, "Overall", value, wrong, suite.place(suite.index[item], tile))


def _complete(
    suite: Suite, questions: Questions, answers: Answers, loses: str
) -> tuple[list[str], list[str]]:
    complete: list[str] = []
    short: list[str] = []
    for item, own in questions.items():
        due = {q.proposition for q in own}
        whole = all(due == answers.get((item, t), {}).keys() for t in range(suite.images_per_prompt))
        (complete if whole else short).append(item)
    if wrong := [item for item in short if item != loses]:
        raise LadrError(
            f"dpg: {len(wrong)} items lack answers for one of {suite.images_per_prompt} tiles ({some(wrong)})"
        )
    return complete, short


def read_detail(suite: Suite, questions: Questions, path: Path) -> dict[tuple[str, int], dict[int, bool]]:
    """The official `_detail.txt`: (item, tile) -> proposition -> yes. Where two questions have the same
    words, their answers are taken in the order of the file."""
    slots: dict[tuple[str, int], dict[str, list[int]]] = {}
    answers: dict[tuple[str, int], dict[int, bool]] = defaultdict(dict)
    for number, line in lines(path, LONGEST_ROW):
        where = f"{path}: row {number}"
        match = DETAIL.match(line)
        if not match:
            raise LadrError(f"{where}: {line[:80]!r} is not `path, crop, question, answer`")
        key = (_item(match["path"], suite, where), tile_of(match["crop"], where))
        if key[1] >= suite.images_per_prompt:
            raise LadrError(
                f"{where}: tile {key[1] + 1}, this suite has {suite.images_per_prompt} per prompt"
            )
        if key not in slots:
            slots[key] = defaultdict(list)
            for q in questions[key[0]]:
                slots[key][q.text].append(q.proposition)
        due = slots[key][match["question"]]
        if not due:
            raise LadrError(f"{where}: {key[0]} has no (further) question {match['question']!r}")
        answers[key][due.pop(0)] = match["answer"] == "yes"
    return dict(answers)


def _item(path: str, suite: Suite, where: str) -> str:
    item = PurePath(path.replace("\\", "/")).name.split(".")[0]
    if item not in suite.index:
        raise LadrError(f"{where}: {path!r} is no item of this benchmark")
    return item


def import_results(
    suite: Suite,
    questions: Questions,
    detail: Path,
    results: Path | None = None,
    notes: Sequence[str] = (),
    loses: str | None = None,
) -> Scores:
    """Scores of official files. `detail` is enough; with `results` its printed means are checked too."""
    answers = read_detail(suite, questions, detail)
    scores = aggregate(suite, questions, answers, "official", notes, loses)
    if results is not None:
        _agree(suite, scores, results)
    return scores


def _agree(suite: Suite, scores: Scores, path: Path) -> None:
    """LadrError unless the tile scores and the total of `_results.txt` are those of the answers."""
    items, printed = read_results(suite, path)
    ours = defaultdict(list)
    for row in scores.rows:
        ours[row.prompt].append(row.value)
    if items.keys() != ours.keys():
        raise LadrError(
            f"{path}: items differ from the detail file: {some(sorted(items.keys() ^ ours.keys()))}"
        )
    for item, values in items.items():
        if any(abs(a - b) > TOLERANCE for a, b in zip(values, ours[item], strict=True)):
            raise LadrError(f"{path}: {item} has {values}, its answers give {ours[item]}")
    if printed is not None and abs(printed / 100 - scores.official["Overall"]) > TOLERANCE:
        raise LadrError(f"{path}: prints {printed}, its answers give {100 * scores.official['Overall']}")


def read_results(suite: Suite, path: Path) -> tuple[dict[str, list[float]], float | None]:
    """The official `_results.txt`: item -> score per tile, and the printed DPG-Bench score."""
    items: dict[str, list[float]] = {}
    printed = None
    for number, line in lines(path, LONGEST_ROW):
        where = f"{path}: row {number}"
        if match := PRINTED.match(line):
            with formed(where, "a total"):
                printed = float(match["value"])
        if line.startswith("Model: ") or printed is not None or not (match := RESULT.match(line)):
            continue
        with formed(where, "an item's scores"):
            *tiles, average = (float(v) for v in match["values"].split(", ")[1:])
        item = _item(match["path"], suite, where)
        if item in items:
            raise LadrError(f"{where}: {item} stands twice")
        if len(tiles) != suite.images_per_prompt or abs(mean(tiles, where) - average) > TOLERANCE:
            raise LadrError(f"{where}: {item} has tiles {tiles} and mean {average}")
        items[item] = tiles
    return items, printed
