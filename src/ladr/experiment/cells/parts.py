"""Parts of a cell: a killed run leaves them behind, and the next run goes on from them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ladr.base.files import appearing
from ladr.base.late import Tensor, torch
from ladr.base.removal import remove

FOLDER = "parts"


@dataclass(frozen=True, eq=False)
class Part:
    """Images start..stop-1 of a cell.

    tensors: tokens, settled, rescued, each (n, H, W). trace: its columns; `image` counts from the first image
    of the cell. origin: where and when they were made.
    """

    start: int
    stop: int
    tensors: Mapping[str, Tensor]
    trace: Mapping[str, list]
    origin: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        about = {"trace": self.trace, "origin": self.origin}
        text = json.dumps(about)
        tensors = {name: t.cpu().contiguous() for name, t in self.tensors.items()}
        digest = _digest(tensors, text)
        with appearing(folder / FOLDER / f"{self.start:07d}-{self.stop:07d}.safetensors") as half:
            save_file(tensors, half, metadata={"about": text, "sha256": digest})


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read(path: Path) -> Part | None:
    """The part in this file; None if it is not exactly what was written."""
    try:
        start, stop = (int(x) for x in path.stem.split("-"))
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if metadata["sha256"] != _digest(tensors, metadata["about"]):
            return None
        about = json.loads(metadata["about"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None
    return Part(start, stop, tensors, about["trace"], about["origin"])


def saved(folder: Path) -> list[Part]:
    """The whole parts of a cell's folder in order, none overlapping; damaged files are removed."""
    parts, end = [], 0
    for path in sorted((folder / FOLDER).glob("*.safetensors")):
        part = read(path)
        if part is None or part.start < end:
            remove([path], folder)
            continue
        parts.append(part)
        end = part.stop
    return parts


def missing(parts: Sequence[Part], images: int, size: int) -> Iterator[tuple[int, int]]:
    """Spans of at most `size` images that no part holds."""
    position = 0
    for begin, end in [*((p.start, p.stop) for p in parts), (images, images)]:
        while position < begin:
            stop = min(position + size, begin)
            yield position, stop
            position = stop
        position = max(position, end)


def smallest(values: Tensor) -> Tensor:
    """These integers in the smallest signed type that can hold them."""
    low, high = int(values.min()), int(values.max())
    for dtype in (torch.int8, torch.int16, torch.int32):
        limits = torch.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return values.to(dtype)
    return values
