"""The progress of a training run: a bar in a terminal, and lines where there is no terminal."""

from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Follow(AbstractContextManager):
    """`at` moves the bar; `tell` shows the loss and the rate, as a line where there is no terminal."""

    def __init__(
        self, label: str, steps: int, done: int, *, quiet: bool = False, console: Console | None = None
    ):
        self.console = console or Console()
        self.label, self.steps = label, steps
        bar = self.console.is_terminal and not quiet
        self.lines = not self.console.is_terminal and not quiet
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        columns = *columns, TextColumn("{task.fields[note]}"), TimeRemainingColumn()
        self.bar = Progress(*columns, console=self.console, disable=not bar)
        self.task = self.bar.add_task(label, total=steps, completed=done, note="")

    def __enter__(self) -> "Follow":
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def at(self, step: int) -> None:
        self.bar.update(self.task, completed=step)

    def tell(self, step: int, loss: float, rate: float, held_out: float | None = None) -> None:
        """loss: mean of the last steps; rate: images per second; held_out: validation loss, if measured."""
        note = f"loss {loss:.3f}  {rate:.0f} images/s" + (
            "" if held_out is None else f"  held out {held_out:.3f}"
        )
        self.bar.update(self.task, completed=step, note=note)
        if self.lines:
            print(f"{self.label} {step}/{self.steps}  {note}", file=self.console.file, flush=True)
