"""The prompt, which every benchmark is made of."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prompt:
    """One prompt. `id` is unique in its benchmark and seeds its images; `meta` (JSON only) is for scoring."""

    id: str
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)


def prompts_sha256(prompts: Iterable[Prompt]) -> str:
    """One hash of ids, texts and meta in order. Two runs with the same hash answer the same prompts."""
    digest = hashlib.sha256()
    for prompt in prompts:
        row = json.dumps([prompt.id, prompt.text, dict(prompt.meta)], sort_keys=True, ensure_ascii=False)
        digest.update(row.encode() + b"\n")
    return digest.hexdigest()
