"""Get the official prompt files: from a folder that the user names, or from their pinned address. They are
checked."""

import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from typing import Any

from ladr.base.errors import FailedError, LadrError, nearest
from ladr.base.files import replace, sha256
from ladr.base.removal import remove
from ladr.benchmarks.official.suite import some

RAW = "https://raw.githubusercontent.com"
TIMEOUT = 60.0  # seconds without a byte
CHUNK = 1 << 16
MOST = 64 << 20  # bytes of a file
CONNECTIONS = 8


@cache
def pins() -> Mapping[str, Any]:
    """name -> repo, commit, licence, files (path -> checksum), and for DPG a folder of files."""
    return json.loads((files(__package__) / "pins.json").read_text(encoding="utf-8"))


def pin(name: str) -> Mapping[str, Any]:
    """The pinned files of a benchmark."""
    if name not in pins():
        raise LadrError(f"benchmark {name!r} is unknown{nearest(name, pins())}")
    return pins()[name]


def source_of(name: str) -> str:
    """The repository and the short commit of a benchmark's files."""
    return f"{pin(name)['repo']}@{pin(name)['commit'][:7]}"


def home(name: str) -> Path:
    """Where `fetch` puts the files of a benchmark by default. The commit is part of the path."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "ladr" / "benchmarks" / name / pin(name)["commit"][:7]


def locate(name: str, file: str, folder: Path | None) -> Path:
    """The pinned `file` in `folder`: at its path in the repository, or by its bare name, or in a clone of the
    repository. Without a folder: in the cache that `fetch` fills."""
    root = home(name) if folder is None else Path(folder)
    for candidate in (root / Path(file).name, root / file, root / "/".join(Path(file).parts[1:])):
        if candidate.exists():
            return candidate
    hint = (
        f"; `ladr benchmark fetch {name}` gets it" if folder is None else f" (looked for {Path(file).name})"
    )
    raise LadrError(f"{name}: {file} is not in {root}{hint}")


def place(name: str, folder: str | Path | None) -> Path | None:
    """The folder of a benchmark's files: below `folder` by its name or its repository's, or `folder` itself.
    None without a folder: then the files lie where `fetch` puts them."""
    if folder is None:
        return None
    inside = (Path(folder) / own for own in (name, pin(name)["repo"].rpartition("/")[2]))
    return next((path for path in inside if path.is_dir()), Path(folder))


def files_sha256(name: str, files: Sequence[str], folder: Path | None) -> str:
    """One sha256 of these pinned files, wherever they lie."""
    digest = hashlib.sha256()
    for file in files:
        own = sha256(locate(name, file, folder))
        digest.update(f"{Path(file).name} {own}\n".encode())
    return digest.hexdigest()


def names_in(spec: Mapping[str, Any]) -> list[str]:
    """The pinned file names of a folder, from `{stem: "0-3,7"}`."""
    names = []
    for stem, ranges in spec["names"].items():
        for part in ranges.split(","):
            low, _, high = part.partition("-")
            names += [f"{stem}{k}{spec['suffix']}" for k in range(int(low), int(high or low) + 1)]
    return names


def checksum(data: bytes, like: str) -> str:
    """The checksum of `data` in the form of `like`: a sha256, or `git-blob:` and the id that git gives it."""
    if like.startswith("git-blob:"):
        return "git-blob:" + hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return hashlib.sha256(data).hexdigest()


def folder_sha256(folder: Path, names: list[str]) -> str:
    """One hash of a folder: sha256 over `name sha256\\n` in the order of the sorted names."""
    rows = (f"{n} {sha256(folder / n)}\n" for n in sorted(names))
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def fetch(
    name: str,
    folder: Path | None = None,
    *,
    base: str = RAW,
    progress: Callable[[int, int], None] = lambda d, n: None,
) -> Path:
    """Download what is pinned for `name` into `folder` (default: the cache) and return the folder.

    Files that are there and right are kept; a broken download goes on where it stopped; nothing gets its
    final name before its checksum agrees.
    """
    spec = pin(name)
    root = home(name) if folder is None else Path(folder)
    url = f"{base}/{spec['repo']}/{spec['commit']}"
    total = len(spec["files"]) + len(names_in(spec["folder"]) if "folder" in spec else ())
    for done, (path, pinned) in enumerate(spec["files"].items(), start=1):
        _get(f"{url}/{path}", root / Path(path).name, pinned)
        progress(done, total)
    if "folder" in spec:
        _get_folder(f"{url}/{spec['folder']['path']}", root, spec["folder"], len(spec["files"]), progress)
    return root


def ensure(name: str, *, base: str = RAW, say: Callable[[str], None] | None = None) -> None:
    """Fetch the files of `name` unless all are there."""
    spec = pin(name)
    last = [home(name) / Path(path).name for path in spec["files"]]
    if "folder" in spec:
        last += [home(name) / Path(spec["folder"]["path"]).name / n for n in names_in(spec["folder"])]
    if all(path.exists() for path in last):
        return
    (say or _tell)(f"{name}: fetching {source_of(name)} into {home(name)}")
    fetch(name, base=base)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _get_folder(url: str, root: Path, spec: Mapping[str, Any], before: int, progress: Callable) -> None:
    target = root / Path(spec["path"]).name
    names = names_in(spec)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        jobs = pool.map(lambda n: _get(f"{url}/{n}", target / n, ""), names)
        for done, _ in enumerate(jobs, start=before + 1):
            progress(done, before + len(names))
    digest = folder_sha256(target, names)
    if digest != spec["manifest_sha256"]:
        raise LadrError(
            f"{target}: the folder's sha256 is {digest}, pinned is {spec['manifest_sha256']}; delete it"
        )


def _get(url: str, target: Path, pinned: str) -> None:
    if target.exists() and (not pinned or checksum(target.read_bytes(), pinned) == pinned):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    _download(url, part)
    actual = checksum(part.read_bytes(), pinned)
    if pinned and actual != pinned:
        remove([part], target.parent)
        raise LadrError(f"{url}: checksum is {actual}, pinned is {pinned}; nothing was kept")
    replace(part, target)


def _download(url: str, part: Path) -> None:
    """Append to `part` what is missing of `url`. Start again where the server cannot resume."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            expected = answer.headers.get("Content-Length")
            with part.open("ab" if answer.status == 206 else "wb") as file:
                size = 0
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                    size += len(chunk)
                    if have + size > MOST:
                        raise LadrError(f"{url}: more than {MOST >> 20} MiB came; no pinned file is so large")
        if expected is not None and str(size) != expected.strip():
            raise FailedError(f"{url}: {size} of {expected} bytes came; run again to go on")
    except urllib.error.HTTPError as error:
        if (
            error.code == 416
        ):  # the part file is already whole, or longer than the file: judge it by its checksum
            return
        raise FailedError(f"{url}: the server answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise FailedError(
            f"{url}: cannot be reached ({reason}); offline, name a folder of the files "
            "(--prompts FOLDER, or `official: {prompts: FOLDER}` in params.yaml)"
        ) from error


def check_names(name: str, names: list[str]) -> None:
    """LadrError if the file names of a prompt folder are not the pinned ones."""
    pinned = names_in(pin(name)["folder"])
    missing = sorted(set(pinned) - set(names))
    surplus = sorted(set(names) - set(pinned))
    if missing or surplus:
        parts = [f"missing {some(missing)}"] if missing else []
        parts += [f"surplus {some(surplus)}"] if surplus else []
        raise LadrError(f"{name}: {len(names)} prompt files, {len(pinned)} are pinned: {'; '.join(parts)}")
