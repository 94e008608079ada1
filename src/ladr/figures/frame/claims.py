"""The paper's claims beside the findings of each backbone about them: the first part of the index."""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pandas as pd

from ladr.experiment.plan.records import plain
from ladr.figures.frame.compare import written
from ladr.figures.frame.save import markdown

FIRST, LAST = "findings-", ".csv"
POINTS, FEWER, TIMES, SHARE = "points", "times fewer passes", "times as many passes", "%"
LINES = 5  # of the summary
SAID = {"more": "confirmed", "less": "refuted", "open": "open"}  # verdict of a comparison -> of the claim
PLACE = ["benchmark", "ours", "theirs", "what"]
CLAIM = "Claim, and what it was read as"
EXPLAINED = (
    "In bold what the paper claims, below it the comparisons that it was read as, and what each backbone "
    "here says: the value with its 95 % interval, and `more` or `less` where all of it lies on one side of "
    "no difference. `more` confirms a claim, `less` refutes it; that nothing is lost would be shown by an "
    "interval that reaches no further down than a loss one would accept. Points are paired over prompts."
)

Pick = Callable[[pd.DataFrame], pd.Series]  # facts of one backbone -> which of them belong to a claim


def all_of(name: str, ending: str) -> Pick:
    """All facts of a question whose quantity (`what`) has this ending."""
    return lambda facts: (facts.question == name) & facts.what.str.endswith(ending)


def ladr_of(name: str, ending: str) -> Pick:
    """The facts of `all_of` that are about LADR."""
    return lambda facts: all_of(name, ending)(facts) & (facts.ours == _rescuing(facts))


def _first(pick: Pick) -> Pick:
    """The facts of `pick` on the first benchmark: the other benchmarks differ little."""

    def only(facts: pd.DataFrame) -> pd.Series:
        picked = pick(facts)
        return picked & (facts.benchmark == next(iter(facts[picked].benchmark), ""))

    return only


def _main(name: str, also: str = "") -> Pick:
    """The facts of a question about the main column of each benchmark, and about the column `also`."""

    def pick(facts: pd.DataFrame) -> pd.Series:
        main = facts[facts.question == "all-passes"][["benchmark", "what"]].drop_duplicates()
        columns = set(main.itertuples(index=False, name=None))
        place = pd.Series(list(zip(facts.benchmark, facts.what, strict=True)), index=facts.index)
        return (facts.question == name) & (place.isin(columns) | (facts.what == f"{also}, {POINTS}"))

    return pick


def _rescuing(facts: pd.DataFrame) -> str:
    """LADR's label."""
    labels = facts[facts.question == "columns"].ours
    return labels.iloc[0] if len(labels) else ""


CLAIMS: dict[str, Pick] = {
    "LADR takes fewer passes": _first(ladr_of("all-passes", FEWER)),
    "... and loses nothing": ladr_of("all-passes", POINTS),
    "Not in the paper: LADR scores more than plain decoding with as few passes": ladr_of(
        "equal-passes", POINTS
    ),
    "Not in the paper: the doubt budget scores more than plain decoding with as few passes": _main("doubt"),
    "Not in the paper: the doubt budget loses nothing against all passes": _main("doubt-all-passes"),
    "Neighbours are the cells to rescue (Figure 5)": all_of("ablation/figure5", POINTS),
    "The gap is the rank (Figure 6)": all_of("ablation/figure6", POINTS),
    "Inverse schedule and rescue lose nothing": all_of("ablation/decomposition", POINTS),
    "Delayed rescue scores more, on text above all (Table 5)": _main("delayed-rescue", also="Text"),
    "... at the price of more passes": _first(all_of("delayed-rescue", TIMES)),
    "tau holds unsure cells back": _first(all_of("tau", SHARE)),
    "Not in the paper: pictures of one prompt differ as much": ladr_of("diversity", POINTS),
}


def digest(files: Iterable[Path]) -> list[str]:
    """The claims beside the findings among these files as Markdown lines; no lines without findings."""
    lines = table(files)
    return [EXPLAINED, "", *markdown(lines)] if len(lines) else []


