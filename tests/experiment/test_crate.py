"""`ladr crate`: a finished run as a Workflow Run RO-Crate."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ladr.cli.main import answer
from ladr.experiment.crate import METADATA, PROFILES, write
from tiny import TEXT, measured, tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the workflow and a finished run of the tiny experiment."""
    from ruamel.yaml import YAML

    folder = tmp_path_factory.mktemp("run")
    measured(folder, YAML(typ="safe").load(TEXT))
    shutil.copy(ROOT / "Snakefile", folder)
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    return folder


@pytest.fixture
def crate(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert answer(["crate"]) == 0
    return folder / "results" / "crate"


def entities(crate):
    return {each["@id"]: each for each in json.loads((crate / METADATA).read_text())["@graph"]}


def test_every_file_is_there_as_described(crate):
    described = {name: each for name, each in entities(crate).items() if "File" in each["@type"]}
    files = {p.relative_to(crate).as_posix() for p in crate.rglob("*") if p.is_file()} - {METADATA}
    assert set(described) == files
    for name, each in described.items():
        content = (crate / name).read_bytes()
        assert each["contentSize"] == str(len(content))
        assert each["sha256"] == hashlib.sha256(content).hexdigest()


def test_it_says_which_workflow_made_what_of_what(crate, folder):
    every = entities(crate)
    root, run = every["./"], every["#run"]
    assert [each["@id"] for each in root["conformsTo"]] == list(PROFILES)
    assert "ComputationalWorkflow" in every[root["mainEntity"]["@id"]]["@type"]
    assert run["instrument"] == root["mainEntity"]
    assert run["object"] == [{"@id": "params.yaml"}]
    results = {each["@id"] for each in run["result"]}
    assert "results/scores.csv" in results
    _, grid = tiny(folder, TEXT)
    for cell in grid.cells:
        assert {f"results/cells/{cell}/{name}" for name in ("cell.json", "tokens.safetensors")} <= results
    assert run["startTime"] <= run["endTime"] == root["datePublished"]


def test_every_reference_leads_to_an_entity_or_out(crate):
    every = entities(crate)

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else references(list(value.values()))
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    named = {name for each in every.values() for name in references(each)}
    assert not {name for name in named if name not in every and not name.startswith("http")}


def test_a_second_crate_takes_the_place_of_the_first(crate):
    before = entities(crate)
    assert answer(["crate"]) == 0
    assert entities(crate) == before


def test_a_crate_that_was_killed_is_no_crate_yet_and_is_completed(crate, monkeypatch, capsys):
    before = entities(crate)
    (crate / "mine.txt").write_text("a note of somebody")
    stale = crate / "results" / "cells" / "gone"
    stale.write_text("a file of an older run")
    content = json.loads((crate / METADATA).read_text())
    digest = hashlib.sha256(stale.read_bytes()).hexdigest()
    content["@graph"].append({"@id": "results/cells/gone", "@type": "File", "sha256": digest})
    (crate / METADATA).write_text(json.dumps(content))
    with monkeypatch.context() as patched:
        patched.setattr("ladr.experiment.crate.shutil.copyfile", _killed)
        assert answer(["crate"]) == 130
    assert json.loads((crate / METADATA).read_text())["@graph"] == []
    assert answer(["doctor", "--quiet"]) == 0
    assert answer(["crate"]) == 0, capsys.readouterr().err
    assert entities(crate) == before
    assert not stale.exists()
    (crate / "mine.txt").unlink()


def _killed(*_):
    raise KeyboardInterrupt


def test_the_crate_of_somebody_else_stays(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(folder)
    theirs = json.dumps({"@graph": [{"@id": "./", "name": "Sediments"}]})
    (tmp_path / METADATA).write_text(theirs)
    assert answer(["crate", "--out", str(tmp_path)]) == 2
    assert "is somebody else's crate; choose another folder" in capsys.readouterr().err
    assert (tmp_path / METADATA).read_text() == theirs


def test_a_crate_names_the_file_of_the_experiment_and_what_was_changed(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder)
    shutil.copy("params.yaml", "other.yaml")
    words = ["crate", "--params", "other.yaml", "--set", "tracking=false", "--out", str(tmp_path / "crate")]
    assert answer(words) == 0
    every = entities(tmp_path / "crate")
    assert every["other.yaml"]["exampleOfWork"] == {"@id": "#params"}
    assert every["#run"]["name"] == "snakemake --cores all --config params=other.yaml set=tracking=false"


def test_what_cannot_be_packed_is_said(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(folder)
    assert answer(["crate", "--out", "workflow"]) == 2
    assert "is no crate and not empty" in capsys.readouterr().err
    assert answer(["crate", "--params", str(folder / "params.yaml")]) == 2
    assert "made in the folder that has Snakefile" in capsys.readouterr().err
    assert answer(["crate", "--set", "steps=9"]) == 2
    assert "cells are not done, such as field-" in capsys.readouterr().err


VALIDATE = """
import importlib.resources, io, json, sys, urllib.request
from email.message import Message
from urllib.response import addinfourl

from rocrate_validator import models, services

crate = (importlib.resources.files("rocrate") / "data" / "ro-crate.jsonld").read_text()
terms = {name: f"https://bioschemas.org/{name}" for name in ("ComputationalWorkflow", "FormalParameter")}
terms |= {name: f"https://bioschemas.org/ComputationalWorkflow#{name}" for name in ("input", "output")}
terms["sha256"] = "https://w3id.org/ro/terms/workflow-run#sha256"
contexts = {"ro/crate": crate, "workflow-run/context": json.dumps({"@context": terms})}


class Local(urllib.request.HTTPSHandler):
    # The contexts of the crate, from this machine.
    def https_open(self, request):
        text = next((text for part, text in contexts.items() if part in request.full_url), None)
        assert text is not None, request.full_url
        head = Message()
        head["Content-Type"] = "application/ld+json"
        answer = addinfourl(io.BytesIO(text.encode()), head, request.full_url, 200)
        answer.msg = "OK"
        return answer


urllib.request.install_opener(urllib.request.build_opener(Local))
settings = services.ValidationSettings(
    rocrate_uri=sys.argv[1],
    profile_identifier="workflow-run-crate-0.5",
    requirement_severity=models.Severity.REQUIRED,
)
result = services.validate(settings)
lines = [f"{issue.severity.name}: {issue.message}" for issue in result.get_issues()]
faults = [line for line in lines if "context" not in line]  # it also asks whether w3id.org answers
print(*faults, sep="\\n")
sys.exit(bool(faults))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("rocrate_validator") is None,
    reason="roc-validator is not installed: the group `crate` of pyproject.toml has it",
)
def test_the_validator_accepts_it(crate):
    done = subprocess.run([sys.executable, "-c", VALIDATE, crate], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_the_writer_counts_the_files(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder)
    _, grid = tiny(folder, TEXT)
    count = write(tmp_path / "crate", Path("params.yaml"), grid)
    assert count == sum(p.is_file() for p in (tmp_path / "crate").rglob("*")) - 1
