"""`ladr benchmark`: the official benchmarks by hand, folders and cells alike."""

import typer

from ladr.base.errors import LadrError
from ladr.cli import official_cells
from ladr.cli.official import app

app.command("export")(official_cells.export)
app.command("import")(official_cells.import_results)


@app.command("score", hidden=True, context_settings={"ignore_unknown_options": True})
def score(words: list[str] | None = typer.Argument(None)) -> None:
    """Renamed: `ladr score CELL --again`."""
    raise LadrError("`ladr benchmark score CELL` is now `ladr score CELL --again`")


__all__ = ["app"]
