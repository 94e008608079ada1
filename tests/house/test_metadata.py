"""What other sites read about this project agrees with the package: citation, archive, hub, catalogue."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import ladr

ROOT = Path(__file__).parents[2]
PAPER = "2026.acl-long.1251"


def yaml(text):
    return YAML(typ="safe").load(text)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_stands_in_every_file():
    assert yaml(read("CITATION.cff"))["version"] == ladr.__version__
    assert json.loads(read(".zenodo.json"))["version"] == ladr.__version__
    assert f"## {ladr.__version__}" in read("CHANGELOG.md")


def test_the_licence_is_the_same_in_every_file():
    licence = tomllib.loads(read("pyproject.toml"))["project"]["license"]
    assert yaml(read("CITATION.cff"))["license"] == licence == json.loads(read(".zenodo.json"))["license"]


def test_the_preferred_citation_is_complete():
    paper = yaml(read("CITATION.cff"))["preferred-citation"]
    assert paper["type"] == "conference-paper"
    assert paper["title"].startswith("LADR: Locality-Aware Dynamic Rescue")
    assert [author["family-names"] for author in paper["authors"]] == "Wang Zhou Chen Wang Zhang".split()
    assert all(author["given-names"] and author["affiliation"] for author in paper["authors"])
    assert paper["year"] == 2026
    assert paper["url"].endswith(PAPER)
    assert "ACL 2026" in paper["conference"]["name"]


def test_the_archive_names_the_paper():
    (related,) = json.loads(read(".zenodo.json"))["related_identifiers"]
    assert related["identifier"].endswith(PAPER)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "models").iterdir()))
def test_a_model_card_has_the_header_of_the_hub(name):
    _, header, text = read(f"models/{name}/README.md").split("---\n", 2)
    fields = yaml(header)
    assert fields["license"] == "apache-2.0"
    assert (fields["library_name"], fields["pipeline_tag"]) == ("ladr", "text-to-image")
    assert "discrete-diffusion" in fields["tags"]
    assert text.lstrip().startswith(f"# `{name}`")


def test_the_catalogue_has_what_it_shows():
    usage = yaml(read(".snakemake-workflow-catalog.yml"))["usage"]
    assert usage["software-stack-deployment"]["conda"]
    assert list((ROOT / "workflow/envs").glob("*.yaml"))
    assert usage["report"]
    assert "report:" in read("Snakefile")
    assert "params.yaml" in read("config/README.md")


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.stem
)
def test_an_issue_form_is_one_that_the_site_can_show(path):
    form = yaml(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "labels", "body"} == set(form)
    names = [field["id"] for field in form["body"]]
    assert len(set(names)) == len(names)
    assert {field["type"] for field in form["body"]} <= {"dropdown", "input", "textarea"}
    assert all(field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_there_is_a_form_for_a_mistake_a_sampler_a_backbone_and_a_reproduction():
    forms = {path.stem for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")}
    assert {"bug", "sampler", "backbone", "reproduction", "addition", "config"} <= forms


def test_workflows_name_no_registry():
    hosts = re.compile(r"pypi|pythonhosted|anaconda|npmjs|conda-forge|index-url", re.IGNORECASE)
    for path in (ROOT / ".github").rglob("*.yml"):
        assert not hosts.search(path.read_text(encoding="utf-8")), path
