"""Folders of tensors that others wrote: safetensors only, each head checked before a library reads it."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ladr.base.errors import LadrError
from ladr.base.foreign import opened

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
PICKLE_STARTS = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
MOST_BYTES = 1 << 40  # of a file of tensors
MOST_HEAD = 100 << 20  # bytes of a head, as the format itself says
BITS = {  # of one number of each kind
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
}  # fmt: skip


def within(path: Path, folder: Path) -> Path:
    """The path, if it still lies in `folder` once its links are followed. A snapshot in the hub's cache links
    to the blobs beside it."""
    place, root = path.resolve(), folder.resolve()
    hub = root
    while hub.parent != hub and not hub.name.startswith("models--"):
        hub = hub.parent
    blobs = hub / "blobs" if hub.name.startswith("models--") else root
    if not place.is_relative_to(root) and not place.is_relative_to(blobs):
        raise LadrError(f"{path}: is a link out of {folder}; put the file itself there")
    return path


def refuse_pickles(folder: Path) -> None:
    """LadrError where the folder holds pickles."""
    if pickles := sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES):
        raise LadrError(
            f"{folder}: {', '.join(pickles)} is a pickle, which can run code; only safetensors is read"
        )


def head(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Tensor -> its dtype, shape and place, of a safetensors file whose head agrees with its size."""
    with opened(path, MOST_BYTES) as file:
        size = file.seek(0, 2)
        file.seek(0)
        first = file.read(8)
        if first.startswith(PICKLE_STARTS):
            raise LadrError(f"{path}: a pickle under another name; only safetensors is read")
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else size
        if length > min(MOST_HEAD, size - 8):
            raise LadrError(f"{path}: truncated or damaged (its head claims {length} bytes of {size})")
        tensors = _tensors(file, length, path)
    _refuse_gaps(tensors, size - 8 - length, path)
    return tensors


def require_tensors(path: Path, *names: str) -> None:
    """LadrError unless the file is a whole safetensors file with tensors of these names."""
    tensors = head(path)
    if missing := [name for name in names if name not in tensors]:
        raise LadrError(f"{path}: has no tensor {missing[0]!r}")


def _tensors(file: BinaryIO, length: int, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read(length), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise LadrError(f"{path}: truncated or damaged (its head is no JSON: {str(error)[:100]})") from None
    if not isinstance(content, dict):
        raise LadrError(f"{path}: truncated or damaged (its head is no object)")
    notes = content.pop("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise LadrError(f"{path}: truncated or damaged (its metadata are no texts)")
    if not content:
        raise LadrError(f"{path}: holds no tensor")
    for name, entry in content.items():
        if not _formed(entry):
            raise LadrError(f"{path}: truncated or damaged (tensor {name[:60]!r} has a wrong head)")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)[:60]!r} stands twice")
    return content


def _formed(entry: Any) -> bool:
    """Has the entry a known dtype, a shape, and a place as long as both say?"""
    if not isinstance(entry, dict) or str(entry.get("dtype")) not in BITS:
        return False
    shape, place = entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(place, list) or len(place) != 2:
        return False
    if len(shape) > 16 or any(type(n) is not int or not 0 <= n < 1 << 48 for n in (*shape, *place)):
        return False
    bits = BITS[entry["dtype"]]
    for n in shape:
        bits *= n
    return place[1] - place[0] == bits // 8


def _refuse_gaps(tensors: Mapping[str, Any], size: int, path: Path) -> None:
    """LadrError unless the tensors lie one after the other and fill the file."""
    at = 0
    for start, end in sorted(tuple(entry["data_offsets"]) for entry in tensors.values()):
        if start != at:
            raise LadrError(f"{path}: truncated or damaged (tensors overlap or leave a gap at byte {at})")
        at = end
    if at != size:
        raise LadrError(f"{path}: truncated or damaged (tensors take {at} bytes of {size})")
