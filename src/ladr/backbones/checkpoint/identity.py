"""What a backbone's weights are, as a text that changes when they do."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ladr.backbones.checkpoint.hub import AMUSED, LUMINA, embedded, held
from ladr.backbones.exact.bank import CODEBOOK, codebook_folder
from ladr.base.errors import LadrError

BIG = 64 << 20
CACHE = Path(".cache/weights.json")
WITHOUT = ("field",)
HUBS = {"lumina-dimoo": LUMINA, "amused": AMUSED}


def weights(kind: str, settings: Mapping[str, Any]) -> str | None:
    """A checkpoint folder's sha256, `owner/name@revision` of the hub, None for a backbone without."""
    if kind in WITHOUT:
        return None
    source = settings.get("folder") or settings.get("source")
    if kind == "mixture":
        return _mixture(settings)
    if kind == "shapes" and source is None:
        source = embedded("shapes")
    if source is not None and Path(source).is_dir():
        return folder_sha256(Path(source))
    if kind == "shapes":
        raise LadrError(f"backbones: {kind}: {source} is no folder")
    return f"{source or HUBS[kind]}@{settings.get('revision') or 'main'}"


def loaded(told: str | None) -> dict[str, Any] | None:
    """For `owner/name@revision` of the hub: its commit here and the sha256 of its weight files. None for a
    folder, whose own sha256 is told."""
    name, at, revision = (told or "").partition("@")
    return held(name, revision) if at else None


def _mixture(settings: Mapping[str, Any]) -> str:
    """Of its codebook, and of the decoder where that draws its pictures."""
    folder = Path(settings["folder"]) if settings.get("folder") else codebook_folder()
    codebook = folder / CODEBOOK
    if not codebook.is_file():
        raise LadrError(f"backbones: mixture: no {codebook.name} in {folder}")
    drawn = settings.get("pixels") == "vq"
    return remembered_sha256(codebook) + (f"+{folder_sha256(folder / 'vqvae')}" if drawn else "")


@cache
def folder_sha256(folder: Path) -> str:
    """One hash of the names and contents of the tensors and settings of a checkpoint folder."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".json", ".safetensors") and p.is_file())
    if not files:
        raise LadrError(f"{folder}: no checkpoint there (no .safetensors, no .json)")
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\x1f{remembered_sha256(path)}\n".encode())
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """Of the file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path) -> str:
    """Of the file's content; for BIG bytes or more, remembered by their size and time of change."""
    stat = path.stat()
    if stat.st_size < BIG:
        return sha256(path)
    key = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    known = json.loads(CACHE.read_text()) if CACHE.is_file() else {}
    if key not in known:
        known[key] = sha256(path)
        CACHE.parent.mkdir(exist_ok=True)
        part = CACHE.with_suffix(".part")
        part.write_text(json.dumps(known, indent=1))
        part.replace(CACHE)
    return known[key]
