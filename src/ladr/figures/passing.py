"""How often tau matters: the share of frontier cells whose gap exceeds tau, over time."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.caption import about
from ladr.figures.frame.looks import look_of
from ladr.figures.frame.phases import spans_of
from ladr.figures.frame.results import NotAskedError, Results, rows_of
from ladr.figures.frame.save import Plot

NEEDS = "rescue"
BINS = 20
EXPLAINED = (
    "Of the frontier cells at each time, in {label}: how many pass tau (line), how many at most may be "
    "rescued (steps: alpha). tau decides only where the line is below the steps; elsewhere alpha is the "
    "limit. {tau}"
)


def draw(results: Results) -> Iterator[Plot]:
    empty = True
    for backbone, benchmark, scores in results.places():
        rows = rows_of(scores)
        spans = spans_of(results, rows)
        for row in rows.itertuples():
            policy = results.record(row.cell)["spec"]["sampler"]["policy"]
            if spans and policy.get("phases") and policy.get("where") == "frontier":
                empty = False
                yield plot(results, benchmark, backbone, row)
                break
    if empty:
        raise NotAskedError("no sampler of the experiment rescues frontier cells")


def plot(results: Results, benchmark: str, backbone: str, row) -> Plot:
    phases = results.record(row.cell)["spec"]["sampler"]["policy"]["phases"]
    trace = results.trace(row.cell)
    trace = trace[trace.frontier > 0]
    figure, ((panel,),) = style.canvas(style.WIDE, 3.6)
    t, share = binned(trace)
    colour = look_of(results, row.label)["color"]
    panel.plot(t, 100 * share, color=colour, marker="o", ms=4, label="pass tau")
    edges = [0, *(p["until"] for p in phases.values())]
    limits = [100 * p["alpha"] for p in phases.values()]
    panel.stairs(limits, edges, baseline=None, color="black", lw=1.6, label="alpha: may be rescued")
    for name, left, right in zip(phases, edges, edges[1:], strict=False):
        panel.axvline(right, color=style.QUIET, lw=0.8, ls=":")
        panel.text((left + right) / 2, 104, name, ha="center", va="bottom", fontsize=8.5, color="#444444")
    panel.set(xlabel="effective time", ylabel="share of the frontier, %", xlim=(-0.02, 1.02), ylim=(0, 103))
    style.below(figure, panel, 2)
    tau = "; ".join(
        f"{n}: tau {'none' if p['tau'] is None else format(p['tau'], 'g')}" for n, p in phases.items()
    )
    caption = f"{EXPLAINED.format(label=row.label, tau=tau + '.')} {about(results, [row.cell])}"
    title = f"Frontier cells that pass tau: {benchmark} on {backbone}"
    return Plot(f"passing-{benchmark}-{backbone}", title, figure, caption, folder=backbone)


def binned(trace: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean time, and the share over all cells, in equal bins of time; empty bins are left out."""
    place = np.minimum((trace.t * BINS).astype(int), BINS - 1)
    grouped = trace.groupby(place)
    return grouped.t.mean().to_numpy(), (grouped.passing.sum() / grouped.frontier.sum()).to_numpy()
