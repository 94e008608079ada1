"""Records and tables of results, read only where they are what was written and belong in their place."""

from pathlib import Path
from typing import Any

import pandas as pd

from ladr.base.errors import LadrError
from ladr.experiment.cells import record

SHOWN = "pictures.json"
MEND = "see `ladr doctor`, then run `snakemake`"


def record_in(path: Path, whose: str = "") -> dict[str, Any]:
    """The record in this file; LadrError, which begins with `whose`, where it is changed or of another
    place."""
    try:
        return record.read(path) if path.name == SHOWN else record.placed(path)
    except LadrError as error:
        raise LadrError(f"{whose}{error}; {MEND}") from None


def table_in(path: Path, vouching: dict[str, Any], whose: str = "") -> pd.DataFrame:
    """The table in this parquet file, if it is what the record `vouching` for it says."""
    try:
        return pd.read_parquet(record.vouched(path, vouching))
    except LadrError as error:
        raise LadrError(f"{whose}{error}; {MEND}") from None
    except (OSError, ValueError) as error:
        raise LadrError(f"{whose}{path}: cannot be read ({error}); {MEND}") from None
