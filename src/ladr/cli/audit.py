"""`ladr audit`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer


def audit(
    out: Annotated[Path, typer.Option(help="where audit.csv and audit.md go")] = Path("figures"),
) -> None:
    """Check the paper's printed numbers; print what does not hold, write all of it."""
    from ladr.paper.audit.audit import FAILS, write

    found = write(out)
    for finding in found:
        if finding.verdict == FAILS:
            typer.echo(f"{finding.check}: {finding.subject}: {finding.reason}")
    counts = Counter(f.verdict for f in found)
    typer.echo(f"{out}/audit.md: {', '.join(f'{n} {v}' for v, n in counts.items())}")
