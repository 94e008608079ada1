"""Training checkpoints: one safetensors file, replaced atomically, so that a kill costs minutes at most."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ladr.base.errors import LadrError
from ladr.base.files import appearing

NAME = "checkpoint.safetensors"


def write(folder: Path, tensors: dict[str, Tensor], state: dict) -> None:
    """Write both as `folder`/checkpoint.safetensors; the old file stays until the new one is on disk."""
    with appearing(folder / NAME) as half:
        save_file({k: v.contiguous() for k, v in tensors.items()}, half, {"state": json.dumps(state)})


def read(folder: Path) -> tuple[dict[str, Tensor], dict] | None:
    """Tensors and state of the last checkpoint, or None where there is none."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            state = json.loads(file.metadata()["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118
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
