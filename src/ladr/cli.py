"""The command line: `ladr --help`. A command's modules are imported when it is asked for."""

import sys
from importlib import import_module

import typer

from ladr.errors import LadrError, needs

# command -> module that has it; `module:function` for a lone function, else the module's typer `app`.
GROUPS = {
    "train": "ladr.train.commands",
    "bench": "ladr.bench",
    "benchmark": "ladr.commands.benchmark",
}
COMMANDS = {
    "theory": "ladr.theory.report:theory",
    "audit": "ladr.paper.commands:audit",
    "figures": "ladr.figures.frame.commands:figures",
    "pictures": "ladr.run.pictures_command:pictures",
    "sample": "ladr.commands.sample:sample",
    "devices": "ladr.commands.devices:devices",
    **dict.fromkeys(("prompts", "evaluate"), "ladr.benchmarks.commands"),
    "sweep": "ladr.commands.sweep:sweep",
    **dict.fromkeys(("track", "ui", "search"), "ladr.run.commands"),
    **dict.fromkeys(
        ("params", "grid", "run", "grade", "score", "ceiling", "table", "latency", "doctor", "prune"),
        "ladr.run.commands",
    ),
}


def build(only: str | None = None) -> typer.Typer:
    """The whole application, or as much of it as the command `only` needs."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, help="Training-free faster decoding.")
    app.callback()(lambda: None)
    for name, module in GROUPS.items():
        if only in (None, name):
            app.add_typer(import_module(module).app, name=name)
    chosen = COMMANDS.values() if only is None else [COMMANDS[only]] if only in COMMANDS else []
    for place in dict.fromkeys(chosen):
        module, _, function = place.partition(":")
        if function:
            app.command()(getattr(import_module(module), function))
        else:
            app.add_typer(import_module(module).app)
    return app


def main() -> None:
    """Entry point of the `ladr` command; bad input ends with one message and exit status 2."""
    asked = sys.argv[1] if len(sys.argv) > 1 else None
    known = asked in GROUPS or asked in COMMANDS
    try:
        with needs(asked or "ladr"):
            build(asked if known else None)()
    except LadrError as mistake:
        typer.secho(f"ladr: {mistake}", fg="red", err=True)
        sys.exit(2)
