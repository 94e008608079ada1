"""What the workflow makes one rule each for: every word stands in a rule file, every output once."""

import re
from pathlib import Path

from ladr.base.imports import PACKAGE
from ladr.experiment.plan.batch import DECODED, SCORED
from ladr.experiment.plan.jobs import ALL, jobs
from ladr.experiment.plan.plan import Plan
from tiny import TEXT, tiny

RULES = PACKAGE.parents[1] / "workflow/rules"


def planned(folder, monkeypatch, text=TEXT):
    tiny(folder, text)
    monkeypatch.chdir(folder)
    return Plan.read({}, ["-n"])


def test_a_name_in_a_log_leads_to_a_line_of_a_rule_file(tmp_path, monkeypatch):
    text = (RULES / "commands.smk").read_text(encoding="utf-8")
    words = set(re.findall(r'^    "(\w+)": "ladr ', text, re.MULTILINE))
    assert words == {"decode", "join", "score", "judge", "latency", "draw"}
    loops = [path.name for path in RULES.glob("*.smk") if re.search(r"^for ", path.read_text(), re.MULTILINE)]
    assert loops == ["jobs.smk"]
    made = list(jobs(planned(tmp_path, monkeypatch)))
    assert {job.word for job in made} <= words
    names = [f"{job.word}_{job.subject}" for job in made]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"\w+", name) for name in names)


def test_the_jobs_make_all_cells_scores_and_figures_once(tmp_path, monkeypatch):
    timed = TEXT + "latency: {benchmark: field-exact, prompts: 1}\n"
    plan = planned(tmp_path, monkeypatch, timed)
    made = list(jobs(plan))
    outputs = [path for job in made for path in job.outputs]
    assert len(set(outputs)) == len(outputs)
    records = plan.records(*DECODED, *SCORED)
    assert {*records, *(record for *_, record in plan.figure_jobs.values()), *plan.timed} == set(outputs)
    stopwatches = [job for job in made if job.word == "latency"]
    assert stopwatches
    assert all(job.threads == ALL for job in stopwatches)
    scores = next(job for job in made if job.word == "draw" and job.subject == "scores")
    assert {Path(path).name for path in scores.inputs + scores.sources} >= {
        "table.json", "style.py", "quality.py"
    }  # fmt: skip
    assert all(
        {Path(path).parent for path in job.settled} == {Path(path).parent for path in job.outputs}
        for job in made
        if job.word == "score"
    )


def test_each_job_names_every_file_of_a_cell_that_it_reads_or_writes(tmp_path, monkeypatch):
    plan = planned(tmp_path, monkeypatch)
    decoded = {"cell.json", "tokens.safetensors", "trace.parquet"}
    for job in jobs(plan):
        read, written = ({Path(path).name for path in paths} for paths in (job.settled, job.outputs))
        if job.word == "decode":
            assert written == decoded
            assert read in (set(), decoded)
        elif job.word == "score":
            assert (read, written) == (decoded, {"score.json", "scores.jsonl", "samples.png"})
    assert len(set(plan.records("cell.json", "trace.parquet"))) == 2 * len(plan.grid.cells)
