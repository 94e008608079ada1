"""Tables of results: all judgements in one table, scores with intervals, differences to a baseline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ladr.base.errors import LadrError
from ladr.base.escape import cells
from ladr.base.files import appearing
from ladr.benchmarks.intervals import difference, mcnemar
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row, read_rows
from ladr.benchmarks.summary import (
    OVERALL,
    UNSEEN,
    Columns,
    Tabled,
    TableLine,
    of_kind,
    sample,
    samples,
    summarise,
)

KEYS = ["cell", "prompt", "image", "column"]
TIDY = [*KEYS, "question", "kind", "value"]
MUST_AGREE = ("benchmark", "version", "evaluator", "prompts_sha256", "images_per_prompt")


def tidy(cells: Mapping[str, Sequence[Row]]) -> pd.DataFrame:
    """One line per judgement of every cell, sorted, so that the order of the rows does not matter."""
    lines = [{"cell": cell, **asdict(row)} for cell, rows in cells.items() for row in rows]
    table = pd.DataFrame(lines, columns=TIDY)
    return table.sort_values([*KEYS, "kind", "question"], kind="stable", ignore_index=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write Parquet or CSV, as the file's name ends. The file appears whole or not at all."""
    writers = {".parquet": table.to_parquet, ".csv": cells(table).to_csv}
    if path.suffix not in writers:
        raise LadrError(f"{path}: ending {path.suffix!r} is neither of {', '.join(writers)}")
    with appearing(path) as half:
        writers[path.suffix](half, index=False)


def require_complete(
    cell: str, rows: Sequence[Row], prompts: Sequence[Prompt], images_per_prompt: int
) -> None:
    """LadrError if a cell lacks an image of a prompt, or has one that no prompt asked for."""
    expected = {(p.id, n) for p in prompts for n in range(images_per_prompt)}
    present = {(row.prompt, row.image) for row in rows if row.kind == "score"}
    for keys, what in ((expected - present, "missing"), (present - expected, "too many")):
        if keys:
            prompt, number = min(keys)
            raise LadrError(f"cell {cell}: image {number} of prompt {prompt} {what} ({len(keys)} in all)")


def read_cells(files: Mapping[str, Path]) -> tuple[dict[str, object], dict[str, tuple[Row, ...]]]:
    """The rows of several cells that answer the same prompts, and the header that they share."""
    shared: dict[str, object] = {}
    cells: dict[str, tuple[Row, ...]] = {}
    for cell, path in files.items():
        head, cells[cell] = read_rows(path)
        shared = shared or head
        for key in MUST_AGREE:
            if head.get(key) != shared.get(key):
                raise LadrError(
                    f"{path}: {key} is {head.get(key)!r}, the other cells have {shared.get(key)!r}; "
                    "only runs of the same prompts and evaluator can be compared"
                )
    return shared, cells


def summary(suite: Tabled, rows: Sequence[Row], ceiling: Sequence[Row] | None = None) -> pd.DataFrame:
    """The benchmark's table in percent: value, 95 % interval, number of prompts, floor, ceiling, note. A
    missing number is N/A.

    The last two lines are no scores: junk area (share of the foreground that nothing explains) and diversity
    (mean distance between the images of one prompt; missing where each prompt has one image only).
    """
    lines = [_percent(line) for line in summarise(suite, rows, ceiling)]
    for kind, name in (("junk", "Junk area"), ("diversity", "Diversity")):
        lines.append(_percent(TableLine(name, of_kind(rows, kind), note="not a score")))
    return pd.DataFrame(lines, columns=["column", "value", "low", "high", "n", "floor", "ceiling", "note"])


def table_lines(suite: Tabled, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The lines of `summary` as plain dicts; a missing value is None."""
    return summary(suite, list(rows)).astype(object).where(lambda t: t.notna(), None).to_dict("records")


def _percent(line: TableLine) -> dict[str, object]:
    s = line.score
    values: dict[str, float | None] = {"value": s.value, "low": s.low, "high": s.high} if s else {}
    values |= {"floor": line.floor, "ceiling": line.ceiling}
    percent = {name: 100 * value for name, value in values.items() if value is not None}
    return {"column": line.column, "n": s.n if s else 0, "note": line.note, **percent}


def compare(suite: Tabled, ours: Sequence[Row], baseline: Sequence[Row]) -> pd.DataFrame:
    """Ours minus the baseline in points, column by column, paired by prompt. Each line has a 95 % interval,
    and McNemar's p where the column holds one yes-or-no verdict per prompt."""
    a, b = samples(ours), samples(baseline)
    order = [c for c in suite.columns if c in a] + [c + UNSEEN for c in suite.columns if c + UNSEEN in a]
    columns: dict[str, tuple[str, ...]] = {c: (c,) for c in order}
    if suite.overall and set(suite.overall) <= a.keys():
        columns[overall_name(suite.overall)] = suite.overall
    return pd.DataFrame([_compared(name, parts, a, b) for name, parts in columns.items()])


def overall_name(columns: Sequence[str]) -> str:
    """The name of the mean of these columns. Where a substitute scored them it carries its name."""
    _, bracket, scorer = columns[0].partition(" [")
    return f"{OVERALL}{bracket}{scorer}"


def _compared(name: str, parts: Sequence[str], a: Columns, b: Columns) -> dict[str, object]:
    pairs = []
    for column in parts:
        prompts = sorted(a[column])
        if prompts != sorted(b.get(column, ())):
            raise LadrError(f"column {column}: the two runs were not asked the same prompts")
        pairs.append((sample(a[column], prompts), sample(b[column], prompts)))
    gain = difference([x for x, _ in pairs], [y for _, y in pairs])
    p = mcnemar(*pairs[0]) if len(pairs) == 1 else None
    return {
        "column": name,
        "difference": 100 * gain.value,
        "low": 100 * gain.low,
        "high": 100 * gain.high,
        "n": gain.n,
        "mcnemar_p": np.nan if p is None else p,
    }
