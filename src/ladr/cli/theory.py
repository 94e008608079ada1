"""`ladr theory` and `ladr audit`: the paper's claims and its printed numbers, checked."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ladr.base.errors import printable
from ladr.cli.options import Json, print_json
from ladr.speed.threads import threads


def theory(
    json: Json = False,
    quick: Annotated[bool, typer.Option("--quick", help="Small samples: seconds, not minutes.")] = False,
    large: Annotated[
        bool, typer.Option("--large", help="Also fields of 10x10 and 16x16 cells: four minutes more.")
    ] = False,
) -> None:
    """Check the paper's theory on exact models: what holds, what fails, with measured numbers."""
    from rich.console import Console

    from ladr.experiment.cells.record import sealed
    from ladr.paper.theory.report import record, sections, table

    with threads(1):  # the tensors are tiny: more threads wait for each other, on a busy machine for minutes
        if json:
            typer.echo(sealed(record(quick, large)), nl=False)
            return
        console = Console()
        for section in sections(large):
            rows = section.rows(quick)
            console.print(table(section.title, rows), f"[bold]{section.verdict(rows)}[/bold]\n")


def audit(
    out: Annotated[Path, typer.Option(help="The folder for audit.csv and audit.md.")] = Path(
        "figures/latest/paper"
    ),
    json: Json = False,
) -> None:
    """Check the paper's printed numbers; print what does not hold, write all of it."""
    from dataclasses import asdict

    from ladr.paper.audit.audit import FAILS, write

    findings = write(out)
    if json:
        print_json([asdict(finding) for finding in findings])
        return
    for finding in findings:
        if finding.verdict == FAILS:
            typer.echo(f"{finding.check}: {finding.subject}: {finding.reason}")
    counts = Counter(finding.verdict for finding in findings)
    typer.echo(
        f"{printable(str(out))}/audit.md: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}"
    )
