"""Exact KL(truth || sampler) on Potts grids against forward passes."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.errors import LadrError
from ladr.figures.frame import style
from ladr.figures.frame.caption import dates, machine
from ladr.figures.frame.results import NotAskedError, Results
from ladr.figures.frame.save import Plot
from ladr.paper.significance import LEVEL

NEEDS = "theory"
EXPLAINED = (
    "Kullback-Leibler divergence of each sampler from the exact distribution, in nats for the whole grid "
    "(95 % interval over samples of the truth), against mean forward passes: lower left is better. Filled: "
    "exact; hollow: an upper bound, of samplers that choose cells with noise. Lines join the same rule with "
    "other step counts. Blue: LADR and its variants; orange: fixed orders; green: thresholds; grey: plain "
    "decoding. {verdict} {made}"
)
FAMILIES = {"LADR": 0, "entropy": 2, "threshold": 2, "cosine": -1, "MaskGIT": -1}  # else a fixed order
ORDERS = 1


def draw(results: Results) -> Iterator[Plot]:
    if not (results.root / "theory.json").is_file():
        raise NotAskedError(f"{results.root}/theory.json is not there; `ladr theory --json` prints it")
    found = results.theory()
    told = found["divergence"]
    rows = pd.DataFrame(told["rows"])
    couplings = list(dict.fromkeys(rows.coupling))
    figure, panels = style.canvas(style.WIDE, 2.2 + 2.7 * len(couplings), len(couplings), 1, sharex=True)
    looks = _looks(list(dict.fromkeys(rows.rule)))
    for panel, coupling in zip(panels[:, 0], couplings, strict=True):
        for rule, group in rows[rows.coupling == coupling].groupby("rule", sort=False):
            _line(panel, rule, group.sort_values("nfe"), looks[rule])
        panel.set(yscale="log", ylabel=f"KL, nats (coupling {coupling:g})")
        style.plain(panel.yaxis)
    panels[-1, 0].set(xlabel="forward passes per sample", xscale="log")
    style.counts(panels[-1, 0].xaxis)
    style.below(figure, panels[0, 0], 2)
    caption = EXPLAINED.format(verdict=told["verdict"], made=_made(results, found, rows))
    yield Plot("divergence", told["title"], figure, caption)


def _looks(rules: list[str]) -> dict[str, dict[str, Any]]:
    """A colour per family, a marker per member."""
    out, seen = {}, dict.fromkeys(range(-1, len(FAMILIES)), 0)
    for rule in rules:
        family = next((i for name, i in FAMILIES.items() if rule.startswith(name)), ORDERS)
        colour = style.QUIET if family < 0 else style.COLOURS[family]
        out[rule] = {"color": colour, "marker": style.MARKERS[seen[family] % len(style.MARKERS)]}
        seen[family] += 1
    return out


def _line(panel: Any, rule: str, group: pd.DataFrame, look: dict[str, str]) -> None:
    exact = (group.kind == "exact").all()
    half = LEVEL * group.se
    low = half.where(half < group.kl, 0.9 * group.kl)
    bar = {"lw": 1.1, "elinewidth": 0.9, "mfc": look["color"] if exact else "white", "label": rule, **look}
    panel.errorbar(group.nfe, group.kl.clip(lower=1e-3), [low, half], **bar)


def _made(results: Results, found: dict, rows: pd.DataFrame) -> str:
    made = found.get("provenance")
    if made is None or "grid" not in rows:
        where = results.root / "theory.json"
        raise LadrError(f"{where} does not say what made it; `ladr theory --json` does, again")
    one = rows.iloc[0]
    samples = " to ".join(str(n) for n in dict.fromkeys((rows.samples.min(), rows.samples.max())))
    return (
        f"Backbone: field, {one.grid[0]}x{one.grid[1]} cells, {one.codes} codes, no weights. One prompt, the "
        f"empty one; {samples} images (samples of the truth) per point. Machine: {machine(made)}. Results of "
        f"{dates([made['began'], made['ended']])}."
    )
