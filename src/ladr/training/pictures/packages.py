"""The npm packages that the pictures come from: pinned, checked by their hash, read without unpacking."""

import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.base.files import sha256


@dataclass(frozen=True)
class Package:
    """One package file as `npm pack NAME@VERSION` writes it. `author` made the pictures or the names."""

    name: str
    version: str
    sha256: str
    licence: str
    author: str

    @property
    def file(self) -> str:
        """The name that `npm pack` gives the file."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


NAMES = Package(
    "emojibase-data",
    "17.0.0",
    "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    "MIT",
    "Miles Johnson, https://emojibase.dev",
)
RENDERED = Package(
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    "MIT",
    "Microsoft Corporation, https://github.com/microsoft/fluentui-emoji; packed by LobeHub",
)
FLAT = Package(
    "@iconify-json/fluent-emoji-flat",
    "1.2.6",
    "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    "MIT",
    "Microsoft Corporation, https://github.com/microsoft/fluentui-emoji; packed by Iconify",
)
NOTO = Package(
    "@iconify-json/noto",
    "1.2.9",
    "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    "Apache-2.0",
    "Google Inc, https://github.com/googlefonts/noto-emoji; packed by Iconify",
)
PACKAGES = (NAMES, RENDERED, FLAT, NOTO)


def check(folder: Path, packages: Iterable[Package] = PACKAGES) -> None:
    """Refuse a folder that lacks one of the packages, or holds one with other content."""
    for package in packages:
        path = folder / package.file
        if not path.is_file():
            raise LadrError(
                f"{path}: not there; `npm pack {package.name}@{package.version}` in {folder} fetches it"
            )
        digest = sha256(path)
        if digest != package.sha256:
            raise LadrError(
                f"{path}: sha256 is {digest}; version {package.version} has {package.sha256}: fetch it again"
            )


def read_json(folder: Path, package: Package, member: str) -> Any:
    """The content of the JSON file `member` of a package."""
    with tarfile.open(folder / package.file) as archive:
        file = archive.extractfile(f"package/{member}")
        return json.load(file)


def files(folder: Path, package: Package, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Name without suffix, and content, of every file of a package whose name ends in `suffix`."""
    with tarfile.open(folder / package.file) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(suffix):
                yield Path(member.name).stem, archive.extractfile(member).read()
