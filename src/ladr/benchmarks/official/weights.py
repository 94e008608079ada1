"""Networks of transformers for scorers: safetensors only, nothing that comes with a checkpoint is run."""

from pathlib import Path
from typing import Any

from ladr.base.errors import LadrError
from ladr.base.foreign import read_json
from ladr.base.tensor_files import head, refuse_pickles, within

MOST_JSON = 16 << 20  # bytes of a JSON file
ATTENTION = (None, "eager", "sdpa")
ONE, INDEX = "model.safetensors", "model.safetensors.index.json"


def network(kind: Any, checkpoint: str | Path) -> Any:
    """The network of a class of transformers from a folder or from the hub, for inference."""
    refuse_foreign(checkpoint)
    return kind.from_pretrained(checkpoint, use_safetensors=True, trust_remote_code=False).eval()


def tokenizer(kind: Any, checkpoint: str | Path) -> Any:
    """The tokenizer of a folder or of the hub."""
    refuse_foreign(checkpoint)
    return kind.from_pretrained(checkpoint, trust_remote_code=False)


def refuse_foreign(checkpoint: str | Path) -> None:
    """LadrError where a checkpoint folder holds pickles alone, broken heads, links out of it, or names code.
    What is no folder is a name of the hub, of which only safetensors are fetched."""
    folder = Path(checkpoint)
    if not folder.is_dir():
        return
    weights = [within(path, folder) for path in sorted(folder.glob("*.safetensors"))]
    if not weights:
        refuse_pickles(folder)
        raise LadrError(f"{folder}: no safetensors file there")
    for path in weights:
        head(path)
    for path in sorted(folder.glob("*.json")):
        content = read_json(within(path, folder), MOST_JSON)
        if isinstance(content, dict):
            _refuse_code(content, path)
    _refuse_outside(folder)


def _refuse_code(content: dict[str, Any], path: Path) -> None:
    if "auto_map" in content:
        raise LadrError(f"{path}: auto_map asks for the repository's own code, which is never run here")
    for key in ("attn_implementation", "_attn_implementation"):
        if content.get(key) not in ATTENTION:
            raise LadrError(f"{path}: {key} may ask for code from elsewhere; allowed is eager or sdpa")


def _refuse_outside(folder: Path) -> None:
    """LadrError where the index of shards names something else than files of the folder."""
    if (folder / ONE).is_file() or not (folder / INDEX).is_file():
        return
    index = read_json(folder / INDEX, MOST_JSON)
    places = index.get("weight_map") if isinstance(index, dict) else None
    names = set(places.values()) if isinstance(places, dict) and all(map(_text, places.values())) else set()
    if not names or any(not (folder / name).is_file() or Path(name).name != name for name in names):
        raise LadrError(f"{folder / INDEX}: weight_map does not name files of {folder}")


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value and len(value) < 256
