"""How much memory a checkpoint needs, computed before it is loaded."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.base.errors import LadrError

GB = 1e9
WORDS = 100  # text positions, as prompts go
HIDDEN, WIDE, TABLES, MAPS = 6, 2, 6, 4  # copies alive at once, at most: see `of_dimoo`


@dataclass(frozen=True)
class Need:
    """Bytes: the transformer's weights, what a guided pass of one image adds, what a cache adds, pixels."""

    weights: float
    work: float
    cache: float
    pixels: float

    @property
    def total(self) -> float:
        """Without a cache; passes and pixels do not run at the same time."""
        return self.weights + max(self.work, self.pixels)


def parameters(config: LLaDAConfig) -> int:
    """Numbers in a LLaDA of these sizes."""
    d, m = config.d_model, config.mlp_hidden_size
    return 2 * config.embedding_size * d + config.n_layers * (4 * d * d + 3 * d * m + 2 * d) + d


def of_dimoo(
    config: LLaDAConfig, grid: tuple[int, int], codes: int, factor: int, *, bytes_each: int, wide: int = 256
) -> Need:
    """For one guided image: HIDDEN states, WIDE inner states of a layer, TABLES of float32 logits of the
    cells, MAPS feature maps of `wide` channels at full resolution in the VQ decoder."""
    H, W = grid
    positions = 2 * (WORDS + H * (W + 1) + 4)
    states = positions * bytes_each * (HIDDEN * config.d_model + WIDE * config.mlp_hidden_size)
    tables = TABLES * H * W * codes * 4
    kv = 2 * config.n_layers * positions * config.d_model * bytes_each + positions * codes * 4
    pixels = MAPS * wide * H * W * factor**2 * 4
    return Need(parameters(config) * bytes_each, states + tables, kv, pixels)


def of_amused(
    numbers: float,
    pixels: float,
    grid: tuple[int, int],
    codes: int,
    factor: int,
    *,
    bytes_each: int,
    wide: int = 256,
) -> Need:
    """For one guided image: `numbers` of the network and its text encoder, `pixels` of the VQ model, which
    stays in float32; TABLES and MAPS as in `of_dimoo`."""
    cells = grid[0] * grid[1]
    weights = numbers * bytes_each + pixels * 4
    return Need(weights, TABLES * cells * codes * 4, 0, MAPS * wide * cells * factor**2 * 4)


def amused_gigabytes() -> float:
    """What one image of the public amused-512 in float32 needs: its transformer and text encoder, its VQ
    model."""
    return of_amused(603e6 + 123e6, 146e6, (32, 32), 8192, 16, bytes_each=4).total / GB


def free(device: str | torch.device) -> float | None:
    """Free bytes of `device`; None where the system does not say."""
    device = torch.device(device)
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if device.type == "cpu" and meminfo.is_file():
        rows = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        return float(rows["MemAvailable"].split()[0]) * 1024
    if device.type == "cpu" and "SC_PHYS_PAGES" in os.sysconf_names:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return None


def check(need: Need, device: str | torch.device, what: str) -> None:
    """Raise if `device` has less than `what` needs."""
    has = free(device)
    if has is None or need.total <= has:
        return
    raise LadrError(
        f"{what}: needs about {need.total / GB:.1f} GB (weights {need.weights / GB:.1f}), "
        f"{device} has {has / GB:.1f} GB free; dtype bfloat16 (--dtype bfloat16) halves weights of float32, "
        "a smaller size (--size 512x512) the rest; `ladr devices` lists what else this machine has"
    )
