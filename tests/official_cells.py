"""Cells of official benchmarks: where they lie, what their scores say, and `ladr benchmark` on them."""

import json

from typer.testing import CliRunner

from ladr.cli.main import build
from ladr.experiment.cells.record import SCORE


def folder_of(one):
    return f"results/cells/{one.id}"


def ladr(*words):
    """`ladr score CELL --again`, or another word after `ladr benchmark`."""
    words = [*words, "--again"] if words[0] == "score" else ["benchmark", *words]
    done = CliRunner().invoke(build(words[0]), [str(w) for w in words])
    return done, " ".join((done.output + str(done.exception or "")).split())


def notes(one):
    return {line["column"]: (line["value"], line["note"]) for line in _score(one)["lines"]}


def _score(one):
    return json.loads(open(f"{folder_of(one)}/{SCORE}", encoding="utf-8").read())
