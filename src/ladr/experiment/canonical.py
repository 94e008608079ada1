"""One text for one value, from which hashes of specs are made."""

import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> str:
    """One text per value: sorted keys, 1.0 written as 1."""

    def simple(v: Any) -> Any:
        if isinstance(v, Mapping):
            return {str(k): simple(x) for k, x in v.items()}
        if isinstance(v, (list, tuple)):
            return [simple(x) for x in v]
        return int(v) if isinstance(v, float) and v.is_integer() else v

    return json.dumps(simple(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
