"""Tables 1 to 4 as measured here: every sampler and column, with intervals, ceiling and floor."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ladr.figures.frame import roles
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import FEW, FEW_EXPLAINED, wide
from ladr.figures.frame.pairs import leaders
from ladr.figures.frame.results import DIVERSITY, JUNK, Results, rows_of, shown
from ladr.figures.frame.save import Table
from ladr.figures.frame.speed import Speed, speeds

NEEDS = "samplers"
EXPLAINED = (
    "Score in percent with its 95 % interval over prompts (Wilson, or bootstrap). Bold: best, underlined:"
    " second best, each where the paired 95 % interval of its lead over the next excludes zero. Ceiling: "
    "ground truth through the tokenizer. Floor: {base}'s images against other prompts. Passes: forward "
    "passes per image."
)


def draw(results: Results) -> Iterator[Table]:
    for backbone, benchmark, scores in results.places():
        yield table(results, backbone, benchmark, scores)


def table(results: Results, backbone: str, benchmark: str, scores: pd.DataFrame) -> Table:
    rows = roles.beside(results, rows_of(scores))
    extra = scores[scores.column.isin((DIVERSITY, JUNK)) & scores.value.notna()]
    columns = [*shown(scores.column), *dict.fromkeys(extra.column)]
    measured = speeds(results, rows)
    marks = {c: leaders(results, rows, scores, c) for c in shown(scores.column)}
    lines = [_line(row, scores, columns, measured, marks) for row in rows.itertuples()]
    lines += _limits(scores, rows, columns)
    caption = EXPLAINED.format(base=_base(rows))
    caption += f" {FEW_EXPLAINED}" if any(FEW in line.values() for line in lines) else ""
    caption += f" {measured.explained}{_notes(scores)} {about(results, rows.cell)}"
    data = scores.drop(columns=["seconds"])
    title = f"{benchmark} on {backbone}"
    return Table(f"table-{benchmark}-{backbone}", title, pd.DataFrame(lines), data, caption, folder=backbone)


def _line(row, scores, columns, measured: Speed, marks) -> dict[str, str]:
    out = {"Method": row.label, "Passes": f"{row.passes:.1f}", **measured.cells(row.name)}
    if (row.equivalents - row.passes) ** 2 > 0:
        out["Passes"] += f" ({row.equivalents:.1f} full)"
    mine = scores[scores.name == row.name].set_index("column")
    for column in columns:
        out[column] = _cell(mine.loc[column], marks.get(column, {}).get(row.name, ""))
    return out


def _cell(score: pd.Series, mark: str) -> str | float:
    if not np.isfinite(score.value):
        return np.nan
    if wide(score.low, score.high):
        return FEW
    value = {"best": "**{}**", "second": "<u>{}</u>"}.get(mark, "{}").format(f"{score.value:.1f}")
    interval = f" [{score.low:.1f}, {score.high:.1f}]" if np.isfinite(score.low) else ""
    return value + interval


def _limits(scores: pd.DataFrame, rows: pd.DataFrame, columns: list[str]) -> Iterator[dict[str, str | float]]:
    base = scores[scores.name == rows.iloc[0]["name"]].set_index("column")
    for kind in ("ceiling", "floor"):
        values = {c: base[kind].get(c, np.nan) for c in columns}
        if not any(map(np.isfinite, values.values())):
            continue
        texts = {c: f"{v:.1f}" if np.isfinite(v) else "" for c, v in values.items()}
        yield {"Method": f"*{kind}*", "Passes": "", **texts}


def _base(rows: pd.DataFrame) -> str:
    return rows.iloc[0]["label"]


def _notes(scores: pd.DataFrame) -> str:
    noted = scores[scores.note.fillna("").str.len() > 0].drop_duplicates("column")
    noted = noted[noted.column.isin(shown(scores.column))]
    return "".join(f" {row.column}: {row.note}." for row in noted.itertuples())
