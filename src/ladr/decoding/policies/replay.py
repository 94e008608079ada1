"""How a policy says that it repeats the commits of a cell, or knows its final tokens: one of these words,
then the name of the cell."""

REPLAY = "replay:"
TOKENS = "tokens:"
SOURCES = (REPLAY, TOKENS)
