"""Every comparison with its interval, worked out from results: what docs/results.md quotes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from ladr.figures.frame import answers
from ladr.figures.frame.caption import about
from ladr.figures.frame.compare import LESS, MORE, OPEN, Fact, Place
from ladr.figures.frame.results import SAMPLERS, Results
from ladr.figures.frame.save import markdown

NEEDS = "samplers"
ABLATIONS, SWEEPS = "ablations/", "sweeps/"
QUESTIONS: dict[str, tuple[str, str, Callable]] = {
    "equal-passes": ("At equal passes", SAMPLERS, answers.equal_passes),
    "columns": ("LADR at equal passes, column by column", SAMPLERS, answers.columns),
    "all-passes": ("Against the baseline with all its passes", SAMPLERS, answers.all_passes),
    "ablation": ("Ablations", ABLATIONS, answers.variants),
    "sweep": ("Every point of a sweep against LADR", SWEEPS, answers.swept),
    "delayed-rescue": ("Delayed rescue against LADR", SAMPLERS, answers.late_rescue),
    "phase-costs": ("What each phase costs", SAMPLERS, answers.costs),
    "tau": ("How often tau lets a cell pass", SAMPLERS, answers.tau),
    "diversity": ("Diversity", SAMPLERS, answers.copies),
}
READ = (
    "Each value has its 95 % interval by a bootstrap over prompts, paired where two samplers are compared "
    f"(same prompts, same noise). The last column says `{MORE}` or `{LESS}` where the interval leaves "
    f"no difference out, `{OPEN}` where it does not; intervals are not widened for the number of comparisons."
)
NOTHING = "No two rows of this experiment answer one of the questions."


@dataclass(frozen=True)
class Findings:
    """findings.csv, one line per fact; findings.md, one section per question, to read."""

    facts: tuple[Fact, ...]
    captions: tuple[str, ...]

    def save(self, folder: Path) -> list[Path]:
        paths = [folder / "findings.csv", folder / "findings.md"]
        columns = [*(field.name for field in fields(Fact)), "verdict"]
        lines = pd.DataFrame([fact.line() for fact in self.facts], columns=columns)
        lines.to_csv(paths[0], index=False, lineterminator="\n", float_format="%.4f")
        text = [
            "# Findings",
            "",
            READ,
            "",
            *(list(self._sections()) or [NOTHING, ""]),
            *(f"- {c}" for c in self.captions),
        ]
        paths[1].write_text("\n".join(text) + "\n", encoding="utf-8")
        return paths

    def _sections(self) -> Iterator[str]:
        for key, (title, *_) in QUESTIONS.items():
            own = [f for f in self.facts if f.question.split("/")[0] == key]
            if own:
                yield from (f"## {title}", "", *markdown(shown(own)), "")


def shown(facts: Iterable[Fact]) -> pd.DataFrame:
    """The facts of one question as a table."""
    facts = list(facts)
    compared = any(f.theirs for f in facts)
    return pd.DataFrame([_told(f, compared) for f in facts])


def _told(fact: Fact, compared: bool) -> dict[str, str]:
    places = 1 if fact.neutral == 0 else 3 if abs(fact.value) < 1 else 2
    low, value, high = (f"{v:.{places}f}" for v in (fact.low, fact.value, fact.high))
    group = fact.question.partition("/")[2]
    out = {"where": " ".join(filter(None, (fact.backbone, fact.benchmark, group)))}
    out["of"] = _row(fact.ours, fact.ours_passes)
    if compared:
        out["against"] = _row(fact.theirs, fact.theirs_passes)
    out |= {"what": fact.what, "value": f"{value} [{low}, {high}]", "prompts": str(fact.n)}
    return out | ({"interval says": fact.verdict} if compared else {})


def _row(label: str, passes: float | None) -> str:
    return label if passes is None else f"{label} ({passes:.1f} passes)"


def draw(results: Results) -> Iterator[Findings]:
    facts, captions = [], []
    for key, (_, prefix, answer) in QUESTIONS.items():
        for group in (g for g in dict.fromkeys(results.grid.group) if g.startswith(prefix)):
            for backbone, benchmark, scores in results.places(group):
                question = "/".join(filter(None, (key, group.removeprefix(prefix))))
                facts += answer(Place(results, question, backbone, benchmark), scores)
                captions.append(f"{backbone}, {benchmark}. {about(results, scores.cell)}")
    yield Findings(tuple(facts), tuple(dict.fromkeys(captions)))
