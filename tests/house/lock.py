"""What requirements.lock pins, and what the installed packages say about themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
TORCH = re.compile(r"^TORCH\s*\?=\s*torch==(\S+)", re.MULTILINE)
LONGEST = 60  # characters of a licence's name


@dataclass(frozen=True)
class Package:
    """One pinned package."""

    name: str
    version: str


def packages() -> Iterator[Package]:
    """Everything that `make setup` may install: torch, and what the lock pins."""
    pinned = TORCH.search((ROOT / "Makefile").read_text(encoding="utf-8"))[1]
    yield Package("torch", pinned)
    seen: set[tuple[str, str]] = set()
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        match = PINNED.match(line)
        if match and match.groups() not in seen:
            seen.add(match.groups())
            yield Package(*match.groups())


def installed(package: Package) -> Distribution | None:
    """The package as it is installed here, at its pinned version."""
    try:
        one = distribution(package.name)
    except PackageNotFoundError:
        return None
    return one if one.version.partition("+")[0] == package.version else None


def licence(one: Distribution) -> str:
    """The licence that a package states: as an expression, in a word, or by its classifiers."""
    about = one.metadata
    stated = (about.get("License-Expression") or "").strip()
    classified = [
        text.rpartition(" :: ")[2]
        for text in about.get_all("Classifier", ())
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    word = (about.get("License") or "").strip().partition("\n")[0]
    if stated:
        return stated
    if classified:
        return " AND ".join(sorted(set(classified)))
    return word if 0 < len(word) <= LONGEST else "see its files"
