"""What each part of the doubt budget does on Potts grids of several sizes: a table of exact divergences."""

from collections.abc import Iterator

import pandas as pd

from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Table
from ladr.figures.frame.theory import recorded, sections

NEEDS = "theory"
LARGE = "parts_large"  # the section is there where `ladr theory` was asked for it
EXPLAINED = (
    "Mean forward passes, and the Kullback-Leibler divergence from the exact distribution in nats for the "
    "whole grid, with one standard error over samples of the truth, at each coupling of neighbours. T: "
    "steps. Cells that decide come by their largest probability (top), in a fixed order that spreads them "
    "out (Halton), or by their largest probability with no two next to each other (independent). Power: the "
    "exponent of how many decide. The entropy bound has no use for T. {verdicts} Backbone: field, no "
    "weights. One prompt, the empty one; {samples}. Machine: {machine}. Results of {dates}."
)


def draw(results: Results) -> Iterator[Table]:
    large = [LARGE] if LARGE in recorded(results) else []
    parts, origin = sections(results, "parts", *large)
    rows = pd.DataFrame([row for section in parts for row in section["rows"]])
    counts = rows.groupby("size", sort=False).samples.first().items()
    caption = EXPLAINED.format(
        verdicts=" ".join(f"{section['title']}: {section['verdict']}" for section in parts),
        samples=", ".join(f"{count} samples on {size}" for size, count in counts),
        **origin,
    )
    title = "The doubt budget's parts on exact fields"
    data = rows[["size", "codes", "coupling", "rule", "steps", "nfe", "kl", "se", "samples"]]
    yield Table("divergence-parts", title, shown(rows), data, caption, folder="theory")


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """One line for each size, rule and number of steps, one column for each coupling."""
    lines: dict[tuple, dict[str, str]] = {}
    for row in rows.itertuples():
        field = f"{row.size}, {row.codes} codes"
        key = (field, row.rule, row.steps)
        line = lines.setdefault(key, {"Field": field, "Rule": row.rule, "T": str(row.steps)})
        line[f"coupling {row.coupling:g}"] = f"{row.nfe:.1f}, {row.kl:.2f} ± {row.se:.2f}"
    return pd.DataFrame(list(lines.values()))
