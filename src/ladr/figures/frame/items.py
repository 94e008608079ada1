"""The tables and figures of the paper, one line each: the claim, the files here, the verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ladr.figures.frame.claims import POINTS, Pick, all_of, findings_of, kin_of, ladr_of
from ladr.figures.frame.compare import LESS, MORE, written
from ladr.figures.frame.save import markdown

CONFIRMED, REFUTED, PARTLY, UNDECIDED = "confirmed", "refuted", "partly", "open"
DRAWN = "a picture: compare by eye"
EXPLAINED = (
    "`confirmed`: the whole 95 % interval says so on that backbone. `refuted`: the whole interval says the "
    "opposite. `open`: no difference lies inside the interval. `partly`: the comparisons of one claim "
    "disagree. Numbers are paired differences in points, measured on the backbones and benchmarks that the "
    "files name, not on the paper's."
)


@dataclass(frozen=True)
class PaperItem:
    """One table or figure of the paper.

    stems: how the names of our files about it begin. printed: the stem of the file with its printed numbers.
    pick: which findings test its claim; None where it shows pictures.
    """

    name: str
    claim: str
    stems: tuple[str, ...]
    printed: str | None = None
    pick: Pick | None = None


def _on(benchmark: str, pick: Pick) -> Pick:
    """The facts of `pick` about this benchmark, official or mini."""
    return lambda facts: pick(facts) & facts.benchmark.isin((benchmark, f"mini-{benchmark}"))


def _named(kind: str, benchmark: str) -> tuple[str, str]:
    return f"{kind}-mini-{benchmark}-", f"{kind}-{benchmark}-"


def _table(number: int, title: str, benchmark: str) -> PaperItem:
    loses_nothing = _on(benchmark, ladr_of("all-passes", POINTS))
    stems, printed = _named("table", benchmark), f"paper-table{number}"
    return PaperItem(f"Table {number}", f"{title}: LADR loses nothing", stems, printed, loses_nothing)


def _text(facts: pd.DataFrame) -> pd.Series:
    return (facts.question == "delayed-rescue") & (facts.what == f"Text, {POINTS}")


ITEMS = (
    _table(1, "GenEval", "geneval"),
    _table(2, "UniGenBench", "unigen"),
    _table(3, "T2I-CompBench", "t2i"),
    _table(4, "DPG-Bench", "dpg"),
    PaperItem(
        "Table 5",
        "UniGenBench: delayed rescue scores more on text",
        _named("delayed", "unigen"),
        "paper-table5",
        _on("unigen", _text),
    ),
    PaperItem("Figure 1", "Decoding step by step, without and with LADR", ("films-",)),
    PaperItem("Figure 2", "The method on one image", ("method-",)),
    PaperItem("Figure 3", "A changed token reaches its neighbours", ("reach-", "dependence-")),
    PaperItem("Figure 4", "Images of every sampler", ("samples-",)),
    PaperItem(
        "Figure 5",
        "Neighbours are the cells to rescue",
        ("figure5-",),
        "paper-figure5",
        all_of("ablation/figure5", POINTS),
    ),
    PaperItem(
        "Figure 6", "The gap is the rank", ("figure6-",), "paper-figure6", all_of("ablation/figure6", POINTS)
    ),
)


def digest(folder: Path, files: Iterable[Path]) -> list[str]:
    """The table of all items as Markdown lines; `files` are those of the folder that count."""
    pages = {path.stem: path for path in sorted(files) if path.suffix == ".md"}
    findings = findings_of(files)
    lines = pd.DataFrame([_line(item, pages, findings, folder) for item in ITEMS])
    return [EXPLAINED, "", *markdown(lines, left=lines.shape[1])]


def verdicts(item: PaperItem, findings: dict[str, pd.DataFrame]) -> dict[str, tuple[str, pd.DataFrame]]:
    """Backbone -> the verdict on the item's claim, and the facts that it rests on.

    An experiment of its own says what its backbone does not say.
    """
    if item.pick is None:
        return {}
    facts = {backbone: rows[item.pick(rows)] for backbone, rows in findings.items()}
    facts = {backbone: own for backbone, own in facts.items() if len(own)}
    return {b: (_verdict(own), own) for b, own in facts.items() if kin_of(b, facts) is None}


def _line(
    item: PaperItem, pages: dict[str, Path], findings: dict[str, pd.DataFrame], folder: Path
) -> dict[str, str]:
    def link(text: str, path: Path) -> str:
        return f"[{text}]({path.relative_to(folder).as_posix()})"

    ours = [path for stem, path in pages.items() if stem.startswith(item.stems)]
    folders = {path.parent.name for path in ours}
    ours = [path for path in ours if kin_of(path.parent.name, folders) is None]
    printed = pages.get(item.printed or "")
    said = [f"{backbone}: {_said(*one)}" for backbone, one in verdicts(item, findings).items()]
    nothing = "not drawn here" if not ours else DRAWN if item.pick is None else "not measured here"
    return {
        "Paper": link(item.name, printed) if printed else item.name,
        "Claim": item.claim,
        "Ours": ", ".join(link(_short(path, item), path) for path in ours),
        "Verdict": "<br>".join(said) or nothing,
    }


def _short(path: Path, item: PaperItem) -> str:
    """The text of a link: the backbone, and the kind of figure where an item has several kinds."""
    kind = f"{path.stem.split('-')[0]}, " if len({stem.split("-")[0] for stem in item.stems}) > 1 else ""
    return f"{kind}{path.parent.name}"


def _verdict(facts: pd.DataFrame) -> str:
    said = set(facts.verdict)
    if said == {MORE}:
        return CONFIRMED
    if LESS in said:
        return PARTLY if MORE in said else REFUTED
    return PARTLY if MORE in said else UNDECIDED


def _said(verdict: str, facts: pd.DataFrame) -> str:
    rows = list(facts.itertuples())
    values = [written(row.what, row.value, row.low, row.high) for row in rows]
    if len(rows) > 1:
        values = [f"{value} against {row.theirs}" for value, row in zip(values, rows, strict=True)]
    return f"**{verdict}**, {'; '.join(values)}"
