"""The transformer of a folder in aMUSEd's layout: its settings checked, its weights loaded strictly."""

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.checkpoint.ranges import SIZE, WHOLE, require, require_like, settings_of
from ladr.backbones.checkpoint.vq import STEM
from ladr.base.errors import LadrError, needs

COUNTS = {
    "hidden_size", "cond_embed_dim", "micro_cond_encode_dim", "micro_cond_embed_dim", "encoder_hidden_size",
    "vocab_size", "codebook_size", "in_channels", "block_out_channels", "num_res_blocks", "block_num_heads",
    "num_hidden_layers", "num_attention_heads", "intermediate_size", "sample_size",
}  # fmt: skip


def network_config(folder: Path) -> dict[str, Any]:
    """The settings of the transformer; each that counts something is a whole number."""
    path = folder / "config.json"
    config = checkpoint.read_json(path)
    for key in COUNTS & config.keys():
        require(config, key, WHOLE, path, *SIZE)
    return config


def mask_id(path: Path, vocabulary: int) -> int:
    content = checkpoint.read_json(path)
    if content.get("mask_token_id") is None:
        raise LadrError(f"{path.parent.parent}: scheduler/scheduler_config.json gives no mask_token_id")
    require(content, "mask_token_id", WHOLE, path, 0, vocabulary - 1)
    return content["mask_token_id"]


def uvit(folder: Path, dtype: torch.dtype, device: str) -> nn.Module:
    with needs("the network of aMUSEd"):
        from diffusers.models.unets.uvit_2d import UVit2DModel

    config = checkpoint.read_json(folder / "config.json")
    require_like(_usual(UVit2DModel), config, folder / "config.json")
    with settings_of(folder / "config.json", "network of aMUSEd"), torch.device("meta"):
        network = UVit2DModel.from_config(_plain(config))
    checkpoint.load(network, folder, STEM, dtype=dtype, device=device)
    return network.requires_grad_(False)


def _usual(kind: type) -> dict[str, Any]:
    """The usual settings of a class of diffusers, as its signature says."""
    return {name: one.default for name, one in signature(kind).parameters.items()}


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if not name.startswith("_")}
