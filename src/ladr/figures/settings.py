"""One backbone under several settings, side by side: does the order of the samplers depend on them?"""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from ladr.figures.frame import roles
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import FEW, FEW_EXPLAINED, Place, written
from ladr.figures.frame.results import NotAskedError, Results, main, rows_of
from ladr.figures.frame.save import Table

NEEDS = "settings"
EXPLAINED = (
    "Forward passes per image, and the score in percent with its 95 % interval over prompts, for each row of "
    "the experiment's backbones. Lines that name two samplers are the first less the second in points, "
    "paired by prompt, with its 95 % interval."
)


def draw(results: Results) -> Iterator[Table]:
    alike: dict[tuple[str, str], list[tuple[str, pd.DataFrame]]] = {}
    for backbone, benchmark, scores in results.scored():
        kind = results.record(scores.cell.iloc[0])["spec"]["backbone"]["name"]
        alike.setdefault((kind, benchmark), []).append((backbone, main(scores)))
    several = {place: held for place, held in alike.items() if len(held) > 1}
    if not several:
        raise NotAskedError("no two rows of `backbones` are one backbone with other settings")
    for (kind, benchmark), held in several.items():
        yield table(results, kind, benchmark, held)


def table(results: Results, kind: str, benchmark: str, held: Sequence[tuple[str, pd.DataFrame]]) -> Table:
    """held: each row of `backbones` that is of this kind, with the main column's scores of its samplers."""
    lines: dict[str, dict[str, str]] = {}
    facts = []
    for backbone, scores in held:
        rows = rows_of(scores)
        for row in rows.itertuples():
            line = lines.setdefault(row.label, {"Method": row.label})
            line[f"{backbone}, passes"] = f"{row.passes:.1f}"
            line[f"{backbone}, {row.column}"] = written("points", row.value, row.low, row.high)
            facts.append(_score(backbone, benchmark, row))
        for fact in _differences(results, backbone, benchmark, rows):
            name = f"{fact.ours} less {fact.theirs}"
            line = lines.setdefault(name, {"Method": name})
            line[f"{backbone}, {rows.column.iloc[0]}"] = written("points", fact.value, fact.low, fact.high)
            facts.append(fact.line())
    every = pd.DataFrame(lines.values()).fillna("")
    caption = f"{EXPLAINED} {FEW_EXPLAINED} " if every.eq(FEW).any(axis=None) else f"{EXPLAINED} "
    caption += about(results, [cell for _, scores in held for cell in scores.cell])
    return Table(
        f"settings-{benchmark}-{kind}",
        f"Under other settings: {benchmark} on {kind}",
        every,
        pd.DataFrame(facts),
        caption,
        folder="settings",
    )


def _score(backbone: str, benchmark: str, row: Any) -> dict[str, Any]:
    """A score as a line of the data: like a difference, to nothing."""
    return {
        "backbone": backbone, "benchmark": benchmark, "ours": row.label, "theirs": "",
        "what": f"{row.column}, percent", "value": row.value, "low": row.low, "high": row.high,
        "ours_passes": row.passes,
    }  # fmt: skip


def _differences(results: Results, backbone: str, benchmark: str, rows: pd.DataFrame) -> Iterator[Any]:
    """Every sampler that has an opponent with its passes, less that opponent, and less LADR."""
    place = Place(results, "", backbone, benchmark)
    named = {row.name: row for row in rows.itertuples()}
    ladr = roles.rescuing(results, rows)
    pairs = [
        (named[other], named[name])
        for name, other in roles.opponents(results, rows).items()
        if other in named
    ]
    pairs += [(row, ladr) for row in roles.doubting(results, rows) if ladr is not None]
    for ours, theirs in pairs:
        fact = place.scores(ours, theirs, ours.column)
        if fact is not None:
            yield fact
