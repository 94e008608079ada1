"""What the Snakefile calls."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ladr.base.errors import LadrError, printable
from ladr.experiment.plan.plan import Plan
from ladr.experiment.plan.store import store_of


def planned(config: Mapping[str, Any], argv: Sequence[str], workflow: Any = None) -> Plan:
    """The plan of this run of Snakemake. A mistake ends it with the message alone and exit code 1."""
    try:
        return Plan.read(config, argv, store_of(workflow))
    except LadrError as error:
        sys.exit(f"ladr: {printable(str(error))}")
