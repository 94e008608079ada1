"""What a decode did, image by image and pass by pass."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ladr.base.errors import LadrError, shown
from ladr.decoding import schedule


@dataclass
class ImageTrace:
    """One image. Lists have one entry per pass.

    masked: cells masked before the pass; scheduled, rescued, dropped: cells committed by the schedule and
    by a rescue, and masked again or thrown away with a picture that another is kept for; logp: sum of the
    natural logs of the committed codes' probabilities; unlike: rescued cells whose committed code was not
    the likeliest; cost: pass-equivalents (1 without a cache); seconds: this image's share of each pass's wall
    time; notes: numbers that the policy notes.
    """

    total: int
    masked: list[int] = field(default_factory=list)
    scheduled: list[int] = field(default_factory=list)
    rescued: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    unlike: list[int] = field(default_factory=list)
    logp: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    notes: dict[str, list[float]] = field(default_factory=dict)

    def __repr__(self) -> str:
        rescued, seconds = sum(self.rescued), sum(self.seconds)
        return f"{self.passes} passes, {rescued} of {self.total} cells rescued, {seconds:.2f} s"

    def add(self, columns: dict[str, float], notes: dict[str, float]) -> None:
        """Append one pass; a note that comes and goes is NaN where it is missing."""
        for name in notes:
            self.notes.setdefault(name, [math.nan] * self.passes)
        for name, values in self.notes.items():
            values.append(notes.get(name, math.nan))
        for name, value in columns.items():
            getattr(self, name).append(value)

    @property
    def passes(self) -> int:
        """Forward passes (with guidance, one pass is a conditional and an unconditional evaluation)."""
        return len(self.masked)

    @property
    def equivalents(self) -> float:
        """Forward passes in units of full ones: a cached pass costs what its cache says."""
        return sum(self.cost)

    @property
    def committed(self) -> list[int]:
        """Cells committed in each pass."""
        return [a + b for a, b in zip(self.scheduled, self.rescued, strict=True)]


BARS = ("#9db8e8", "#1e64c8")  # of all cells, and of the rescued ones
COLUMNS = ("masked", "scheduled", "rescued", "dropped", "unlike", "logp", "cost", "seconds")


@dataclass
class Trace:
    """The traces of all images of a call, in the order of its prompts."""

    images: list[ImageTrace]

    def __repr__(self) -> str:
        images = self.images
        if len(images) < 2:
            return f"1 image: {images[0]}" if images else "no images"
        passes = sorted({image.passes for image in images})
        span = f"{passes[0]} to {passes[-1]}" if len(passes) > 1 else f"{passes[0]}"
        rescued, cells = sum(sum(i.rescued) for i in images), sum(i.total for i in images)
        seconds = sum(sum(i.seconds) for i in images)
        return f"{len(images)} images: {span} passes, {rescued} of {cells} cells rescued, {seconds:.2f} s"

    def _repr_html_(self) -> str:
        """A table with one row per image. The bars are the cells of each pass, the rescued ones darker."""
        names = ("image", "passes", "equivalents", "rescued", "seconds")
        head = "".join(f"<th>{name}</th>" for name in (*names, "cells per pass"))
        rows = []
        for row, image in zip(self.summary(), self.images, strict=True):
            cells = "".join(f"<td>{row[name]:.4g}</td>" for name in names)
            rows.append(f"<tr>{cells}<td>{_bars(image)}</td></tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    def committed(self) -> list[list[int]]:
        """Cells committed per image and pass: what a budget-matched run replays."""
        return [image.committed for image in self.images]

    def note(self, name: str) -> list[list[float]]:
        """One of the policy's own columns, per image and pass."""
        if not isinstance(name, str):
            raise LadrError(f"note: {shown(name)} is not allowed; the name of a column")
        return [image.notes.get(name, []) for image in self.images]

    def rows(self) -> list[dict[str, Any]]:
        """One dict per image and pass: image, step, t and the columns of ImageTrace."""
        return [row for i, image in enumerate(self.images) for row in _rows(i, image)]

    def summary(self) -> list[dict[str, Any]]:
        """One dict per image: image, passes, equivalents, rescued, seconds, and the cells committed and
        rescued in each pass."""
        return [
            {
                "image": i,
                "passes": image.passes,
                "equivalents": image.equivalents,
                "rescued": sum(image.rescued),
                "seconds": sum(image.seconds),
                "committed_per_pass": image.committed,
                "rescued_per_pass": list(image.rescued),
            }
            for i, image in enumerate(self.images)
        ]


def _bars(image: ImageTrace) -> str:
    """An SVG with one bar per pass for all cells, and one in front of it for the rescued ones."""
    tallest = max(image.committed, default=1) or 1
    parts = []
    for n, counts in enumerate(zip(image.committed, image.rescued, strict=True)):
        for count, colour in zip(counts, BARS, strict=True):
            height = 30 * count / tallest
            place = f'x="{6 * n}" y="{30 - height:.1f}" width="5" height="{height:.1f}"'
            parts.append(f'<rect {place} fill="{colour}"/>')
    return f'<svg width="{6 * image.passes}" height="30" role="img">{"".join(parts)}</svg>'


def _rows(i: int, image: ImageTrace) -> Iterator[dict[str, Any]]:
    for s in range(image.passes):
        columns = {name: getattr(image, name)[s] for name in COLUMNS}
        notes = {name: values[s] for name, values in image.notes.items()}
        yield {
            "image": i,
            "step": s,
            "t": schedule.inverse(image.masked[s] / image.total),
            **columns,
            **notes,
        }
