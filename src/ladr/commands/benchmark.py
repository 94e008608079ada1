"""`ladr benchmark`: the official benchmarks by hand, folders and cells alike."""

from ladr.benchmarks.official.commands import app
from ladr.run import official_commands

app.command("export")(official_commands.export)
app.command("import")(official_commands.take)
app.command("score")(official_commands.score)

__all__ = ["app"]
