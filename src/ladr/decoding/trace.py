"""What a decode did, image by image and pass by pass."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ladr.decoding import schedule


@dataclass
class ImageTrace:
    """One image. Lists have one entry per pass.

    masked: cells masked before the pass; scheduled, rescued, dropped: cells committed by the schedule and
    by a rescue, and masked again; logp: sum of the natural logs of the committed codes' probabilities;
    unlike: rescued cells whose committed code was not the likeliest; cost: pass-equivalents (1 without a
    cache); seconds: this image's share of each pass's wall time; notes: numbers that the policy
    notes.
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


COLUMNS = ("masked", "scheduled", "rescued", "dropped", "unlike", "logp", "cost", "seconds")


@dataclass
class Trace:
    """The traces of all images of a call, in the order of its prompts."""

    images: list[ImageTrace]

    def committed(self) -> list[list[int]]:
        """Cells committed per image and pass: what a budget-matched run replays."""
        return [image.committed for image in self.images]

    def note(self, name: str) -> list[list[float]]:
        """One of the policy's own columns, per image and pass."""
        return [image.notes.get(name, []) for image in self.images]

    def rows(self) -> list[dict[str, Any]]:
        """One dict per image and pass: image, step, t and the columns of ImageTrace."""
        return [row for i, image in enumerate(self.images) for row in _rows(i, image)]

    def summary(self) -> list[dict[str, Any]]:
        """One dict per image: image, passes, equivalents, rescued, seconds."""
        return [
            {
                "image": i,
                "passes": image.passes,
                "equivalents": image.equivalents,
                "rescued": sum(image.rescued),
                "seconds": sum(image.seconds),
            }
            for i, image in enumerate(self.images)
        ]


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
