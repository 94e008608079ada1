"""The jobs that the workflow makes one rule each for: what each reads, writes, and asks of the machine."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ladr.experiment.cells.pace import Paces
from ladr.experiment.cells.record import CELL, RESULTS, SCORE
from ladr.experiment.plan.batch import DECODED, SCORED, THERE, CellBatch, cell_files
from ladr.experiment.plan.order import priorities
from ladr.experiment.plan.plan import Plan

LIGHT = {"mem_mb": 2000, "runtime": 60}
JOINING = {"mem_mb": 4000, "runtime": 60}
ALL = 0  # threads of a job that takes all cores
DRAWING = {"mem_mb": 4000, "runtime": 60}


@dataclass(frozen=True)
class Job:
    """One process of the workflow. Its rule is called `word`_`subject`.

    inputs: files whose change makes it run again. settled: files that must exist, whatever their age.
    sources: files of this checkout; their change makes it run again too. words: what its command line names.
    priority: of several jobs that could start, the one with the highest does.
    """

    word: str
    subject: str
    outputs: list[str]
    log: str
    inputs: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    threads: int = 1
    priority: int = 0
    resources: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)


def jobs(plan: Plan) -> Iterator[Job]:
    """Every job of the plan but the shards, which are one rule with wildcards."""
    yield from _decoding(plan)
    yield from _joining(plan)
    yield from _scoring(plan)
    yield from _judging(plan)
    yield from _measuring(plan)
    yield from _drawing(plan)


def _decoding(plan: Plan) -> Iterator[Job]:
    """Cells of one backbone and benchmark share a process: to import torch and load weights is paid once.

    Cells that exist already form one batch, made by a rule that has nothing to do.
    """
    paces = Paces(plan.grid, {})
    shown = {Path(path).parent.name for path in plan.figures.illustrated_files}
    first = priorities(plan.decoding, lambda cell: paces.of(cell).seconds * cell.images, shown)
    for batch in plan.decoding:
        yield Job(
            "decode",
            batch.name,
            batch.files(*DECODED),
            f"logs/decode/{batch.name}.log",
            settled=[] if batch.name == THERE else batch.needs,
            threads=batch.threads,
            priority=first[batch.name],
            resources=batch.resources,
            words={"cells": " ".join(batch.files(CELL))},
        )


def _joining(plan: Plan) -> Iterator[Job]:
    """The shards of a cell are joined by a short job, which makes the cell exist."""
    shards: dict[str, list[str]] = {}
    for shard in plan.shards:
        shards.setdefault(shard.cell.id, []).append(shard.file)
    for i, own in shards.items():
        cell = plan.grid.cells[i]
        others = cell_files([other for other in cell.needs if plan.matches(cell, other)], DECODED)
        yield Job(
            "join",
            i.replace("-", "_"),
            cell_files([i], DECODED),
            f"logs/join/{i}.log",
            settled=[*own, *others],
            resources=JOINING,
            words={"cells": i},
        )


def _scoring(plan: Plan) -> Iterator[Job]:
    for batch in plan.scoring:
        yield _scores("score", batch, LIGHT)


def _judging(plan: Plan) -> Iterator[Job]:
    """Networks, or a judge on another machine, score the cells of official benchmarks.

    What cannot be scored here is N/A in the table, with the reason; `ladr benchmark import` fills it.
    """
    official = plan.params.official
    gpu = int(official.device.startswith("cuda"))
    resources = {"mem_mb": official.mem_mb, "runtime": official.runtime, "gpu": gpu}
    for batch in plan.judging:
        yield _scores("judge", batch, resources)


def _scores(word: str, batch: CellBatch, resources: dict[str, int]) -> Job:
    return Job(
        word,
        batch.name,
        batch.files(*SCORED),
        f"logs/score/{batch.name}.log",
        settled=batch.files(*DECODED),
        resources=resources,
        words={"cells": " ".join(batch.files(SCORE))},
    )


def _measuring(plan: Plan) -> Iterator[Job]:
    """A stopwatch wants the machine to itself: the job takes all cores."""
    for name, files in plan.latencies.items():
        yield Job(
            "latency",
            name.replace("-", "_"),
            [str(RESULTS / "latency" / f"{name}.json")],
            f"logs/latency/{name}.log",
            settled=files,
            threads=ALL,
            resources=DRAWING,
            words={"name": name},
        )


def _drawing(plan: Plan) -> Iterator[Job]:
    """Figures that read the same share a process. Those that would be empty are in none."""
    read = {
        "scores": plan.records(CELL, *SCORED),
        "traces": plan.records(*DECODED, *SCORED),
        "pictures": plan.figures.illustrated_files,
        "theory": [],
    }
    for source, (names, inputs, record) in plan.figure_jobs.items():
        yield Job(
            "draw",
            source,
            [record],
            f"logs/figures/{source}.log",
            inputs=inputs,
            settled=read[source],
            sources=plan.figures.code(names),
            resources=DRAWING,
            words={
                "names": " ".join(names),
                "record": record,
                "results": str(plan.out),
                "out": str(plan.figures.folder),
            },
        )