def restructured(files: Iterable[Path]) -> str:
    """The report's first page as reStructuredText: a line for each of the first claims, the table of all."""
    files = list(files)
    findings = findings_of(files)
    claims = table(files)
    if not len(claims):
        return ""
    safe = claims.map(lambda cell: f"**{plain(cell.strip('*'))}**" if cell.startswith("**") else plain(cell))
    rows = safe.to_csv(index=False, quoting=csv.QUOTE_ALL, lineterminator="\n").splitlines()
    lines = [".. csv-table::", "   :header-rows: 1", "", *(f"   {row}" for row in rows)]
    return "\n".join([*summary(findings), "", *lines, "", plain(EXPLAINED.replace("`", ""))])


def summary(findings: dict[str, pd.DataFrame]) -> list[str]:
    """One line of reStructuredText for each of the first claims: what each backbone says first about it."""
    said = {
        claim.replace("... and", "LADR"): [
            _spoken(facts[pick(facts)].iloc[0], backbone)
            for backbone, facts in findings.items()
            if pick(facts).any()
        ]
        for claim, pick in CLAIMS.items()
    }
    known = [(claim, values) for claim, values in said.items() if values][:LINES]
    return [f"* **{plain(claim)}**: {plain('; '.join(values))}" for claim, values in known]


def _spoken(row: pd.Series, backbone: str) -> str:
    """What a backbone says about a claim, and the value with its unit."""
    value, unit = written(row.what, row.value, row.low, row.high), row.what.rpartition(", ")[2]
    return f"{SAID.get(row.verdict, 'measured')} on {backbone}, {value} {unit}"


def table(files: Iterable[Path]) -> pd.DataFrame:
    """One row per claim and per comparison, one column per backbone, and per experiment of its own that says
    something else; empty without findings."""
    findings = _telling(findings_of(files))
    return pd.DataFrame([line for claim, pick in CLAIMS.items() for line in _lines(claim, pick, findings)])


def findings_of(files: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """Backbone -> its findings, for each file among these that holds findings."""
    return {
        path.name.removeprefix(FIRST).removesuffix(LAST): pd.read_csv(path, keep_default_na=False)
        for path in sorted(files, key=lambda path: path.stem)
        if path.name.startswith(FIRST) and path.name.endswith(LAST)
    }


def kin_of(name: str, names: Iterable[str]) -> str | None:
    """The backbone among these that an experiment of its own is named after, as `shapes-tuned` is after
    `shapes`; None for a backbone."""
    return max((other for other in names if name.startswith(f"{other}-")), key=len, default=None)


def _telling(findings: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The findings without those of experiments of their own whose every claim their backbone has too."""
    places = {
        name: {tuple(place) for pick in CLAIMS.values() for place in facts[pick(facts)][PLACE].to_numpy()}
        for name, facts in findings.items()
    }
    kin = {name: kin_of(name, findings) for name in findings}
    kept = [name for name in findings if kin[name] is None or places[name] - places[kin[name]]]
    return {name: findings[name] for name in kept}


def _lines(claim: str, pick: Pick, findings: dict[str, pd.DataFrame]) -> Iterator[dict[str, str]]:
    """The claim, and below it one line per comparison, with its value on each backbone that has it."""
    values = {
        backbone: {tuple(getattr(row, name) for name in PLACE): _value(row) for row in rows.itertuples()}
        for backbone, rows in ((backbone, facts[pick(facts)]) for backbone, facts in findings.items())
    }
    places = list(dict.fromkeys(place for one in values.values() for place in one))
    if places:
        yield {CLAIM: f"**{claim}**", **dict.fromkeys(values, "")}
    for place in places:
        yield {CLAIM: _compared(*place), **{b: values[b].get(place, "") for b in values}}


def _compared(benchmark: str, ours: str, theirs: str, what: str) -> str:
    against = f"{ours} against {theirs}" if theirs else ours
    return f"{benchmark}: {against}; {what}"


def _value(row) -> str:
    return f"{written(row.what, row.value, row.low, row.high)} {row.verdict}".rstrip()
