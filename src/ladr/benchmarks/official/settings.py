"""The settings of `official` in params.yaml, as far as the scores of a benchmark depend on them."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

OF_JUDGE = ("model", "weights")  # what answers depend on; where the judge runs, and how often, is no matter


def digest(official: Any, keys: Iterable[str]) -> str:
    """A hash of these settings. A cell that was scored by other settings is scored anew."""
    held = official.model_dump()
    relevant = {key: held[key] for key in keys}
    if relevant.get("judge"):
        relevant["judge"] = {key: relevant["judge"][key] for key in OF_JUDGE}
    text = json.dumps(relevant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
