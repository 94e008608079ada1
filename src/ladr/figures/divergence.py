"""Exact KL(truth || sampler) on Potts grids against forward passes."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ladr.base.errors import LadrError
from ladr.figures.frame import style
from ladr.figures.frame.caption import dates, machine
from ladr.figures.frame.looks import look_named
from ladr.figures.frame.results import Results
from ladr.figures.frame.save import Plot
from ladr.figures.frame.theory import recorded
from ladr.paper.audit.significance import LEVEL

NEEDS = "theory"
EXPLAINED = (
    "Kullback-Leibler divergence of each sampler from the exact distribution, in nats for the whole grid (95 "
    "% interval over samples of the truth), against mean forward passes, one column of panels for each "
    "coupling of neighbours: lower left is better; each row of panels has its own axes. Filled: exact; "
    "hollow: an upper bound, of samplers that choose cells with noise. Lines join the same rule with other "
    "step counts. Grey, in every panel: plain decoding; pale dots: samplers of the other rows, where they "
    "lie within. {ends}{verdict} {origin}"
)
ENDS = (
    "Arrow at the lower edge: the interval goes on below the axis; {zero} of these {all} include zero: such "
    "a divergence cannot be told from none. "
)
PLAIN = "plain decoding"
ORDERS = "fixed orders"
FAMILIES = {  # name -> the beginnings of its members' names; fixed orders have all other names
    "LADR and its variants": ("LADR",),
    ORDERS: (),
    "the doubt budget": ("doubt",),
    "thresholds": ("entropy", "threshold"),
    PLAIN: ("cosine", "MaskGIT"),
}
SAME = {"LADR": "ladr", "halton": "halton"}  # rules that are rows of params.yaml
PALE = "#CFCFCF"
HIGH, TICKS, COLUMNS = 2.3, 6, 2
ROOM = 1.25  # the axis ends above the highest interval, by this factor
GROUND = 1.6  # the axis begins below all values and whole intervals, by this factor
DEEP = 5.0  # an interval that goes down further below the lowest value, by this factor, is cut


def draw(results: Results) -> Iterator[Plot]:
    theory = recorded(results)
    section = theory["divergence"]
    rows = pd.DataFrame(section["rows"])
    origin = _origin(results, theory, rows)
    interval = {"low": rows.kl - LEVEL * rows.se, "high": rows.kl + LEVEL * rows.se}
    figure, cut = draw_rows(rows.assign(family=rows.rule.map(family), **interval))
    ends = ENDS.format(zero=(cut.low <= 0).sum(), all=len(cut)) if len(cut) else ""
    caption = EXPLAINED.format(ends=ends, verdict=section["verdict"], origin=origin)
    yield Plot("divergence", section["title"], figure, caption, folder="theory")


def draw_rows(rows: pd.DataFrame) -> tuple[Any, pd.DataFrame]:
    """The figure, and the rows whose intervals are cut and end in an arrow."""
    shown = [one for one in FAMILIES if one != PLAIN and one in set(rows.family)] or [PLAIN]
    couplings = list(dict.fromkeys(rows.coupling))
    parts = [rows[rows.family.isin((one, PLAIN))] for one in shown]
    strips = style.strips([-(part.rule.nunique() // -COLUMNS) for part in parts], len(couplings), HIGH)
    cut = []
    for (panels, under), one, part in zip(strips, shown, parts, strict=True):
        floor = _floor(part)
        _strip(panels, rows, one, floor)
        labelled = panels[0].get_legend_handles_labels()
        under.legend(*labelled, loc="upper center", ncols=COLUMNS, title=one).set_in_layout(False)
        cut.append(part[part.low < floor])
    for panel, coupling in zip(strips[0][0], couplings, strict=True):
        panel.set_title(f"coupling {coupling:g}")
    for panel in strips[-1][0]:
        panel.set_xlabel("forward passes")
    cut = pd.concat(cut)
    return strips[0][1].figure, cut[~cut.index.duplicated()]


def _floor(rows: pd.DataFrame) -> float:
    """Where the axis begins: below all values, and below all intervals that need not be cut."""
    least = rows.kl.where(rows.kl > 0, rows.high).min()
    return min(least, rows.low[rows.low > least / DEEP].min()) / GROUND


def family(rule: str) -> str:
    """The family of a rule."""
    return next((name for name, starts in FAMILIES.items() if rule.startswith(starts)), ORDERS)


def _strip(panels: list[Any], rows: pd.DataFrame, one: str, floor: float) -> None:
    """One panel per coupling, with one family in colour, plain decoding in grey and all others pale.

    All panels have the same axes, which begin at `floor`.
    """
    near = rows[rows.family.isin((one, PLAIN))]
    looks = _looks(rows)
    for panel, (_, here) in zip(panels, rows.groupby("coupling", sort=False), strict=True):
        others = here[~here.family.isin((one, PLAIN))]
        panel.plot(others.nfe, others.kl, ls="none", marker=".", color=PALE, zorder=1)
        for name in dict.fromkeys((one, PLAIN)):
            for rule, group in here[here.family == name].groupby("rule", sort=False):
                look = {**looks[rule], "zorder": 3 - (name == PLAIN)}
                _line(panel, rule, group.sort_values("nfe"), look, floor)
        style.counts(panel, near.nfe, TICKS)
        style.plain(panel, floor, near.high.max() * ROOM)
    panels[0].set_ylabel("KL, nats")


def _looks(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """A colour and a marker for each member of a family; grey for plain decoding."""
    out = {}
    for one, rules in rows.groupby("family", sort=False).rule:
        for place, name in enumerate(dict.fromkeys(rules)):
            look = look_named(SAME[name]) if name in SAME else style.other(place)
            out[name] = {**look, "color": style.QUIET} if one == PLAIN else look
    return out


def _line(panel: Any, rule: str, group: pd.DataFrame, look: dict[str, str], floor: float) -> None:
    """The values of a rule, joined, with their intervals; those that go on below the axis end in an arrow."""
    exact = (group.kind == "exact").all()
    at = group.kl.clip(lower=floor)
    edge = group.low.clip(lower=floor)
    inside = group.kl.where(group.kl > floor)
    panel.plot(group.nfe, inside, **look, mfc=look["color"] if exact else "white", lw=1.1, label=rule)
    panel.errorbar(
        group.nfe, at, [at - edge, group.high - at], fmt="none", ecolor=look["color"], elinewidth=0.9
    )
    for across in group.nfe[group.low < floor]:
        panel.plot([across], [floor], ls="none", marker="v", clip_on=False, color=look["color"])


def _origin(results: Results, theory: dict, rows: pd.DataFrame) -> str:
    """The model, the samples, the machine and the dates, for the caption."""
    provenance = theory.get("provenance")
    if provenance is None or "grid" not in rows:
        where = results.root / "theory.json"
        raise LadrError(f"{where} does not say what made it; run `ladr theory --json > {where}` again")
    one = rows.iloc[0]
    samples = " to ".join(str(n) for n in dict.fromkeys((rows.samples.min(), rows.samples.max())))
    return (
        f"Backbone: field, {one.grid[0]}x{one.grid[1]} cells, {one.codes} codes, no weights. One prompt, the "
        f"empty one; {samples} images (samples of the truth) per point. Machine: {machine(provenance)}. "
        f"Results of {dates([provenance['began'], provenance['ended']])}."
    )
