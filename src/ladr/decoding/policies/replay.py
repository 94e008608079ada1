"""How a policy says that it repeats the commits of a cell: this word, then the name of the cell."""

REPLAY = "replay:"
