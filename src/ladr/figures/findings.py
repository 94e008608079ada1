"""Every comparison with its interval, computed from the results; docs/results.md quotes these."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path

import pandas as pd

from ladr.base.files import write_text
from ladr.figures.frame import answers
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import FEW_EXPLAINED, LESS, MORE, OPEN, Fact, Place, wide, written
from ladr.figures.frame.results import SAMPLERS, Results
from ladr.figures.frame.save import markdown, write_csv

NEEDS = "samplers"
COMMON = {"what": "{}", "of": "{}", "against": "against {}", "prompts": "{} prompts"}
SURPRISE = (
    "Nats per committed cell: minus the log of the probability that the network gave each committed code by "
    "itself at that moment. It is the network's own surprise and holds what is uncertain for every decoder: "
    "no error rate, and nothing about cells that are committed together and do not fit."
)
ABLATIONS, SWEEPS = "ablations/", "sweeps/"
QUESTIONS: dict[str, tuple[str, str, Callable, str]] = {
    "equal-passes": (
        "At equal passes",
        SAMPLERS,
        answers.equal_passes,
        "Every accelerated sampler against plain decoding with as many passes: with its own number of passes "
        "where the experiment has that row, else with LADR's.",
    ),
    "doubt": (
        "The doubt budget at equal passes, column by column",
        SAMPLERS,
        answers.doubt,
        "Each of its rows against plain decoding with as many passes as that row takes.",
    ),
    "doubt-all-passes": (
        "The doubt budget against the baseline with all its passes, column by column",
        SAMPLERS,
        answers.doubt_all_passes,
        "What its passes cost in points; how many are saved stands under the baseline's own heading.",
    ),
    "doubt-ladr": ("The doubt budget against LADR, column by column", SAMPLERS, answers.doubt_ladr, ""),
    "columns": ("LADR at equal passes, column by column", SAMPLERS, answers.columns, ""),
    "all-passes": (
        "Against the baseline with all its passes",
        SAMPLERS,
        answers.all_passes,
        "What the acceleration costs in points, and how many times fewer passes it takes.",
    ),
    "ablation": (
        "Ablations",
        ABLATIONS,
        answers.variants,
        "Where all rows commit as many cells in every pass, the first against each other one; where each row "
        "has its own passes, every row against all before it.",
    ),
    "sweep": ("Every point of a sweep against LADR", SWEEPS, answers.swept, ""),
    "delayed-rescue": ("Delayed rescue against LADR", SAMPLERS, answers.late_rescue, ""),
    "variants": ("LADR's other variants against LADR", SAMPLERS, answers.relatives, ""),
    "phase-costs": (
        "Passes, cells and surprise, phase by phase",
        SAMPLERS,
        answers.costs,
        f"{SURPRISE} Every value is a ratio of sums over prompts.",
    ),
    "phase-surprise": (
        "LADR's surprise less plain decoding's, phase by phase",
        SAMPLERS,
        answers.surprise,
        "Below zero, what LADR commits in the phase surprises the network less than what plain decoding with "
        f"as many passes commits in the same stretch of time; the cells differ. {SURPRISE}",
    ),
    "tau": (
        "How often tau lets a cell pass",
        SAMPLERS,
        answers.tau,
        "In the phases that have a threshold.",
    ),
    "diversity": ("Diversity", SAMPLERS, answers.copies, ""),
}
READ = (
    "Each value has its 95 % interval over prompts (docs/mini-benchmarks.md says how), paired where two "
    "samplers are compared (same prompts, same noise). Whatever is the same for a whole table stands above "
    f"it. The last column says `{MORE}` or `{LESS}` where the interval leaves no difference out, `{OPEN}` "
    "where it does not; intervals are not widened for the number of comparisons."
)
NOTHING = "No two rows of this experiment answer one of the questions."


@dataclass(frozen=True)
class Findings:
    """Two files: findings-BACKBONE.csv has a line per fact, findings-BACKBONE.md a section per question."""

    backbone: str
    facts: tuple[Fact, ...]
    captions: tuple[str, ...]

    @property
    def folder(self) -> str:
        return self.backbone

    def save(self, folder: Path) -> list[Path]:
        paths = [folder / f"findings-{self.backbone}.{kind}" for kind in ("csv", "md")]
        columns = [*(field.name for field in fields(Fact)), "verdict"]
        lines = pd.DataFrame([fact.line() for fact in self.facts], columns=columns)
        write_csv(lines, paths[0])
        text = [
            f"# Findings on {self.backbone}",
            "",
            READ,
            "",
            *([FEW_EXPLAINED, ""] if any(wide(f.low, f.high, f.what) for f in self.facts) else []),
            *(list(self._sections()) or [NOTHING, ""]),
            *(f"- {c}" for c in self.captions),
        ]
        write_text(paths[1], "\n".join(text) + "\n")
        return paths

    def _sections(self) -> Iterator[str]:
        for key, (title, _, _, words) in QUESTIONS.items():
            own = [f for f in self.facts if f.question.split("/")[0] == key]
            if own:
                yield from (f"## {title}", "", *([words, ""] if words else []))
                for _, facts in groupby(own, table_of):
                    yield from (*section(list(facts)), "")


def where(fact: Fact) -> str:
    """The backbone, the benchmark, and the group of an ablation or a sweep."""
    return ", ".join(filter(None, (fact.backbone, fact.benchmark, fact.question.partition("/")[2])))


def table_of(fact: Fact) -> tuple[str, str]:
    """Facts with equal keys stand in one table: the place, and the row where nothing is compared."""
    return where(fact), "" if fact.theirs else fact.ours


def section(facts: list[Fact]) -> Iterator[str]:
    """The facts of one table: a line with all that they have in common, and a table of the rest."""
    table = pd.DataFrame([_line(fact) for fact in facts]).dropna(axis="columns", how="all")
    same = [c for c in COMMON if c in table and len(table) > 1 and table[c].nunique() == 1]
    common = [COMMON[c].format(table[c].iloc[0]) for c in same]
    yield from (f"**{'; '.join([where(facts[0]), *common])}**", "")
    yield from markdown(table.drop(columns=same))


def _line(fact: Fact) -> dict[str, str | None]:
    return {
        "of": _row(fact.ours, fact.ours_passes),
        "against": _row(fact.theirs, fact.theirs_passes) if fact.theirs else None,
        "what": fact.what,
        "value": written(fact.what, fact.value, fact.low, fact.high),
        "prompts": str(fact.n),
        "interval says": fact.verdict or None,
    }


def _row(label: str, passes: float | None) -> str:
    return label if passes is None else f"{label} ({passes:.1f} passes)"


def draw(results: Results) -> Iterator[Findings]:
    facts: dict[str, list[Fact]] = {backbone: [] for backbone in results.grid.backbone.unique()}
    captions: dict[str, list[str]] = {backbone: [] for backbone in facts}
    for key, (_, prefix, answer, _) in QUESTIONS.items():
        for group in results.groups(prefix):
            for backbone, benchmark, scores in results.places(group):
                question = "/".join(filter(None, (key, group.removeprefix(prefix))))
                facts[backbone] += answer(Place(results, question, backbone, benchmark), scores)
                captions[backbone].append(f"{backbone}, {benchmark}. {about(results, scores.cell)}")
    for backbone, own in facts.items():
        yield Findings(backbone, tuple(own), tuple(dict.fromkeys(captions[backbone])))
