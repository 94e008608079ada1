"""Noun chunks of prompts, which T2I-CompBench asks about. They come from spaCy or from a file."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ladr.base.errors import LadrError
from ladr.base.files import write_text
from ladr.base.foreign import read_json
from ladr.benchmarks.official.suite import formed, some

PIPELINE = "en_core_web_sm"
NOT_OBJECTS = ("top", "the side", "the left", "the right")
MOST = 8


def from_spacy(texts: Sequence[str], pipeline: str = PIPELINE) -> dict[str, list[str]]:
    """The first 8 noun chunks of each prompt, without those that only name a place."""
    try:
        import spacy

        nlp = spacy.load(pipeline)
    except (ImportError, OSError) as error:
        raise LadrError(
            f"noun chunks need spaCy and its {pipeline} (pip install 'ladr[t2i]'; python -m spacy download "
            f"{pipeline}), or a file of chunks made where they are: {error}"
        ) from error
    return select(texts, lambda text: [chunk.text for chunk in nlp(text).noun_chunks])


def select(texts: Sequence[str], chunks_of: Callable[[str], Sequence[str]]) -> dict[str, list[str]]:
    """The first 8 noun chunks of each text, without those that only name a place."""
    return {text: [c for c in chunks_of(text) if c not in NOT_OBJECTS][:MOST] for text in texts}


def save(path: Path, chunks: Mapping[str, Sequence[str]]) -> None:
    """Write the chunks as JSON, for machines without spaCy."""
    write_text(path, json.dumps(chunks, indent=1, ensure_ascii=False) + "\n")


def load(path: Path, texts: Sequence[str]) -> dict[str, list[str]]:
    """The chunks of `texts` from a file that `save` wrote; every prompt must be there."""
    with formed(str(path), "noun chunks by prompt"):
        held = read_json(Path(path))
        if absent := [text for text in texts if text not in held]:
            raise LadrError(f"{path}: no chunks of {len(absent)} prompts: {some(absent, 3)}")
        for text in texts:
            if not isinstance(held[text], list) or not all(isinstance(c, str) for c in held[text]):
                raise TypeError(f"{text!r} has {held[text]!r}")
        return {text: held[text] for text in texts}
