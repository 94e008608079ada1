"""The table of all commands: the family that the help shows a command in, the function, the help's line."""

from typing import NamedTuple


class Command(NamedTuple):
    """`home` is `module:name` of a function, or of a typer app where the command has commands of its own."""

    family: str
    home: str
    help: str


DRAW, EXPERIMENT, RESULTS, OFFICIAL = "Draw", "Experiment", "Results", "Official benchmarks"
THEORY, TRAINING, MACHINE = "Theory", "Training", "Machine"

COMMANDS = {
    "sample": Command(
        DRAW,
        "ladr.cli.sample:sample",
        "Draw a prompt and say how many forward passes and seconds that took.",
    ),
    "demo": Command(
        DRAW,
        "ladr.cli.demo:demo",
        "Serve a page: a prompt in, samplers side by side, the mask filling step by step.",
    ),
    "params": Command(
        EXPERIMENT, "ladr.cli.experiment:params", "Check params.yaml and say how many cells it names."
    ),
    "grid": Command(
        EXPERIMENT,
        "ladr.cli.experiment:grid",
        "List the rows of params.yaml: what is done, what is missing, scores and passes, hours and "
        "wall time.",
    ),
    "prompts": Command(
        EXPERIMENT, "ladr.cli.mini:prompts", "List a benchmark's prompts; --render draws what they ask for."
    ),
    "run": Command(
        EXPERIMENT,
        "ladr.cli.experiment:run",
        "Decode cells, and the cells that they need.",
    ),
    "join": Command(
        EXPERIMENT,
        "ladr.cli.experiment:join",
        "Join the shards of cells, once all their images are decoded.",
    ),
    "score": Command(
        EXPERIMENT,
        "ladr.cli.experiment:score",
        "Score decoded cells, or any folder of images named PROMPT-ID_NUMBER.png.",
    ),
    "ceiling": Command(
        EXPERIMENT,
        "ladr.cli.experiment:ceiling",
        "Score ground truth through a backbone's tokenizer, into FILE of results/ceilings.",
    ),
    "latency": Command(
        EXPERIMENT,
        "ladr.cli.experiment:latency",
        "Measure seconds per image at batch 1, all samplers by turns.",
    ),
    "sweep": Command(
        EXPERIMENT,
        "ladr.cli.sweep:sweep",
        "Decode every combination of values through Snakemake and draw the heat map.",
    ),
    "search": Command(
        EXPERIMENT,
        "ladr.cli.sweep:search",
        "Search settings with Optuna for a high score in few passes; call again to go on.",
    ),
    "calibrate": Command(
        EXPERIMENT,
        "ladr.cli.sweep:calibrate",
        "Find the values of a field with which a sampler takes so many passes.",
    ),
    "prune": Command(
        EXPERIMENT,
        "ladr.cli.experiment:prune",
        "Remove from results/ what params.yaml no longer names.",
    ),
    "table": Command(
        RESULTS,
        "ladr.cli.results:table",
        "Put all scores of the grid together, with intervals and differences to the baseline.",
    ),
    "pictures": Command(
        RESULTS,
        "ladr.cli.results:pictures",
        "Compute what the illustrations show, from finished cells; `ladr figures` draws it.",
    ),
    "figures": Command(RESULTS, "ladr.cli.figures:figures", "Redraw tables and figures from results."),
    "publish": Command(
        RESULTS,
        "ladr.cli.figures:publish",
        "Copy the figures of a finished run to figures/published, which git keeps.",
    ),
    "evaluate": Command(
        RESULTS,
        "ladr.cli.mini:evaluate",
        "Explain a score: what was detected, which questions failed, and a picture of both.",
    ),
    "track": Command(
        RESULTS,
        "ladr.cli.results:track",
        "Bring MLflow up to date with results/ (MLFLOW_TRACKING_URI, or results/mlflow.db).",
    ),
    "ui": Command(RESULTS, "ladr.cli.results:ui", "Open MLflow on this machine's loopback address."),
    "doctor": Command(
        RESULTS,
        "ladr.cli.results:doctor",
        "Check every checksum of results and published figures; exit 1 if one does not hold (0 if mended).",
    ),
    "crate": Command(
        RESULTS,
        "ladr.cli.results:crate",
        "Pack a finished run as a Workflow Run RO-Crate: files, what they are, how they were made.",
    ),
    "benchmark": Command(
        OFFICIAL,
        "ladr.cli.benchmark:app",
        "The official benchmarks: prompts, folders of images, results, scores.",
    ),
    "theory": Command(
        THEORY,
        "ladr.cli.theory:theory",
        "Check the paper's theory on exact models: what holds, what fails, with measured numbers.",
    ),
    "audit": Command(
        THEORY,
        "ladr.cli.theory:audit",
        "Check the paper's printed numbers; print what does not hold, write all of it.",
    ),
    "train": Command(TRAINING, "ladr.cli.train:app", "Train the embedded tokenizer and model from nothing."),
    "devices": Command(
        MACHINE,
        "ladr.cli.devices:devices",
        "Say what this machine can run and what is missing: devices, memory, packages, weights.",
    ),
    "speed": Command(MACHINE, "ladr.cli.speed:app", "Measure how fast this package runs on this machine."),
}
RENAMED = {"grade": "score", "bench": "speed"}
