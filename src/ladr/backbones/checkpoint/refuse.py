"""Checkpoints that want to run code of their own are refused: a folder is data here, never a program."""

from collections.abc import Mapping
from pathlib import Path

from ladr.backbones.checkpoint.safetensors_folder import read_json
from ladr.base.errors import LadrError, shown

LIBRARIES = (None, "diffusers", "transformers", "ladr.integrations.diffusers")
ATTENTION = (None, "eager", "sdpa")
OURS = ("LLaDAConfig", "LLaDAModelLM", "LLaDAForMultiModalGeneration")
NO = "code that comes with a checkpoint is never run here"
BRING = (
    f"{NO}; if you trust it, import it yourself and hand the network in: "
    "Amused.from_pretrained(..., network=..., adapter=...)"
)


def refuse_foreign_parts(
    folder: Path,
    known: Mapping[str, set[tuple[str, str]]],
    brought: frozenset[str] = frozenset(),
) -> None:
    """Raise unless model_index.json of `folder` names a `known` (library, class) for each part.

    brought: the parts that the caller brings; what the folder names for them is not loaded. Other parts are
    not loaded either, but one that comes with code of its own is refused all the same.
    """
    path = folder / "model_index.json"
    index = read_json(path)
    if not isinstance(index.get("_class_name"), str):
        raise LadrError(
            f"{path}: _class_name {index.get('_class_name')} asks for the repository's own code; {NO}"
        )
    for part, named in index.items():
        if isinstance(named, list) and part not in known and _library(named) not in LIBRARIES:
            raise LadrError(f"{path}: {part} is {shown(named)}, the repository's own code; {NO}")
    for part in known.keys() - brought:
        _refuse_part(path, part, index.get(part), known[part])


def _library(named: list) -> str | None:
    """The library that a part is from: the first of its two words."""
    first = named[0] if named else ""
    return first if first is None or isinstance(first, str) else shown(first)


def _refuse_part(path: Path, part: str, named: object, allowed: set[tuple[str, str]]) -> None:
    if not isinstance(named, list) or not any(list(pair) == named for pair in allowed):
        expected = " or ".join(".".join(pair) for pair in sorted(allowed))
        raise LadrError(f"{path}: {part} is {shown(named)}, {expected} is wanted; {BRING}")
    for config in sorted((path.parent / part).glob("*config.json")):
        content = read_json(config)
        if code := content.get("auto_map"):
            raise LadrError(f"{config}: auto_map asks for the repository's own code ({shown(code)}); {NO}")
        for key in ("attn_implementation", "_attn_implementation"):
            if content.get(key) not in ATTENTION:
                raise LadrError(f"{config}: {key} {shown(content[key])} may be code from elsewhere; {NO}")


def refuse_foreign_code(config: Mapping, path: Path) -> None:
    """Raise if the config at `path` maps a class to code of the repository that has no counterpart here.

    A LLaDA checkpoint may name upstream's classes: this package has its own, and what the map points to is
    neither fetched nor run.
    """
    for name, where in (config.get("auto_map") or {}).items():
        if str(where).split(".")[-1] not in OURS:
            raise LadrError(
                f"{path}: auto_map.{name} asks for the repository's own code ({where}); {NO}. "
                f"Built in are {', '.join(OURS)}"
            )
