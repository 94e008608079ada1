"""Training checkpoints: one safetensors file, replaced atomically, so that a kill costs minutes at most."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ladr.base.errors import LadrError
from ladr.base.files import appearing
from ladr.base.tensor_files import head

NAME = "checkpoint.safetensors"


def write(folder: Path, tensors: dict[str, Tensor], state: dict) -> None:
    """Write both as `folder`/checkpoint.safetensors; the old file stays until the new one is on disk."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(state)
    with appearing(folder / NAME) as half:
        save_file(whole, half, {"state": text, "digest": digest(whole, text)})


def digest(tensors: Mapping[str, Tensor], state: str) -> str:
    """sha256 of the state and of every tensor: its name, dtype, shape and numbers."""
    held = hashlib.sha256(state.encode())
    for name, tensor in sorted(tensors.items()):
        held.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        held.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return held.hexdigest()


def read(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """Tensors and state of the last checkpoint, or None where there is none. A checkpoint that is not byte
    for byte what was written is refused."""
    path = folder / NAME
    if not path.exists():
        return None
    with _opened(path) as file:
        notes = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if notes.get("digest") != digest(tensors, notes["state"]):
            raise LadrError("its digest is not that of its content")
        return tensors, json.loads(notes["state"])


def state_of(folder: Path) -> dict[str, Any] | None:
    """The state of the last checkpoint, or None where there is none. Its tensors are not read."""
    path = folder / NAME
    if not path.exists():
        return None
    with _opened(path) as file:
        return json.loads(file.metadata()["state"])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file at `path`, whose head is sound; see `_readable`."""
    with _readable(path):
        head(path)
        with safe_open(path, "pt") as file:
            yield file


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Let every error of reading a checkpoint name its file."""
    try:
        yield
    except Exception as broken:
        raise LadrError(
            f"{path}: not a checkpoint that can be read ({broken}); remove it to start anew"
        ) from broken


def flatten(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as named tensors."""
    states = optimizer.state_dict()["state"]
    return {f"{prefix}.{i}.{k}": torch.as_tensor(v) for i, s in states.items() for k, v in s.items()}


def restore(prefix: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The inverse of `flatten`."""
    states: dict[int, dict] = {}
    for name, tensor in tensors.items():
        head, _, rest = name.partition(".")
        if head == prefix:
            index, _, key = rest.partition(".")
            states.setdefault(int(index), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": states, "param_groups": groups})
