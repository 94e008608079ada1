"""What the Snakefile calls."""

import os
import sys
from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Any

from ladr.base.errors import LadrError, nearest, printable
from ladr.base.models import EMBEDDED
from ladr.experiment.plan.plan import Plan
from ladr.experiment.plan.store import store_of

CONFIG = ("params", "set", "backbone", "out", "container", "train", "train_steps", "packages")
INSTEAD = {"LADR_PARAMS": "params=FILE", "LADR_SET": 'set="KEY=VALUE ..."'}  # of variables that ladr reads
TOLD: dict[str, str] = {}  # what an earlier plan of this process told its jobs by them


def planned(config: Mapping[str, Any], argv: Sequence[str], workflow: Any = None) -> Plan:
    """The plan of this run of Snakemake. A mistake ends it with the message alone and exit code 1."""
    hear_sigterm()
    try:
        _check(config, argv)
        plan = Plan.read(config, argv, store_of(workflow))
        TOLD.update({name: os.environ[name] for name in INSTEAD})
        return plan
    except LadrError as error:
        sys.exit(f"ladr: {printable(str(error))}")


def _check(config: Mapping[str, Any], argv: Sequence[str]) -> None:
    """LadrError at a key that no rule reads, and at variables of ladr that this run would not obey."""
    for key in config:
        if key not in CONFIG:
            raise LadrError(f"--config {key}: is unknown{nearest(key, CONFIG)}")
    for name, instead in INSTEAD.items() if "--mode" not in argv else ():
        if os.environ.get(name, "") not in ("", TOLD.get(name), str(config.get("params", "params.yaml"))):
            raise LadrError(
                f"{name}: is not read here, as jobs may run on other machines; snakemake --config {instead}"
            )


def trained(config: Mapping[str, Any]) -> str:
    """The embedded model that `retrain` makes: `shapes`, or what the config says. A mistake ends the run."""
    name = str(config.get("train", EMBEDDED[0]))
    if name not in EMBEDDED:
        sys.exit(f"ladr: --config train: {printable(repr(name))} is unknown{nearest(name, EMBEDDED)}")
    return name


def hear_sigterm() -> None:
    """Snakemake ends on SIGTERM, whatever it does at that moment.

    Its own handler takes the scheduler's lock in the thread that it interrupts. Where that thread holds the
    lock (a job has just ended), Snakemake 9.27 waits for itself for ever. Here another thread waits for it.
    """
    try:
        from snakemake.scheduling.job_scheduler import JobScheduler
    except ImportError:  # another version
        return
    stop = getattr(JobScheduler, "exit_gracefully", None)
    if stop is not None and stop.__module__ != __name__:
        JobScheduler.exit_gracefully = _aside(stop)


def _aside(stop: Any) -> Any:
    def exit_gracefully(self: Any, *signalled: Any) -> None:
        Thread(target=stop, args=(self, *signalled), daemon=True).start()

    return exit_gracefully
