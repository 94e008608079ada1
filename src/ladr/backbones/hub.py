"""From a name to a checkpoint folder on this machine."""

from pathlib import Path

from ladr.errors import LadrError

WANTED = ["*.json", "*.safetensors", "vqvae/*.json", "vqvae/*.safetensors", "tokenizer*", "*.txt", "*.model"]


def folder_of(source: str | Path, revision: str | None = None) -> Path:
    """`source` if it is a folder, else the hub's snapshot of `owner/name` at `revision` (cached)."""
    folder = Path(source)
    if folder.is_dir():
        return folder
    text = str(source)
    if text.count("/") != 1 or text.startswith((".", "/", "~")):
        raise LadrError(f"backbone: {text!r} is neither a folder here nor a hub name like 'owner/name'")
    return _snapshot(text, revision)


def embedded(name: str) -> Path:
    """The folder `models/NAME` that comes with a checkout (or lies in the folder one works in)."""
    places = [Path(__file__).parents[3] / "models" / name, Path("models") / name]
    for place in places:
        if (place / "config.json").is_file():
            return place
    raise LadrError(f"backbone: no {name} checkpoint in {' or '.join(map(str, places))}; give its folder")


def _snapshot(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RevisionNotFoundError

    at = f"{name} at revision {revision or 'main'}"
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=WANTED))
    except RevisionNotFoundError:
        raise LadrError(
            f"backbone: {at} does not exist; give a branch, tag or commit of that repository"
        ) from None
    except LocalEntryNotFoundError:
        hint = f"hf download {name}" + (f" --revision {revision}" if revision else "")
        raise LadrError(
            f"backbone: {at} is not in the cache and the hub cannot be reached; online: {hint}"
        ) from None
    except HfHubHTTPError as error:
        raise LadrError(f"backbone: {at} cannot be fetched ({error.__class__.__name__}: {error})") from None
