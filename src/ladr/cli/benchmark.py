"""`ladr benchmark`: the official benchmarks by hand, folders and cells alike."""

from ladr.cli import official_cells as official_commands
from ladr.cli.official import app

app.command("export")(official_commands.export)
app.command("import")(official_commands.take)
app.command("score")(official_commands.score)

__all__ = ["app"]
