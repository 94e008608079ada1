"""What `ladr sample` shows: a bar, the mask as it fills, and pictures side by side."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from ladr.base.errors import LadrError
from ladr.base.files import require_place

MASKED, BEFORE, NOW = "grey23", "dodger_blue2", "bright_yellow"
NARROW = 256  # a picture is enlarged until it is this wide
LINE, GAP, EDGE = 18, 4, "gainsboro"  # label, space between pictures, what shows around them


class Silent(AbstractContextManager):
    """Shows nothing."""

    def __enter__(self):
        return None

    def __exit__(self, *_: object) -> None:
        return None


class Bar(AbstractContextManager):
    """Committed cells out of all, and the number of passes."""

    def __init__(self, console: Console, label: str, cells: int):
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[passes]} passes")
        self.bar = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self.task = self.bar.add_task(label, total=cells, passes=0)
        self.passes = 0

    def __enter__(self):
        self.bar.start()
        return self.step

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def step(self, view: Any, take: Any) -> None:
        self.passes += 1
        done = int((~view.masked).sum() + take.sum())
        self.bar.update(self.task, completed=done, passes=self.passes)


class Watch(AbstractContextManager):
    """The grid in the terminal, two rows of cells per line: masked, committed before, committed now. Where
    the terminal is smaller than that, one character stands for more cells."""

    def __init__(self, console: Console, label: str):
        self.live = Live(console=console, auto_refresh=False)
        self.label, self.passes = label, 0

    def __enter__(self):
        self.live.start()
        return self.step

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def step(self, view: Any, take: Any) -> None:
        self.passes += 1
        left = int((view.masked & ~take).sum())
        head = f"{self.label}: pass {self.passes}, {int(take.sum())} committed, {left} masked\n"
        masked, now = (flags[0].cpu().numpy() for flags in (view.masked, take))  # (H, W) each
        width, height = self.live.console.size
        shrink = max(1, -(-masked.shape[1] // width), -(-len(masked) // (2 * max(1, height - 3))))
        self.live.update(Text(head) + cells(coarse(masked, shrink), coarse(now, shrink)), refresh=True)


def coarse(flags: np.ndarray, by: int) -> np.ndarray:
    """flags (H, W) bool -> one flag per square of `by` x `by` cells: is any of them set?"""
    H, W = flags.shape
    squares = np.pad(flags, ((0, -H % by), (0, -W % by))).reshape(-(-H // by), by, -(-W // by), by)
    return squares.any((1, 3))


def cells(masked: np.ndarray, take: np.ndarray) -> Text:
    """masked and take (H, W) bool -> one character per two cells above each other."""
    state = np.where(take, NOW, np.where(masked, MASKED, BEFORE))
    if len(state) % 2:
        state = np.concatenate([state, np.full_like(state[:1], "")])
    text = Text()
    for upper, lower in zip(state[::2], state[1::2], strict=True):
        for top, bottom in zip(upper, lower, strict=True):
            text.append("▀", style=f"{top} on {bottom}" if bottom else str(top))
        text.append("\n")
    return text


def require_picture(out: Path) -> None:
    """LadrError unless a picture can be written there: what is asked before anything is decoded."""
    from PIL import Image

    known = Image.registered_extensions()
    if out.suffix.lower() not in known or known[out.suffix.lower()] not in Image.SAVE:
        raise LadrError(f"out: {str(out)!r} cannot be written; a file whose name ends in .png or .jpg")
    require_place(out)
    if out.exists() and not out.is_file():
        raise LadrError(f"out: {str(out)!r} is no regular file; name another one")
    if out.exists():
        with out.open("r+b"):  # a picture that is there is written over
            pass


def save(out: Path, pictures: Sequence[np.ndarray], labels: Sequence[str], scale: int | None = None) -> None:
    """Write one picture (h, w, 3) uint8, or several side by side with their labels.

    Each pixel becomes a square of `scale` pixels; None: as many as make a picture at least NARROW wide.
    """
    factor = scale or max(1, -(-NARROW // pictures[0].shape[1]))
    save_picture(
        enlarged(pictures[0], factor) if len(pictures) == 1 else side_by_side(pictures, labels, factor), out
    )


def save_picture(image: Any, out: Path) -> None:
    """Write a PIL image, and make its folder where it is not there."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        image.save(out)
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = str(out)
            raise
        raise LadrError(f"out: {str(out)!r} cannot be written ({error})") from None


def enlarged(picture: np.ndarray, factor: int) -> Any:
    """A PIL image of the picture (h, w, 3), each pixel a square of `factor` pixels."""
    from PIL import Image

    height, width = picture.shape[:2]
    return Image.fromarray(picture).resize((width * factor, height * factor), Image.Resampling.NEAREST)


def side_by_side(pictures: Sequence[np.ndarray], labels: Sequence[str], factor: int) -> Any:
    """A PIL image: each picture enlarged by the factor, its label above it."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = (n * factor for n in pictures[0].shape[:2])
    size = len(pictures) * (width + GAP) - GAP, height + LINE
    sheet = Image.new("RGB", size, EDGE)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    for i, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        sheet.paste(enlarged(picture, factor), (i * (width + GAP), LINE))
        pen.text((i * (width + GAP) + 2, 1), label, fill="black", font=font)
    return sheet
