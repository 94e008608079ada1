"""The command line: `ladr --help`. A command is imported when it is asked for, and not to be listed."""

import errno
import sys
from importlib import import_module

import typer

from ladr.base.errors import LadrError, needs

# command -> module that has it; `module:function` for a lone function, else the module's typer `app`.
GROUPS = {
    "train": "ladr.cli.train",
    "bench": "ladr.speed.loop",
    "benchmark": "ladr.cli.benchmark",
}
COMMANDS = {
    "theory": "ladr.paper.theory.report:theory",
    "audit": "ladr.cli.audit:audit",
    "figures": "ladr.cli.figures:figures",
    "pictures": "ladr.cli.pictures:pictures",
    "sample": "ladr.cli.sample:sample",
    "devices": "ladr.cli.devices:devices",
    **dict.fromkeys(("prompts", "evaluate"), "ladr.cli.mini"),
    "sweep": "ladr.cli.sweep:sweep",
    **dict.fromkeys(("track", "ui", "search"), "ladr.cli.cells"),
    **dict.fromkeys(
        ("params", "grid", "run", "grade", "score", "ceiling", "table", "latency", "doctor", "prune"),
        "ladr.cli.cells",
    ),
}
HELP = {
    "params": "Check params.yaml and say what it asks for.",
    "grid": "List the cells: which row wants them, done or missing, and how long the missing ones may take.",
    "sample": "Draw a prompt; say how many forward passes and seconds it took.",
    "run": "Decode cells, and the cells that they need.",
    "grade": "Score decoded cells.",
    "score": "Score decoded cells, or any folder of images named PROMPT-ID_NUMBER.png.",
    "ceiling": "Score ground truth through a backbone's tokenizer: FILE in results/ceilings.",
    "table": "Put all scores of the grid together, with intervals and differences to the baseline.",
    "latency": "Seconds per image at batch 1, all samplers by turns.",
    "sweep": "Decode every combination of values through Snakemake and draw the heat map.",
    "search": "Search settings with Optuna for a high score in few passes; call again to go on.",
    "track": "Bring MLflow up to date with results/ (MLFLOW_TRACKING_URI, or results/mlflow.db).",
    "ui": "Open MLflow on this machine's loopback address.",
    "pictures": "Work out what the illustrations show, from finished cells; figures draw it.",
    "figures": "Redraw tables and figures from results.",
    "doctor": "Check every checksum below results/; exit 2 if one does not hold (0 if it was mended).",
    "prune": "Remove what params.yaml no longer names from results/.",
    "theory": "Check the paper's theory on exact models: what holds, what fails, with measured numbers.",
    "audit": "Check the paper's printed numbers; print what does not hold, write all of it.",
    "prompts": "List a benchmark's prompts; with --render show what they ask for.",
    "evaluate": "Explain a score: what was detected, which questions failed, and a picture of both.",
    "benchmark": "The official benchmarks: prompts, folders, results, scores.",
    "bench": "Benchmarks of the package itself.",
    "devices": "Say what this machine can run and what is missing: devices, memory, packages, weights.",
    "train": "Train the embedded tokenizer and model from nothing.",
}


def build(only: str | None = None) -> typer.Typer:
    """As much of the application as the command `only` needs; without one, all names with their help."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, help="Training-free faster decoding.")
    app.callback()(lambda: None)
    if only is None:
        for name, text in HELP.items():
            app.command(name, help=text)(lambda: None)
        return app
    module, _, function = (GROUPS | COMMANDS)[only].partition(":")
    found = import_module(module)
    if function:
        app.command()(getattr(found, function))
    else:
        app.add_typer(found.app, name=only if only in GROUPS else None)
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
    except OSError as fault:
        if fault.errno != errno.ENOSPC:
            raise
        where = f"{fault.filename}: cannot be written" if fault.filename else "a file cannot be written"
        typer.secho(f"ladr: {where} ({fault.strerror}); what is finished is kept", fg="red", err=True)
        sys.exit(2)
