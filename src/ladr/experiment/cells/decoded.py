"""Read what a cell's decode left: its tokens, its trace, and the commits per image and pass."""

from collections.abc import Mapping
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.base.late import Tensor, torch
from ladr.experiment.cells import parts
from ladr.experiment.cells.parts import Part, Span
from ladr.experiment.cells.record import CELL, TOKENS, TRACE, done, placed, vouched

MEND = "`ladr doctor --mend`, then run again"


def undecoded(folder: Path) -> LadrError:
    """Says of a cell that it has no tokens yet."""
    return LadrError(f"cell {folder.name}: not decoded yet; run `ladr run {folder.name}`, or wait for it")


def counts_of(folder: Path, span: Span | None = None) -> list[list[int]]:
    """Commits per image and pass of a cell: of all its images, or of those in `span`.

    A cell that is not joined yet has them where its parts hold the span.
    """
    trace = read_trace(folder, span) if done(folder / CELL) else _trace_of_parts(folder, span)
    first = span[0] if span else 0
    counts: list[list[int]] = [[] for _ in range(span[1] - first if span else 1 + max(trace["image"]))]
    for image, a, b in zip(trace["image"], trace["scheduled"], trace["rescued"], strict=True):
        counts[image - first].append(a + b)
    return counts


def tokens_of(folder: Path, span: Span) -> Tensor:
    """(n, H, W) int64: the tokens of the images in `span`; of a cell that is not joined from its parts."""
    if done(folder / CELL):
        return read_tokens(folder)["tokens"][slice(*span)].long()
    return torch.cat([part.tensors["tokens"].long() for part in _whole(folder, span)])


def _trace_of_parts(folder: Path, span: Span | None) -> dict[str, list]:
    pieces = _whole(folder, span)
    return {n: [v for p in pieces for v in p.trace[n].tolist()] for n in ("image", "scheduled", "rescued")}


def _whole(folder: Path, span: Span | None) -> list[Part]:
    """The parts that hold all images of the span."""
    pieces = list(parts.cover(folder, span)) if span else []
    held = [(part.start, part.stop) for part in pieces]
    if span is None or list(parts.missing(held, span, span[1])):
        raise undecoded(folder)
    return pieces


def read_trace(folder: Path, span: Span | None = None) -> dict[str, list]:
    """The columns of a cell's trace, by image and step: of all images, or of those in `span`."""
    import pyarrow.parquet as pq

    path = folder / TRACE
    if not path.exists():
        raise undecoded(folder)
    chosen = None if span is None else [("image", ">=", span[0]), ("image", "<", span[1])]
    try:
        return pq.read_table(_vouched(folder, TRACE), filters=chosen).to_pydict()
    except LadrError as error:
        raise LadrError(f"{error}; {MEND}") from None
    except (OSError, ValueError) as error:
        raise LadrError(f"{path}: cannot be read ({error}); {MEND}") from None


def read_tokens(folder: Path) -> dict[str, Tensor]:
    """tokens, settled and rescued (N, H, W) of a cell."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: tensor.clone() for name, tensor in load_file(_vouched(folder, TOKENS)).items()}
    except LadrError as error:
        raise LadrError(f"{error}; {MEND}") from None
    except (OSError, SafetensorError) as error:
        raise LadrError(f"{folder / TOKENS}: cannot be read ({error}); {MEND}") from None


def _vouched(folder: Path, name: str) -> Path:
    """This file of the cell, if it is what the cell's own record vouches for."""
    return vouched(folder / name, placed(folder / CELL))


def summary(trace: Mapping[str, list], images: int) -> dict[str, float]:
    """Means per image: passes, pass-equivalents, seconds, and the share of cells that were rescued."""
    committed = sum(trace["scheduled"]) + sum(trace["rescued"])
    return {
        "passes": len(trace["step"]) / images,
        "equivalents": sum(trace["cost"]) / images,
        "seconds": sum(trace["seconds"]) / images,
        "rescued": sum(trace["rescued"]) / committed,
    }
