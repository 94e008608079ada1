"""From a name to a checkpoint folder on this machine."""

from pathlib import Path
from typing import Any

from ladr.base.errors import FailedError, LadrError, needs
from ladr.base.files import remembered_sha256

LUMINA, AMUSED = "Alpha-VLLM/Lumina-DiMOO", "amused/amused-512"
WANTED = ["*.json", "*.safetensors", "vqvae/*.json", "vqvae/*.safetensors", "tokenizer*", "*.txt", "*.model"]
HALF = ["*.fp16.*", "*.non_ema.*"]  # copies of the weights that nothing here reads


def folder_of(source: str | Path, revision: str | None = None) -> Path:
    """`source` if it is a folder, else the hub's snapshot of `owner/name` at `revision` (cached)."""
    folder = Path(source)
    if folder.is_dir():
        return folder
    text = str(source)
    if text.count("/") != 1 or text.startswith((".", "/", "~")):
        raise LadrError(f"backbone: {text!r} is neither a folder here nor a hub name like 'owner/name'")
    return _snapshot(text, revision)


def again(path: Path, force: bool = True, elsewhere: str = "download it again") -> str:
    """The words that tell how to mend `path`: a command where it lies in the hub's cache, or `elsewhere`."""
    parts = path.absolute().parts
    at = next((i for i, part in enumerate(parts) if part.startswith("models--")), None)
    if at is None or parts[at + 1 : at + 2] != ("snapshots",) or len(parts) < at + 3:
        return elsewhere
    name = parts[at].removeprefix("models--").replace("--", "/")
    return f"mend it: {command(name, parts[at + 2])}" + (" --force-download" if force else "")


def command(name: str, revision: str | None = None) -> str:
    """What to type to fetch a repository of the hub; what is there already is not fetched twice."""
    return f"hf download {name}" + (f" --revision {revision}" if revision else "")


def repository(name: str) -> Path:
    """Where the hub's cache keeps `owner/name`."""
    with needs(f"{name} of the hub"):
        from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"


def held(name: str, revision: str = "main") -> dict[str, Any] | None:
    """The commit of `owner/name` that the cache has at `revision`, and the sha256 of each weight file; None
    without any."""
    place = repository(name)
    ref = place / "refs" / revision
    commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else revision
    files = sorted((place / "snapshots" / commit).rglob("*.safetensors"))
    sums = {str(path.relative_to(place / "snapshots" / commit)): path.resolve().name for path in files}
    return {"commit": commit, "sha256": sums} if sums else None


def _snapshot(name: str, revision: str | None) -> Path:
    with needs(f"{name} of the hub"):
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub import errors as hub

    at = f"{name} at revision {revision or 'main'}"
    fetch = command(name, revision)
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=WANTED, ignore_patterns=HALF))
    except hub.RevisionNotFoundError:
        raise _no_revision(name, at) from None
    except hub.GatedRepoError:
        raise LadrError(
            f"backbone: {name} wants its terms accepted: https://huggingface.co/{name}, then: hf auth login"
        ) from None
    except hub.RepositoryNotFoundError:
        raise LadrError(
            f"backbone: {name} does not exist on the hub, or is not yours to read (hf auth login)"
        ) from None
    except (hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled) as error:
        if isinstance(error.__cause__, hub.RevisionNotFoundError):  # as huggingface_hub 0 tells it
            raise _no_revision(name, at) from None
        offline = " (HF_HUB_OFFLINE is set)" if constants.HF_HUB_OFFLINE else ""
        kind = LadrError if constants.HF_HUB_OFFLINE else FailedError
        raise kind(
            f"backbone: {at} is not in the cache and the hub cannot be reached{offline}; online: {fetch}"
        ) from None
    except Exception as error:  # httpx's are no OSError, and httpx has had two names
        reason = f"{error.__class__.__name__}: {str(error).strip()}"
        raise FailedError(
            f"backbone: {at} cannot be fetched ({reason}); try again, complete files are kept: {fetch}"
        ) from None
    verify(folder)
    return folder


def _no_revision(name: str, at: str) -> LadrError:
    return LadrError(
        f"backbone: {at} does not exist; give a branch, tag or commit of that repository "
        f"(https://huggingface.co/{name}/commits/main), or none for the newest: {command(name)}"
    )


def verify(folder: Path) -> None:
    """Raise if a weight file of the hub's cache does not have the sha256 that the hub gave it.

    A file is hashed once; the result is remembered as long as its size and time stay the same.
    """
    for path in sorted(folder.rglob("*.safetensors")):
        published = path.resolve().name
        if len(published) != 64 or not path.is_symlink():
            continue
        actual = remembered_sha256(path.resolve())
        if actual != published:
            raise LadrError(f"{path}: sha256 is {actual}, the hub says {published}; {again(path)}")
