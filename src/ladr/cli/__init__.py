"""The command line: one file per family of commands.

`commands` lists all of them, `main` imports the one that is called, `options` declares what they share, and
`mistakes` turns every error into one line and an exit code. From outside only `ladr.cli.main:main` is called,
by the program `ladr`; no room imports this one. It may import every other room, but torch only inside
functions: help and completion do without it.
"""
