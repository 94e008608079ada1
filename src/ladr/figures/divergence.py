"""Exact KL(truth || sampler) on Potts grids against forward passes."""

from collections.abc import Iterator

import pandas as pd

from ladr.figures.frame import style
from ladr.figures.frame.results import NotAskedError, Results
from ladr.figures.frame.save import Plot
from ladr.paper.significance import LEVEL

NEEDS = "theory"
EXPLAINED = (
    "Kullback-Leibler divergence of each sampler from the exact distribution, in nats for the whole grid "
    "(95 % interval over samples of the truth), against mean forward passes: lower left is better. "
    "Filled: exact; hollow: an upper bound, of samplers that choose cells with noise. {verdict} {made}"
)


def draw(results: Results) -> Iterator[Plot]:
    if not (results.root / "theory.json").is_file():
        raise NotAskedError(f"{results.root}/theory.json is not there; `ladr theory --json` prints it")
    found = results.theory()
    told = found["divergence"]
    rows = pd.DataFrame(told["rows"])
    couplings = list(dict.fromkeys(rows.coupling))
    figure, panels = style.canvas(style.WIDE, 3.2 * len(couplings), len(couplings), 1, sharex=True)
    looks = style.looks(rows.rule)
    for panel, coupling in zip(panels[:, 0], couplings, strict=True):
        for rule, group in rows[rows.coupling == coupling].groupby("rule", sort=False):
            _line(panel, rule, group.sort_values("nfe"), looks[rule])
        panel.set(yscale="log", ylabel=f"KL, nats (coupling {coupling:g})")
    panels[-1, 0].set_xlabel("forward passes per sample")
    style.beside(panels[0, 0])
    caption = EXPLAINED.format(verdict=told["verdict"], made=_made(found))
    yield Plot("divergence", told["title"], figure, caption)


def _line(panel, rule: str, group: pd.DataFrame, look: dict[str, str]) -> None:
    exact = (group.kind == "exact").all()
    half = LEVEL * group.se
    low = half.where(half < group.kl, 0.9 * group.kl)
    face = look["color"] if exact else "white"
    panel.errorbar(
        group.nfe,
        group.kl.clip(lower=1e-3),
        [low, half],
        lw=1.1,
        elinewidth=0.9,
        mfc=face,
        label=rule,
        **look,
    )


def _made(found: dict) -> str:
    made = found.get("provenance")
    if not made:
        return "Backbone: field, exact; machine and date do not matter to exact numbers."
    return f"Backbone: field. Machine: {made['cpu']}. Results of {made['date']}."
