"""Checkpoint folders: safetensors only, loaded strictly, saved in the hub's layout."""

from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ladr.backbones.checkpoint.hub import again
from ladr.base import files, foreign
from ladr.base.errors import LadrError, nearest, shown
from ladr.base.tensor_files import head, refuse_pickles, within

MOST_JSON = 16 << 20  # bytes of a JSON file
FLOATS = ("F32", "BF16", "F16", "F64")
WHOLE = ("I64", "I32")


def read_json(path: Path) -> dict:
    """The object in `path`; a missing or broken file is refused."""
    if not path.is_file():
        raise LadrError(f"{path}: no such file; {again(path, False, 'a checkpoint folder has one')}")
    content = foreign.read_json(within(path, path.parent), MOST_JSON)
    if not isinstance(content, dict):
        raise LadrError(f"{path}: holds a {type(content).__name__}, not an object")
    return content


def _plain(name: str) -> bool:
    """Is that the name of a file, without a folder?"""
    return Path(name).name == name and "\0" not in name and len(name) < 256


def shards(folder: Path, stem: str = "model") -> list[Path]:
    """The safetensors files of `stem` in `folder`: one file, or those that its index names."""
    single = folder / f"{stem}.safetensors"
    index = folder / f"{stem}.safetensors.index.json"
    if single.is_file():
        return [within(single, folder)]
    if index.is_file():
        places = read_json(index).get("weight_map")
        if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
            raise LadrError(f"{index}: weight_map does not map tensors to files; {again(folder, False)}")
        names = sorted(set(places.values()))
        outside = [shown(name) for name in names if not _plain(name)]
        absent = [] if outside else [name for name in names if not (folder / name).is_file()]
        if absent or outside or not names:
            wrong = ", ".join(outside or absent) or "an empty weight_map"
            raise LadrError(f"{index}: names {wrong}, which is not in {folder}; {again(folder, False)}")
        return [within(folder / name, folder) for name in names]
    refuse_pickles(folder)
    mend = again(folder, False, "a checkpoint folder has one of them")
    raise LadrError(f"{folder}: neither {single.name} nor {index.name}; {mend}")


def _open(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise LadrError(f"{path}: truncated or damaged ({error}); {again(path)}") from None


class Stored(NamedTuple):
    """Where a tensor lies, and what its head says."""

    path: Path
    shape: tuple[int, ...]
    kind: str


Shapes = dict[str, Stored]


def _shapes(files: list[Path]) -> Shapes:
    shapes: Shapes = {}
    for path in files:
        try:
            tensors = head(path)
        except LadrError as error:
            raise LadrError(f"{error}; {again(path)}") from None
        for name, entry in tensors.items():
            if name in shapes:
                raise LadrError(f"{path}: tensor {shown(name)} is in {shapes[name].path.name} as well")
            shapes[name] = Stored(path, tuple(entry["shape"]), entry["dtype"])
    return shapes


def numbers(folder: Path, stem: str = "model") -> int:
    """How many numbers the tensors of `folder` hold. Every file must be there and whole; only their heads
    are read."""
    return sum(prod(stored.shape) for stored in _shapes(shards(folder, stem)).values())


def _some(names: list[str]) -> str:
    return ", ".join(ascii(name)[1:61].rstrip("'") for name in names[:3]) + (
        f" and {len(names) - 3} more" if len(names) > 3 else ""
    )


def _compare(folder: Path, stored: Shapes, expected: Mapping[str, Tensor]) -> None:
    """Raise unless the files hold the expected tensors in their shapes, and no other."""
    missing = sorted(expected.keys() - stored.keys())
    surplus = sorted(stored.keys() - expected.keys())
    if missing:
        raise LadrError(f"{folder}: tensor {_some(missing)} is missing")
    if surplus:
        raise LadrError(f"{folder}: tensor {_some(surplus)} does not belong to this model")
    for name, tensor in expected.items():
        path, shape, kind = stored[name]
        if shape != tuple(tensor.shape):
            raise LadrError(
                f"{path}: tensor {name} has shape {shape}; its config asks for {tuple(tensor.shape)}"
            )
        kinds = FLOATS if tensor.is_floating_point() else WHOLE
        if kind not in kinds:
            raise LadrError(f"{path}: tensor {name} is {kind}; allowed is {', '.join(kinds)}")


def load(
    module: nn.Module,
    folder: str | Path,
    stem: str = "model",
    *,
    dtype: torch.dtype | None = None,
    device: str | torch.device = "cpu",
) -> None:
    """Fill `module` (on any device, meta too) from `folder`; every tensor must be there, and no other."""
    folder = Path(folder)
    files = shards(folder, stem)
    expected = module.state_dict()
    _compare(folder, _shapes(files), expected)
    state = {}
    for path in files:
        with _open(path) as file:
            for name in file.keys():  # noqa: SIM118 (not a mapping)
                tensor = file.get_tensor(name).to(device=device, dtype=dtype or expected[name].dtype)
                state[name] = _finite(tensor, name, path)
    module.load_state_dict(state, assign=True)


def _finite(tensor: Tensor, name: str, path: Path) -> Tensor:
    """The tensor; LadrError where a weight is not a number or infinite."""
    if tensor.is_floating_point() and tensor.numel() and not torch.stack(tensor.aminmax()).isfinite().all():
        raise LadrError(f"{path}: tensor {name} holds weights that are NaN or infinite; {again(path)}")
    return tensor


def _parts(state: Mapping[str, Tensor], count: int) -> list[list[str]]:
    """The names in `state` in their order, cut into at most `count` parts of about equal size."""
    total = sum(t.nbytes for t in state.values())
    done = 0
    parts: list[list[str]] = [[] for _ in range(count)]
    for name, tensor in state.items():
        parts[min(count - 1, done * count // max(1, total))].append(name)
        done += tensor.nbytes
    return [part for part in parts if part]


def _itself(name: str, tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().clone()


def save(
    folder: str | Path,
    config: dict,
    state: Mapping[str, Tensor],
    *,
    parts: int = 1,
    stem: str = "model",
    content: Callable[[str, Tensor], Tensor] = _itself,
) -> None:
    """Write config.json and the tensors: one file, or `parts` shards with their index.

    content: of a name and its tensor in `state`, what is written. It is called while the tensor's shard is
    written, so that `state` may be on the meta device and no more than one shard is in memory.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "config.json", config)
    pieces = _parts(state, parts)
    names = [f"{stem}.safetensors"]
    if parts > 1:
        names = [f"{stem}-{i + 1:05d}-of-{len(pieces):05d}.safetensors" for i in range(len(pieces))]
        size = sum(t.nbytes for t in state.values())
        places = {key: name for name, piece in zip(names, pieces, strict=True) for key in piece}
        index = {"metadata": {"total_size": size}, "weight_map": places}
        files.write_json(folder / f"{stem}.safetensors.index.json", index)
    for name, piece in zip(names, pieces, strict=True):
        with files.appearing(folder / name) as half:
            save_file({key: content(key, state[key]) for key in piece}, half, metadata={"format": "pt"})


DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def dtype_of(field: str, name: str) -> torch.dtype:
    """The torch dtype of that name; `field` names the setting in the message."""
    if name not in DTYPES:
        raise LadrError(f"{field}: {name!r} is not allowed{nearest(name, DTYPES)}")
    return DTYPES[name]
