"""Every method as a curve of score against passes, and what each gains over plain decoding."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ladr.experiment.lines import CURVES
from ladr.figures.frame import looks, style
from ladr.figures.frame.caption import about
from ladr.figures.frame.curve import Gain, MethodCurve, curves, gain, hull, plain
from ladr.figures.frame.results import Results, main
from ladr.figures.frame.save import Plot, Table

NEEDS = "curves"
PALE = 0.4  # opacity of the curves that have no point on the hull, or only the one where it begins
EACH = 3  # names in a line of the legend
FOOT = 0.19  # inches per line of the legend
EXPLAINED = (
    "{column} score against mean forward passes per image, one curve per method, each through several "
    "settings. Black line: the hull, the best that any mixture of two settings reaches. Curves with a "
    "setting on the hull, other than where it begins ({on}), are strong and have their 95 % intervals over "
    "prompts; the other curves are pale, and their intervals stand in the scores."
)
GAINED = (
    "Gain: mean points of {column} above plain decoding ({base}) at equal passes, that is the area "
    "between the two curves over the logarithm of passes, divided by the width of the stretch that both "
    "cover; 95 % interval by a paired bootstrap over prompts, passes held at their means. Area: points "
    "times doublings of the passes. Hull: has a setting that no mixture of two others beats at its "
    "passes."
)
ALONE = "The experiment has no curve of plain decoding, so nothing is compared with it."


def draw(results: Results) -> Iterator[Plot | Table]:
    groups = results.groups(CURVES)
    for group in groups:
        for backbone, benchmark, scores in results.scored(group):
            rows = main(scores)
            own = curves(rows)
            yield plot(results, backbone, benchmark, group, own)
            yield table(results, backbone, benchmark, group, own)


def plot(results: Results, backbone: str, benchmark: str, group: str, own: list[MethodCurve]) -> Plot:
    rows = pd.concat([curve.rows for curve in own])
    best = rows.iloc[hull(list(zip(rows.passes, rows.value, strict=True)))]
    on = strong(own, list(best.cell))
    column = rows.iloc[0].column
    high = 4.2 + FOOT * -(-(len(own) + 1) // EACH)
    figure, panels = style.canvas(height=high)
    panel = panels[0, 0]
    colours = looks_of(results, own, on)
    for curve in sorted(own, key=lambda curve: on[curve.name]):
        _curve(panel, curve, colours[curve.name], on[curve.name])
    panel.plot(best.passes, best.value, color="black", lw=1.0, zorder=1, label="hull")
    style.counts(panel, rows.passes)
    panel.set_ylabel(f"{benchmark}: {column}, %")
    panel.set_xlabel("forward passes per image")
    _legend(figure, panel, [*(curve.label for curve in own), "hull"])
    names = ", ".join(dict.fromkeys(curve.label for curve in own if on[curve.name]))
    caption = f"{EXPLAINED.format(column=column, on=names)} {about(results, rows.cell)}"
    name, title = _called(group, backbone, benchmark)
    return Plot(name, title, figure, caption, folder=backbone)


def strong(own: list[MethodCurve], best: list[str]) -> dict[str, bool]:
    """Name -> has the curve a cell on the hull `best`? The first cell counts only if it is the only one: of
    as few passes there is no other, so it has beaten nobody."""
    earned = set(best[1:] or best)
    return {curve.name: bool(set(curve.rows.cell) & earned) for curve in own}


def looks_of(results: Results, own: list[MethodCurve], on: dict[str, bool]) -> dict[str, dict[str, Any]]:
    """The look of each curve, by its name.

    It is that of the table's sampler with its label, or of params.yaml's with its name. The others' are
    counted out to those on the hull first, so that strong curves have colours of their own.
    """
    named = {curve.name: look for curve in own if (look := _sampler_look(results, curve))}
    rest = sorted((curve.name for curve in own if curve.name not in named), key=lambda name: not on[name])
    return named | {name: style.other(i) for i, name in enumerate(rest)}


def _sampler_look(results: Results, curve: MethodCurve) -> dict[str, Any] | None:
    if (results.lines(looks.SAMPLERS).label == curve.label).any():
        return looks.look_of(results, curve.label)
    return looks.look_named(curve.name) if curve.name in looks.KNOWN else None


def _curve(panel: Any, curve: MethodCurve, look: dict[str, Any], on: bool) -> None:
    rows = curve.rows
    more = {"alpha": 1.0, "lw": 2.0, "ms": 6.5, "zorder": 3} if on else {"alpha": PALE, "lw": 1.0, "ms": 4}
    panel.plot(rows.passes, rows.value, **look, **more, mec="white", mew=0.6, label=curve.label)
    for row in rows.itertuples() if on else ():
        bars = {"yerr": style.whisker(row), "fmt": "none", "ecolor": look["color"]}
        panel.errorbar([row.passes], [row.value], **bars, alpha=style.PALE, elinewidth=1, zorder=2)


def _legend(figure: Any, panel: Any, labels: list[str]) -> None:
    """The legend in the order of params.yaml; curves are drawn in another one."""
    handles, names = panel.get_legend_handles_labels()
    by_name = dict(zip(names, handles, strict=True))
    shown = list(dict.fromkeys(labels))
    figure.legend(
        [by_name[name] for name in shown], shown, loc="outside lower center", ncols=EACH, fontsize=8
    )


def table(results: Results, backbone: str, benchmark: str, group: str, own: list[MethodCurve]) -> Table:
    rows = pd.concat([curve.rows for curve in own])
    best = set(rows.iloc[hull(list(zip(rows.passes, rows.value, strict=True)))].cell)
    base, column = plain(results, own), rows.iloc[0].column
    gains = {curve.name: base and gain(results, curve, base, column) for curve in own}
    ranked = sorted(own, key=lambda curve: -_value(gains[curve.name]))
    lines = [_line(curve, gains[curve.name], best) for curve in ranked]
    shown = [_shown(line) for line in lines]
    caption = ALONE if base is None else GAINED.format(column=column, base=base.label)
    name, title = _called(group, backbone, benchmark)
    title = f"{title}: what each method gains"
    caption = f"{caption} {about(results, rows.cell)}"
    return Table(f"{name}-gain", title, pd.DataFrame(shown), pd.DataFrame(lines), caption, folder=backbone)


def _value(gained: Gain | None) -> float:
    return -np.inf if gained is None else gained.estimate.value


def _line(curve: MethodCurve, gained: Gain | None, best: set[str]) -> dict[str, Any]:
    top = curve.rows.loc[curve.rows.value.idxmax()]
    measured = {"gain": np.nan, "low": np.nan, "high": np.nan, "area": np.nan, "start": np.nan, "end": np.nan}
    if gained is not None:
        one = gained.estimate
        ends = {"area": gained.area, "start": gained.start, "end": gained.end}
        measured = {"gain": one.value, "low": one.low, "high": one.high, **ends}
    return {
        "method": curve.label, **measured, "hull": sum(cell in best for cell in curve.rows.cell),
        "best": top.value, "best_passes": top.passes, "settings": len(curve.rows),
    }  # fmt: skip


def _shown(line: dict[str, Any]) -> dict[str, str | float]:
    known = np.isfinite(line["gain"])
    return {
        "Method": line["method"],
        "Gain, points": "{gain:+.1f} [{low:+.1f}, {high:+.1f}]".format(**line) if known else np.nan,
        "Between passes": "{start:.1f} and {end:.1f}".format(**line) if known else np.nan,
        "Area": f"{line['area']:+.1f}" if known else np.nan,
        "Hull": "yes" if line["hull"] else "",
        "Best score": f"{line['best']:.1f}",
        "at passes": f"{line['best_passes']:.1f}",
    }


def _called(group: str, backbone: str, benchmark: str) -> tuple[str, str]:
    """The name of the files and the title of a group in one place."""
    key = group.removeprefix(CURVES)
    return (
        f"curves-{key}-{benchmark}-{backbone}",
        f"Quality against passes, method by method: {benchmark} on {backbone}",
    )
