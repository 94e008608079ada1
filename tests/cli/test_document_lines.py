"""Each line of make, snakemake, dvc and ladr in the documents is run in a copy of the repository, or
stands below with the reason why it is not. `test_document_commands.py` runs the short calls of ladr."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tiny import TEXT
from typed_lines import ROOT, typed, words_of
from workflow_runs import BIN, ME, PLAIN, environment

PROGRAMS = ("make", "snakemake", "dvc", "ladr")

RECORDED = """
make count
make plan
make golden
make licences
make sbom
"""

# With params.yaml as it is, and planned only: hours of decoding, a cluster.
PLANNED = """
make full
make full DTYPE=float32
make full EXTENDED=true
make full USE=mixture
make full USE=mixture EXTENDED=true
make full USE=pictures
make full USE=shapes
make wide
snakemake --cores all --config params=other-settings.yaml out=results/other-settings
snakemake --cores all --config params=pictures.yaml out=results/pictures-alone
snakemake --cores all retrain
snakemake --cores all --config train_steps=200 -- retrain
snakemake --cores all --config train=pictures -- retrain
snakemake --profile profiles/slurm
snakemake --profile profiles/slurm --default-resources slurm_partition=gpu slurm_account=project
"""

# With an experiment of seconds as params.yaml, in this order.
SMALL = """
snakemake -n
snakemake -n --config params=my-large-experiment.yaml
snakemake grid
snakemake --cores all grid
make reproduce
make report
ladr publish --only mixture
make unlock
snakemake --cores all
snakemake --cores all figures
snakemake --cores all --resources gpu=4
snakemake --cores all --resources gpu=4 --config backbone=lumina-dimoo
snakemake --profile profiles/eight-gpus --config backbone=lumina-dimoo
snakemake --cores all --config backbone=mixture
snakemake --cores all --config set="steps=32 samplers.ladr.phases.structure.alpha=0.5"
ladr sweep --alpha structure=0.1,0.3,0.5 --tau structure=0,0.05,0.1
"""

# The same, as a repository of git.
VERSIONED = """
dvc repro
dvc metrics show
dvc plots show
dvc remote add -d store /path/or/s3://bucket
dvc push
dvc pull
dvc exp run -S samplers.ladr.phases.structure.alpha=0.5
dvc exp run --queue -S samplers.ladr.phases.structure.alpha=0.1,0.4
dvc exp run --run-all
dvc exp show
dvc exp show --only-changed --drop results
dvc metrics diff
"""

# What a line names that is not here -> what stands for it.
STAND_INS = {
    "backbone=lumina-dimoo": "backbone=field",
    "backbone=mixture": "backbone=field",
    "mixture": "field",
    "/path/or/s3://bucket": "../store",
}

# Commands of ladr whose lines test_document_commands.py runs.
SHORT = {"params", "grid", "run", "prompts", "doctor", "audit", "devices", "sample", "--help"}

# The beginnings of lines that are not run -> why.
LEFT_OUT = {
    "make TORCH=torch==2.13.0": "fetches another build of torch",
    "make setup": "fetches the environment; .ci/run begins with it",
    "make check": "runs every test, this one among them",
    "make test": "runs every test, this one among them",
    "make lint": ".ci/run does",
    "make smoke": ".ci/run does",
    "make audit": "asks a service for advisories",
    "make pages": "fetches tools; runs tests of its own",
    "make storage": "fetches tools; runs tests of its own",
    "make faults": "half an hour of tests of its own",
    "make fuzz": "runs tests of its own",
    "make hostile": "runs tests of its own",
    "make slurm": "needs Slurm; runs tests of its own",
    "make ui": "serves until it is stopped: test_ui.py",
    "snakemake --cores all --config params=FILE": "a file of the reader's",
    "snakemake --cores all --config params=paper.yaml": "fetches prompts; 24 hours of a GPU",
    "snakemake --cores all --config backbone=lumina-dimoo": "fetches prompts; months of a GPU",
    "snakemake --profile profiles/slurm --sdm apptainer": "needs Apptainer and an image: test_image.py",
    "dvc queue start": "goes on in the background; --run-all does the same before the reader's eyes",
    "dvc remote add -d store s3://bucket/ladr": "a bucket of the reader's",
    "dvc remote modify --local": "takes a password of the reader's",
    "ladr benchmark": "official files and scorers: tests/benchmarks",
    "ladr calibrate": "minutes of a network: test_calibrate.py",
    "ladr demo": "serves until it is stopped: test_demo.py",
    "ladr figures mypackage.module:draw": "a package of the reader's",
    "ladr grid --params paper.yaml": "fetches prompts",
    "ladr run 1a2b3c4d": "a cell of the reader's",
    "ladr sample a red cup on a table --backbone lumina-dimoo": "the 8B model",
    "ladr score --again": "cut short: takes a cell",
    "ladr search": "an hour: test_search.py",
    "ladr speed": "measures for minutes, on a machine that has nothing else to do: tests/speed",
    "ladr theory": "four minutes; test_document_commands.py asks it for small samples",
    "ladr train": "hours: tests/training",
}


def lines_of(text):
    return [tuple(words_of(line)) for line in text.strip().splitlines()]


def told():
    """The words of every line that a reader can type as it is; a bare name in a sentence is none."""
    for program in PROGRAMS:
        for _, words, whole in typed(program):
            placeholder = program == "ladr" and any(word.isupper() for word in words)
            if not placeholder and (whole or len(words) > (2 if program == "ladr" else 1)):
                yield tuple(words)


def test_every_line_is_run_or_says_why_not():
    run = {words for text in (RECORDED, PLANNED, SMALL, VERSIONED) for words in lines_of(text)}
    unknown = [
        " ".join(words)
        for words in sorted(set(told()) - run)
        if not " ".join(words).startswith(tuple(LEFT_OUT)) and words[1] not in SHORT
    ]
    assert not unknown, "run these in a test, or say why not"


def test_what_is_run_and_what_is_left_out_stand_in_the_documents():
    lines = {tuple(words) for program in PROGRAMS for _, words, _ in typed(program)}
    for text in (RECORDED, PLANNED, SMALL, VERSIONED):
        assert not set(lines_of(text)) - lines
    joined = [" ".join(words) for words in lines]
    assert not [begin for begin in LEFT_OUT if not any(line.startswith(begin) for line in joined)]


def ran(folder, *words):
    """What the line says, typed in the folder; it must end well."""
    path = BIN / words[0]
    program = [str(path)] if path.exists() else [words[0]]
    if words[0] == "make":
        program += ["-o", ".venv/.ready"]  # the environment is the one of this test
    env = {key: value for key, value in environment().items() if key not in ("LADR_SET", "LADR_PARAMS")}
    command = [*program, *words[1:]]
    done = subprocess.run(command, cwd=folder, env={**env, **PLAIN, **ME}, capture_output=True, text=True)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def typed_all(folder, text, *more):
    for program, *words in lines_of(text):
        ran(folder, program, *more, *(STAND_INS.get(word, word) for word in words))


def changed(folder):
    """The files that git says are new or changed."""
    return {line[3:] for line in ran(folder, "git", "status", "--short").splitlines()}


def copied(folder, params=None):
    """A repository with the files of this one, its environment, and that experiment."""
    names = ran(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if params:
        for name in ("params.yaml", "my-large-experiment.yaml"):
            (folder / name).write_text(params, encoding="utf-8")
    ran(folder, "git", "init", "-q")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    (folder / ".git/info/exclude").write_text(".venv\n", encoding="utf-8")
    ran(folder, "git", "add", "-A")
    ran(folder, "git", "commit", "-q", "-m", "All")
    return folder


@pytest.mark.slow
def test_what_is_recorded_is_up_to_date(tmp_path):
    folder = copied(tmp_path / "w")
    typed_all(folder, RECORDED)
    assert not changed(folder)


@pytest.mark.slow
def test_long_runs_are_planned(tmp_path):
    folder = copied(tmp_path / "w")
    for line in PLANNED.strip().splitlines():
        typed_all(folder, line, "GOAL=-n" if line.startswith("make") else "-n")
    assert not changed(folder)


@pytest.mark.slow
def test_an_experiment_of_seconds_is_made_shown_and_published(tmp_path):
    folder = copied(tmp_path / "w", TEXT)
    typed_all(folder, SMALL)
    assert (folder / "results/report.html").stat().st_size > 100_000
    assert list(folder.glob("figures/published/field/*.png"))
    assert all(name.startswith("figures/published/") for name in changed(folder))


@pytest.mark.slow
def test_dvc_makes_keeps_and_changes_it(tmp_path):
    folder = copied(tmp_path / "w", TEXT)
    typed_all(folder, VERSIONED.split("dvc exp run")[0])
    assert changed(folder) == {"dvc.lock", ".dvc/config"}
    ran(folder, "git", "add", "-A")
    ran(folder, "git", "commit", "-q", "-m", "Results")
    typed_all(folder, VERSIONED[VERSIONED.index("dvc exp run") :])
