"""`ladr theory` prints this: the claims of the paper's section 3.2 and what exact models say about them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ladr.experiment.cells.provenance import provenance
from ladr.paper.theory import (
    divergence,
    guarantee,
    masks,
    outlines,
    parts,
    proposition1,
    proposition2,
    reliability,
    riders,
    theorem1,
)

Rows = list[dict[str, Any]]


class Section(NamedTuple):
    """One claim: its table, and the verdict in words, which is computed from the rows."""

    key: str
    title: str
    rows: Callable[[bool], Rows]
    verdict: Callable[[Rows], str]


def _proposition1(rows: Rows) -> str:
    least = min(rows, key=lambda r: r["ratio"])
    return (
        f"Neighbours tell more on {sum(r['near'] > r['far'] for r in rows)} of {len(rows)} rows, not always "
        f"much more: near / far is {least['ratio']:.3g} at coupling {least['coupling']}, external field "
        f"{least['external']}, {least['observed']} observed."
    )


def _remark(rows: Rows) -> str:
    informative = [r for r in rows if r["reading"] != "own entropy"]
    less = sum(r["difference"] < -2 * r["se"] for r in informative)
    more = sum(r["difference"] > 2 * r["se"] for r in informative)
    return (
        f"A frontier cell tells the rest less than an isolated one on {less} of {len(informative)} rows, "
        f"more on {more}; on the others they are within two errors."
    )


def _theorem1(rows: Rows) -> str:
    broken = [r["K"] for r in rows if r["programme"] > r["printed"] + 1e-6]
    worst = max(abs(r["programme"] - r["correct"]) for r in rows)
    return (
        f"The printed bound is exceeded for K = {', '.join(map(str, dict.fromkeys(broken)))}; (K-1)(1-tau)/K "
        f"equals the linear programme to {worst:.0e}."
    )


def _theorem1_field(rows: Rows) -> str:
    printed, correct = (max(r[f"breaks_{which}"] for r in rows) for which in ("printed", "correct"))
    return (
        f"Up to {printed:.0%} of the cells that pass the gap break the printed bound, up to {correct:.0%} "
        "the correct one."
    )


def _proposition2(rows: Rows) -> str:
    by_ratio = max(r["told"] for r in rows)
    counter = max(r["counter"] for r in rows)
    return (
        f"Off the curve by at most {by_ratio:.0e} with the time read off the mask, by up to {counter:.2f} "
        "with a step counter. Outline 1: as scattered as training masks; a rescue keeps the mask in pieces."
    )


def _drift(rows: Rows) -> str:
    return "Floor makes the inverse schedule run ahead of T on small grids, without any rescue."


def _divergence(rows: Rows) -> str:
    exact = [r for r in rows if r["kind"] == "exact"]
    ladr = [r for r in exact if r["rule"] == "LADR, top-1"]
    beaten = sum(any(_dominates(other, r) for other in exact) for r in ladr)
    return (
        f"{beaten} of {len(ladr)} LADR rows are beaten by another exact rule with no more passes and a KL "
        "lower by two errors. An upper bound falls towards the KL as paths grow."
    )


def _convergence(rows: Rows) -> str:
    last = {r["rule"]: f"{r['rule']} {r['kl']:.2f} in {r['nfe']:.1f} passes" for r in rows}
    return f"Without bias, or exact: {', '.join(last.values())}."


def _dominates(a: dict, b: dict) -> bool:
    same = a.get("coupling") == b.get("coupling")
    return (
        same and a["nfe"] <= b["nfe"] + 1e-9 and a["kl"] + 2 * (a["se"] ** 2 + b["se"] ** 2) ** 0.5 < b["kl"]
    )


def _fidelity(rows: Rows) -> str:
    cold = max(rows, key=lambda r: r["likelier"])
    return f"Most typical: {cold['rule']}, {cold['likelier']:+.1f} nats likelier than samples of the truth."


def _guarantee_pass(rows: Rows) -> str:
    nearest = max(r["worst"] / r["bound"] for r in rows)
    above = sum(r["worst"] > r["bound"] + 1e-9 for r in rows)
    return f"The worst joint distribution exceeds the bound on {above} rows and comes to {nearest:.0%} of it."


def _guarantee_decode(rows: Rows) -> str:
    above = sum(r["distance"] > r["bound"] + 1e-6 or r["kl"] > r["nats"] + 1e-6 for r in rows)
    nearest = max(rows, key=lambda r: r["distance"] / max(r["bound"], 1e-3))
    return (
        f"{above} of {len(rows)} decodes are above their bound; nearest: {nearest['rule']}, "
        f"{nearest['distance']:.3f} of {nearest['bound']:.3f}."
    )


def _reliability(rows: Rows) -> str:
    said = []
    for name in dict.fromkeys(row["backbone"] for row in rows):
        own = [row for row in rows if row["backbone"] == name]
        off = (f"{reliability.error(own, branch):.3f} {branch}" for branch in ("conditional", "guided"))
        said.append(f"{name}: {', '.join(off)}")
    return f"Mean distance of probability and share, over cells and passes. {'; '.join(said)}."


def _riders(rows: Rows) -> str:
    said = (f"{r['suite']}: {r['expected']:.2f} and {r['wrong']:.2f} of {r['riders']:.0f}" for r in rows)
    return f"Wrong cells by the doubts, and in scenes of the prompt. {'; '.join(said)}."


def _rider_masks(rows: Rows) -> str:
    said = []
    for row in rows:
        if row["mask"] == "riders" and row["passes"] == 1:
            name = f"{row['backbone']}, {row['column']}"
            said.append(f"{name}: {_nats(row, 'change')} and {_nats(row, 'above_exact')}")
    return f"Riders of the first pass shown, nats: change, above the exact model. {'; '.join(said)}."


def _nats(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:+.1f} [{row[f'{name}_low']:+.1f}, {row[f'{name}_high']:+.1f}]"


SECTIONS = [
    Section("proposition1", "Proposition 1: a 3x3 neighbourhood against as many distant cells (nats)",
            proposition1.rows, _proposition1),
    Section("remark", "Remark: what a frontier cell tells about the rest, against an isolated one (nats)",
            proposition1.remark_rows, _remark),
    Section("theorem1", "Theorem 1: error of the arg-max under a gap of tau", theorem1.rows, _theorem1),
    Section("theorem1_field", "Theorem 1 on exact fields, cells whose gap exceeds 0.05",
            theorem1.field_rows, _theorem1_field),
    Section("proposition2", "Proposition 2: largest distance between gamma(time) and the mask ratio",
            proposition2.rows, _proposition2),
    Section("drift", "Passes of the inverse schedule without rescue", proposition2.drift_rows, _drift),
    Section("divergence", "KL(truth || sampler) in nats per grid against forward passes",
            divergence.rows, _divergence),
    Section("convergence", "The same on a 4x4 grid, coupling 0.9: bounds against paths, and without bias",
            divergence.convergence_rows, _convergence),
    Section("guarantee_pass", "The doubt bound for one pass: the worst joint distribution (total variation)",
            guarantee.pass_rows, _guarantee_pass),
    Section("guarantee_decode", "The doubt bound for whole decodes, every grid of a small field enumerated",
            guarantee.decode_rows, _guarantee_decode),
    Section("reliability", "How often a masked cell ends with its likeliest code, by the probability of it",
            reliability.rows, _reliability),
    Section("first_riders", "The free riders of the first pass, trained miniature: doubts against scenes",
            riders.rows, _riders),
    Section("outlines", "Outline of a decode's masks, relative to random ones, by share of known cells",
            outlines.rows, outlines.verdict),
    Section("rider_masks", "Surprise of true images under masks of riders and random ones (nats per image)",
            masks.rows, _rider_masks),
    Section("fidelity", "Free-running decodes against the truth", divergence.fidelity_rows, _fidelity),
    Section("parts", f"The parts of a doubt budget of {parts.BUDGET:g} changed alone (KL in nats per grid)",
            parts.rows, parts.verdict),
]  # fmt: skip
LARGE = [
    Section("parts_large", "Some of these rules on larger fields", parts.large_rows, parts.verdict),
]  # fmt: skip


def sections(large: bool = False) -> list[Section]:
    """What `ladr theory` prints; with `large` also what takes four minutes more."""
    return SECTIONS + LARGE * large


def results(quick: bool = False, large: bool = False) -> dict[str, dict[str, Any]]:
    """Everything that `ladr theory` prints: section -> {title, verdict, rows}, plain numbers and strings."""
    out = {}
    for section in sections(large):
        rows = section.rows(quick)
        out[section.key] = {"title": section.title, "verdict": section.verdict(rows), "rows": rows}
    return out


def record(quick: bool = False, large: bool = False) -> dict[str, Any]:
    """`results`, and under `provenance` the program, the machine and the time of their computation."""
    began = _now()
    computed = results(quick, large)
    return {**computed, "provenance": {"began": began, "ended": _now(), "quick": quick, **provenance()}}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


HIDDEN = (
    "se",
    "reads",
    "samples",
    "draws",
    "grid",
    "codes",
)  # in the JSON, or beside the value they belong to
BESIDE = ("_se", "_low", "_high")  # the ends of names whose numbers stand beside a value


def table(title: str, rows: Rows):
    """A rich table of the rows; a value shares a column with its standard error, or with its interval."""
    from rich.table import Table

    out = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    columns = [c for c in rows[0] if c not in HIDDEN and not c.endswith(BESIDE)]
    for column in columns:
        numeric = isinstance(rows[0][column], (int, float))
        out.add_column(column.replace("_", " "), justify="right" if numeric else "left")
    for row in rows:
        out.add_row(*(_cell(row, column) for column in columns))
    return out


def _cell(row: dict, column: str) -> str:
    value = row[column]
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.2g}" if 0 < abs(value) < 1e-2 else f"{value:.3f}"
    if f"{column}_low" in row:
        return f"{text} [{row[f'{column}_low']:.3g}, {row[f'{column}_high']:.3g}]"
    error = row.get("se" if column in ("kl", "difference") else f"{column}_se")
    return text if error is None else f"{text} ±{error:.2g}"
