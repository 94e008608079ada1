"""The command line: one file per family of commands. `main` finds the command and imports its file alone.

Nothing imports this room. It may import every other one.
"""
