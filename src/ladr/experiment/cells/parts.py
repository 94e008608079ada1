"""Parts of a cell: spans of its images on the disk.

A killed run leaves its parts behind, and the next run goes on from them. A shard is a part that a job of the
workflow was asked for as a whole; the step that joins a cell reads shards and parts alike.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ladr.base.errors import LadrError
from ladr.base.files import appearing
from ladr.base.late import Tensor, torch
from ladr.base.removal import remove
from ladr.experiment.cell import Cell

FOLDER = "parts"
NAME = re.compile(r"(?:shard-)?(\d{7,})-(\d{7,})\.safetensors")
TRACE = "trace."  # begins the name of a tensor that is a column of the trace
INTEGERS = ("image", "step", "masked", "scheduled", "rescued", "dropped", "unlike")
Span = tuple[int, int]  # the first image, and the one after the last


@dataclass(frozen=True, eq=False)
class Part:
    """Images start..stop-1 of a cell.

    owner: id of the cell and sha256 of its spec. tensors: tokens, settled, rescued, each (n, H, W). trace:
    its columns, each with one value per image and pass; `image` counts from the first image of the cell.
    origin: when and where the part was made.
    """

    owner: Sequence[str]
    start: int
    stop: int
    tensors: Mapping[str, Tensor]
    trace: Mapping[str, Tensor]
    origin: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Write the part into the cell's folder."""
        self.save_as(folder / FOLDER / f"{span_text((self.start, self.stop))}.safetensors")

    def save_as(self, path: Path) -> None:
        from safetensors.torch import save_file

        text = json.dumps({"owner": list(self.owner), "columns": list(self.trace), "origin": self.origin})
        columns = {f"{TRACE}{name}": values for name, values in self.trace.items()}
        tensors = {name: t.cpu().contiguous() for name, t in {**self.tensors, **columns}.items()}
        with appearing(path) as half:
            save_file(tensors, half, metadata={"about": text, "sha256": _digest(tensors, text)})

    def column(self, name: str) -> Tensor:
        """A column of the trace; NaN where the part has no such column."""
        if name in self.trace:
            return self.trace[name]
        return torch.full((len(self.trace["image"]),), float("nan"), dtype=torch.float64)

    def within(self, start: int, stop: int) -> "Part":
        """The images of this part from `start` to before `stop`."""
        start, stop = max(start, self.start), min(stop, self.stop)
        if (start, stop) == (self.start, self.stop):
            return self
        rows = (self.trace["image"] >= start) & (self.trace["image"] < stop)
        tensors = {name: t[start - self.start : stop - self.start] for name, t in self.tensors.items()}
        trace = {name: values[rows] for name, values in self.trace.items()}
        return replace(self, start=start, stop=stop, tensors=tensors, trace=trace)


def column(name: str, values: Sequence[float | None]) -> Tensor:
    """A column of a trace: counts as int64, everything else as float64, NaN where there is no value."""
    if name in INTEGERS:
        return torch.tensor(values, dtype=torch.int64)
    return torch.tensor([float("nan") if v is None else v for v in values], dtype=torch.float64)


def joined(pieces: Sequence[Part]) -> Part:
    """One part of parts that follow each other."""
    first = pieces[0]
    tensors = {name: smallest(torch.cat([p.tensors[name] for p in pieces])) for name in first.tensors}
    trace = {
        name: torch.cat([p.column(name) for p in pieces])
        for name in dict.fromkeys(name for p in pieces for name in p.trace)
    }
    origin = merged([p.origin for p in pieces])
    return replace(first, stop=pieces[-1].stop, tensors=tensors, trace=trace, origin=origin)


def merged(origins: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """When all of these were made, and each different setting in which one of them was."""
    made = [setting for origin in origins for setting in origin["made"]]
    return {
        "began": min(origin["began"] for origin in origins),
        "ended": max(origin["ended"] for origin in origins),
        "made": [setting for i, setting in enumerate(made) if setting not in made[:i]],
    }


def owner_of(cell: Cell) -> tuple[str, str]:
    """What the parts of a cell say about whose they are."""
    return cell.id, cell.digest


def span_text(span: Span) -> str:
    return f"{span[0]:07d}-{span[1]:07d}"


def span_of(text: str) -> Span:
    """The span that a text like 0000000-0000064 names."""
    match = NAME.fullmatch(f"{text}.safetensors")
    if match is None or int(match[1]) >= int(match[2]):
        raise LadrError(f"images {text!r}: START-STOP with seven digits each is expected, 0000000-0000064")
    return int(match[1]), int(match[2])


def shard_file(folder: Path, span: Span) -> Path:
    return folder / FOLDER / f"shard-{span_text(span)}.safetensors"


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read(path: Path, owner: Sequence[str] | None = None) -> Part | None:
    """The part in this file; None if it is not exactly what was written.

    A part of another cell than `owner`, or of another spec, is refused.
    """
    try:
        start, stop = span_of(path.name.removesuffix(".safetensors"))
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if metadata["sha256"] != _digest(tensors, metadata["about"]):
            return None
        about = json.loads(metadata["about"])
        trace = {name: tensors.pop(f"{TRACE}{name}") for name in about["columns"]}
        part = Part(about["owner"], start, stop, tensors, trace, about["origin"])
    except (LadrError, OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None
    if owner is not None and list(part.owner) != list(owner):
        raise LadrError(f"{path}: belongs to cell {part.owner[0]} with another spec; remove it and run again")
    return part


def cover(folder: Path, span: Span, owner: Sequence[str] | None = None) -> Iterator[Part]:
    """What the parts in a cell's folder hold of the span: in order, no image twice.

    Damaged files are removed, and without an `owner` parts of other cells.
    """
    files = {path: _span(path) for path in sorted((folder / FOLDER).glob("*.safetensors"))}
    position, end = span
    while position < end:
        holding = [path for path, (start, stop) in files.items() if start <= position < stop]
        if not holding:
            position = min((start for start, _ in files.values() if start > position), default=end)
            continue
        path = max(holding, key=lambda held: files[held][1])
        part = read(path, owner)
        if part is None or part.owner[0] != folder.name:
            remove([path], folder)
            del files[path]
            continue
        yield part.within(position, end)
        position = part.stop


def _span(path: Path) -> Span:
    """The span in the file's name; an empty one at its start where the name has none."""
    match = NAME.fullmatch(path.name)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def missing(held: Sequence[Span], span: Span, size: int) -> Iterator[Span]:
    """What of `span` is in none of the spans `held`, cut at multiples of `size`."""
    position, end = span
    for begin, after in [*held, (end, end)]:
        while position < begin:
            stop = min((position // size + 1) * size, begin)
            yield position, stop
            position = stop
        position = max(position, after)


def smallest(values: Tensor) -> Tensor:
    """These integers in the smallest signed type that can hold them; truth values as they are."""
    if values.dtype == torch.bool:
        return values
    low, high = int(values.min()), int(values.max())
    for dtype in (torch.int8, torch.int16, torch.int32):
        limits = torch.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return values.to(dtype)
    return values
