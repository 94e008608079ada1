"""A bill of materials in CycloneDX 1.6: every pinned package with its licence, and who needs whom."""

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from house.licences import UNKNOWN, rows
from house.lock import ROOT, Package, installed, packages

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/ladr-bench/ladr")
URL = re.compile(r"pkg:pypi/[a-z0-9.-]+@[A-Za-z0-9.!+-]+")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def reference(package: Package) -> str:
    """The package URL, which also names the component in this document."""
    return f"pkg:pypi/{normal(package.name)}@{package.version}"


def ladr() -> Package:
    text = (ROOT / "src/ladr/base/version.py").read_text(encoding="utf-8")
    return Package("ladr", re.search(r'VERSION = "([^"]+)"', text)[1])


def component(package: Package, licence: str) -> dict[str, Any]:
    known = [] if licence in (UNKNOWN, "see its files") else [{"license": {"name": licence}}]
    return {
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "purl": reference(package),
        **({"licenses": known} if known else {}),
    }


def needs(package: Package, known: dict[str, Package]) -> list[str]:
    """The pinned packages that an installed one requires."""
    required = getattr(installed(package), "requires", None) or ()
    names = {normal(re.match(r"[\w.-]+", line)[0]) for line in required if "extra ==" not in line}
    return sorted(reference(known[name]) for name in names & known.keys())


def document() -> dict[str, Any]:
    """The whole bill; the same lock gives the same text."""
    own = ladr()
    listed = sorted(packages(), key=lambda package: normal(package.name))
    known = {normal(package.name): package for package in listed}
    licences = rows()
    edges = [{"ref": reference(own), "dependsOn": [reference(package) for package in listed]}]
    edges += [{"ref": reference(package), "dependsOn": needs(package, known)} for package in listed]
    content = [component(package, licences[package]) for package in listed]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, json.dumps(content))}",
        "version": 1,
        "metadata": {"component": {**component(own, "Apache-2.0"), "type": "application"}},
        "components": content,
        "dependencies": edges,
    }


def faults(bill: dict[str, Any]) -> list[str]:
    """What is wrong with a bill, by the rules of CycloneDX that it can break."""
    components = [bill["metadata"]["component"], *bill["components"]]
    names = [one["bom-ref"] for one in components]
    edges = [edge["ref"] for edge in bill["dependencies"]]
    targets = [target for edge in bill["dependencies"] for target in edge["dependsOn"]]
    return [
        *(["bomFormat"] if bill["bomFormat"] != "CycloneDX" or bill["specVersion"] != "1.6" else []),
        *(["serialNumber"] if not re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"]) else []),
        *(f"{one['purl']} is no package URL" for one in components if not URL.fullmatch(one["purl"])),
        *(f"{name} stands twice" for name in sorted({name for name in names if names.count(name) > 1})),
        *(f"{name} has no place in the graph" for name in names if name not in edges),
        *(f"{target} is no component" for target in targets if target not in names),
    ]


if __name__ == "__main__":
    bill = document()
    wrong = faults(bill)
    if wrong:
        sys.exit("\n".join(wrong))
    place = Path(sys.argv[1])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    print(f"{place}: CycloneDX 1.6, {len(bill['components'])} components")
