"""What a backbone's weights are, as a text that changes when they do."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ladr.backbones import Kind
from ladr.backbones.checkpoint.hub import held
from ladr.backbones.exact.patches import CODEBOOK
from ladr.base.errors import LadrError
from ladr.base.files import remembered_sha256
from ladr.base.models import embedded


def of_folder(kind: Kind, settings: Mapping[str, Any]) -> str | None:
    """sha256 of the checkpoint folder that the settings name; None where they name no folder."""
    source = settings.get("folder") or settings.get("source")
    return folder_sha256(Path(source)) if source is not None and Path(source).is_dir() else None


def of_hub(kind: Kind, settings: Mapping[str, Any]) -> str:
    """sha256 of the folder that the settings name, or else `owner/name@revision` of the hub."""
    source = settings.get("folder") or settings.get("source") or kind.hub
    return of_folder(kind, settings) or f"{source}@{settings.get('revision') or 'main'}"


def of_embedded(kind: Kind, settings: Mapping[str, Any]) -> str:
    """sha256 of the folder that the settings name, or else of the checkpoint that comes with the package."""
    source = settings.get("folder") or settings.get("source") or embedded(kind.name)
    if not Path(source).is_dir():
        raise LadrError(f"backbones: {kind.name}: {source} is no folder")
    return folder_sha256(Path(source))


def of_codebook(kind: Kind, settings: Mapping[str, Any]) -> str:
    """sha256 of the codebook, plus the VQ decoder's when `pixels: vq`."""
    folder = Path(settings["folder"]) if settings.get("folder") else embedded("shapes", CODEBOOK)
    codebook = folder / CODEBOOK
    if not codebook.is_file():
        raise LadrError(f"backbones: {kind.name}: no {codebook.name} in {folder}")
    decoder = f"+{folder_sha256(folder / 'vqvae')}" if settings.get("pixels") == "vq" else ""
    return remembered_sha256(codebook) + decoder


def loaded_from(weights: str | None) -> dict[str, Any]:
    """What a result says about the weights that made it: their identity, and what the hub's cache holds."""
    return {"weights": weights, "hub": loaded(weights)}


def loaded(weights: str | None) -> dict[str, Any] | None:
    """For `owner/name@revision` of the hub: the commit that the cache holds and the sha256 of its weight
    files. None for a folder, whose own sha256 `weights` is."""
    name, at, revision = (weights or "").partition("@")
    return held(name, revision) if at else None


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
