"""What `ladr benchmark` prints: progress bars, tables of scores, what is wrong with a folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ladr.base.errors import LadrError
from ladr.base.files import require_place
from ladr.benchmarks.official import folder, sheet
from ladr.benchmarks.official.estimate import CostEstimate
from ladr.benchmarks.official.suite import Scores, Suite
from ladr.cli.options import print_json

console = Console()
progress_console = Console(stderr=True)
SHOWN = 20


def run(
    suite: Suite,
    check: Path | None,
    results: Path | None,
    images: Path | None,
    page: Path | None,
    read: Callable[[Path], Scores],
    native: Callable[[Path], Scores | None],
    json: bool,
) -> None:
    """Check a folder; import results or score images; print the scores; write the page of failures."""
    if page:
        require_place(page)
    if check:
        check_folder(suite, check, json)
    if not (check or results or images):
        raise LadrError("nothing to do; name --check, --results or --score")
    scores = read(results) if results else native(images) if images else None
    if scores is None:
        return
    show(scores, json)
    if page:
        count = sheet.write_sheet(suite, scores, images, page)
        progress_console.print(f"{page}: {count} judgements that are not full", markup=False)


def check_folder(suite: Suite, images: Path, json: bool) -> None:
    """Compare a folder of images with the official layout; exit code 1 where it has faults."""
    with bar(f"check {suite.name}", sum(1 for _ in suite.files())) as advance:
        report = folder.check(suite, images, progress=advance)
    if json:
        faults = {str(path): reason for path, reason in report.faults.items()}
        print_json({"present": report.present, "expected": report.expected, "faults": faults})
    else:
        _print_report(suite.name, report)
    if not report.ok:
        raise typer.Exit(1)


def _print_report(name: str, report: folder.Report) -> None:
    console.print(f"{name}: {report.present} of {report.expected} image files, {len(report.faults)} faults")
    for path, reason in list(report.faults.items())[:SHOWN]:
        console.print(f"  {path}: {reason}", markup=False)
    if len(report.faults) > SHOWN:
        console.print(f"  and {len(report.faults) - SHOWN} more")


def show(scores: Scores, json: bool) -> None:
    """Print the columns, here and by the official script, in percent; as JSON between 0 and 1."""
    if json:
        columns = {
            name: {"score": v, "official": scores.official[name]} for name, v in scores.columns.items()
        }
        about = {"benchmark": scores.benchmark, "scorer": scores.scorer, "notes": list(scores.notes)}
        print_json({**about, "columns": columns})
        return
    table = Table(
        "column", "score", "official script", title=f"{scores.benchmark}, scored by {scores.scorer}"
    )
    for name, value in scores.columns.items():
        table.add_row(name, f"{100 * value:.2f}", f"{100 * scores.official[name]:.2f}")
    console.print(table)
    for note in scores.notes:
        console.print(f"- {note}", markup=False)


def prices(per_million_in: float | None, per_million_out: float | None) -> tuple[float, float] | None:
    """(price of a million tokens in, out), or None unless both are known."""
    return None if per_million_in is None or per_million_out is None else (per_million_in, per_million_out)


def confirm(estimate: CostEstimate, yes: bool) -> None:
    """Print what the judge's answers would cost; go on when the user (or `yes`) agrees, else stop."""
    progress_console.print(str(estimate), markup=False)
    if not yes:
        typer.confirm("Ask?", abort=True)


@contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr, in a terminal only. Its value is called with what is done, and the total."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    quiet = not progress_console.is_terminal
    with Progress(*columns, console=progress_console, transient=True, disable=quiet) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done, whole=total: progress.update(task, completed=done, total=whole)
