"""What comes with the package: licences, bill of materials, advisories, limits in the documents, wheel."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from house import audit, licences, sbom
from house.lock import ROOT, installed, licence, packages


def test_every_pinned_package_has_its_licence_on_the_page():
    """`make licences` writes the page again."""
    page = licences.written()
    assert sorted(page) == sorted((one.name, one.version) for one in packages())
    stale = {
        one.name: (page[one.name, one.version], licence(here))
        for one in packages()
        if (here := installed(one)) and page[one.name, one.version] != licence(here).replace("|", "/")
    }
    assert not stale


def test_the_bill_of_materials_is_valid_and_the_same_each_time():
    bill = sbom.document()
    assert sbom.faults(bill) == []
    assert json.dumps(bill) == json.dumps(sbom.document())
    assert {one["name"] for one in bill["components"]} == {one.name for one in packages()}
    numpy = next(edge for edge in bill["dependencies"] if edge["ref"].startswith("pkg:pypi/pandas@"))
    assert any(target.startswith("pkg:pypi/numpy@") for target in numpy["dependsOn"])


def schema():
    """A validator by the schema of CycloneDX 1.6, or a skip that says what is missing."""
    jsonschema, found = pytest.importorskip("jsonschema"), importlib.util.find_spec("cyclonedx")
    if found is None:
        pytest.skip("cyclonedx-python-lib is not installed: the group `supply` of pyproject.toml has it")
    from referencing import Registry, Resource

    folder = Path(found.origin).parent / "schema/_res"
    own, *others = (
        json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text(encoding="utf-8"))
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    )
    registry = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in others])
    return jsonschema.validators.validator_for(own)(own, registry=registry)


def test_the_bill_of_materials_fits_the_schema_of_cyclonedx():
    """The schema comes with cyclonedx-python-lib, which needs no place in the environment of users."""
    check = schema()
    assert [f"{list(e.path)}: {e.message[:200]}" for e in check.iter_errors(sbom.document())] == []
    wrong = sbom.document()
    wrong["components"][0]["type"] = "book"
    wrong["dependencies"][0]["ref"] = 3
    assert len(list(check.iter_errors(wrong))) == 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda bill: bill.update(bomFormat="x"), "bomFormat"),
        (lambda bill: bill.update(serialNumber="x"), "serialNumber"),
        (lambda bill: bill["components"].append(bill["components"][0]), "stands twice"),
        (lambda bill: bill["dependencies"].pop(3), "no place in the graph"),
        (lambda bill: bill["dependencies"][1]["dependsOn"].append("pkg:pypi/x@1"), "is no component"),
        (lambda bill: bill["components"][0].update(purl="x"), "no package URL"),
    ],
)
def test_a_wrong_bill_is_seen(change, fault):
    bill = sbom.document()
    change(bill)
    assert any(fault in line for line in sbom.faults(bill))


def said(*rows):
    return "a warning\n" + json.dumps({"dependencies": list(rows), "fixes": []})


CLEAN = {"name": "a", "version": "1", "vulns": []}
HIT = {"name": "b", "version": "2", "vulns": [{"id": "X-1"}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("outputs", "code", "text"),
    [
        ([said(CLEAN), said(SKIPPED)], audit.REACHED, "1 packages checked, 0 advisories; not known"),
        ([said(CLEAN, HIT)], audit.ADVISORIES, "b 2: X-1\n2 packages checked, 1 advisories"),
        ([said(SKIPPED, SKIPPED)], audit.UNREACHED, "NOTHING WAS CHECKED"),
        (
            [said(CLEAN), "requests.ConnectionError: no route"],
            audit.UNREACHED,
            "cannot be reached",
        ),
        (["error: unknown option"], audit.UNREACHED, "pip-audit failed, so NOTHING WAS CHECKED"),
        ([""], audit.UNREACHED, "NOTHING WAS CHECKED"),
    ],
)
def test_an_audit_says_what_was_checked(outputs, code, text):
    answer = audit.verdict(outputs)
    assert answer[0] == code
    assert text in answer[1]


LIMIT = re.compile(r"^\| .* \| ([\d,]+) \w+ \| `([\w.]+):([\w.]+)` \|$", re.MULTILINE)


def test_limits_in_the_document_are_those_of_the_code():
    rows = LIMIT.findall((ROOT / "docs/security.md").read_text(encoding="utf-8"))
    assert len(rows) == 15
    for number, module, path in rows:
        value = import_module(module)
        for name in path.split("."):
            value = getattr(value, name)
        assert int(number.replace(",", "")) == value, f"{module}:{path}"


def wheel(source, folder, mode):
    """The bytes of a wheel that is built in a copy of the sources, with other times and rights of files."""
    shutil.copytree(source, folder)
    for number, path in enumerate(sorted(folder.rglob("*"))):
        os.utime(path, (10**9 + number, 10**9 + number))
    out = folder / "out"
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    alone["SOURCE_DATE_EPOCH"] = "1700000000"
    subprocess.run(
        [*command, "-w", str(out), str(folder)], check=True, env=alone, preexec_fn=lambda: os.umask(mode)
    )
    return next(out.glob("*.whl")).read_bytes()


@pytest.mark.slow
def test_a_wheel_that_is_built_twice_has_the_same_bytes(tmp_path):
    source = tmp_path / "source"
    tree = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in tree.stdout.split("\0") if name and not name.startswith(("tests/", "figures/"))]
    for name in names:
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, place)
    one = wheel(source, tmp_path / "one", 0o022)
    other = wheel(source, tmp_path / "elsewhere" / "other", 0o022)
    assert hashlib.sha256(one).hexdigest() == hashlib.sha256(other).hexdigest()


def test_the_documents_name_what_there_is():
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make (\w+)`", text))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets >= {"hostile", "licences", "sbom", "audit"}
    assert not [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)]
    assert Path(ROOT / "SECURITY.md").is_file()
