"""The VQ model of a checkpoint: codes to pixels and back. diffusers is imported at the first pixel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.checkpoint.ranges import NUMBER, WHOLE, require, require_sizes, settings_of
from ladr.base.errors import LadrError, needs, shown
from ladr.decoding.checks import grids_of

MOST_BLOCKS, WIDEST = 8, 4096
SIZES = {
    "num_vq_embeddings": 1 << 20,
    "latent_channels": WIDEST,
    "vq_embed_dim": WIDEST,
    "layers_per_block": 16,
    "norm_num_groups": WIDEST,
    "sample_size": 1 << 14,
}
BLOCKS = {
    "down_block_types": ("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
    "up_block_types": ("UpDecoderBlock2D", "AttnUpDecoderBlock2D"),
}
STEM = "diffusion_pytorch_model"
CELLS = 1 << 14  # decoded at once: 64 images of the miniature, 4 of 1024x1024


class VQPixels:
    """`vqvae/` of a checkpoint folder, loaded strictly: `codebook` codes, cells of `factor` pixels."""

    def __init__(self, folder: str | Path, codebook: int, factor: int, device: str | torch.device = "cpu"):
        self.folder, self.device = Path(folder) / "vqvae", device
        self._path = path = self.folder / "config.json"
        config = self.config = checkpoint.read_json(path)
        _check(config, path)
        if config.get("num_vq_embeddings") != codebook:
            codes = config.get("num_vq_embeddings")
            raise LadrError(
                f"{path}: num_vq_embeddings is {codes}; the transformer was made for {codebook} codes"
            )
        shrink = 2 ** (len(config.get("block_out_channels", [])) - 1)
        if shrink != factor:
            raise LadrError(f"{path}: its blocks shrink by {shrink}; vq_factor is {factor}")
        if config.get("lookup_from_codebook") is not True:
            raise LadrError(f"{path}: lookup_from_codebook must be true, or codes cannot be decoded")
        self.codes, self.factor = codebook, factor
        self._model: Any = None

    def numbers(self) -> int:
        """How many numbers the weights hold. Raises if a file is missing or damaged, before it is needed."""
        return checkpoint.numbers(self.folder, STEM)

    @property
    def model(self) -> Any:
        """The diffusers VQModel, loaded when first asked for."""
        if self._model is None:
            with needs("pixels"):
                from diffusers import VQModel

            with settings_of(self._path, "VQ model"), torch.device("meta"):
                model = VQModel.from_config(self.config)
            checkpoint.load(model, self.folder, STEM, device=self.device)
            self._model = model.eval().requires_grad_(False)
        return self._model

    @torch.inference_mode()
    def decode(self, tokens: Tensor) -> Tensor:
        """tokens (B,H,W) codes -> (B, H * factor, W * factor, 3) uint8."""
        tokens = grids_of(tokens, self.codes)
        together = max(1, CELLS // tokens[0].numel())
        return torch.cat([self._decode(part) for part in tokens.to(self.model.device).split(together)])

    def _decode(self, tokens: Tensor) -> Tensor:
        shape = (*tokens.shape, self.config["latent_channels"])
        image = self.model.decode(tokens.flatten(), force_not_quantize=True, shape=shape).sample
        return image.clamp_(0, 1).mul_(255).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous()

    @torch.inference_mode()
    def encode(self, images: Tensor) -> Tensor:
        """images (B,h,w,3) uint8 -> codes (B,H,W) int64."""
        pixels = images.to(self.model.device).permute(0, 3, 1, 2).float() / 255
        latents = self.model.encode(pixels).latents
        codes = self.model.quantize(latents)[2][2]
        return codes.view(len(images), *latents.shape[2:])


def codes_and_factor(folder: Path) -> tuple[int, int]:
    """How many codes the VQ model in `folder`/vqvae has, and how many pixels a side of a cell has."""
    path = folder / "vqvae" / "config.json"
    config = checkpoint.read_json(path)
    _check(config, path)
    return config["num_vq_embeddings"], 2 ** (len(config["block_out_channels"]) - 1)


def _check(config: Mapping[str, Any], path: Path) -> None:
    """LadrError where a setting of the VQ model has a type or a size that cannot be meant."""
    for key in ("block_out_channels", "num_vq_embeddings", "latent_channels"):
        if key not in config:
            raise LadrError(f"{path}: no {key}; the config of a VQ model must give it")
    require_sizes(config, "block_out_channels", path, MOST_BLOCKS, WIDEST)
    for key in ("in_channels", "out_channels"):
        if config.get(key, 3) != 3:
            raise LadrError(f"{path}: {key} is {shown(config[key])}, must be 3: pictures are RGB")
    for key, high in SIZES.items():
        if config.get(key) is not None or key in ("num_vq_embeddings", "latent_channels"):
            require(config, key, WHOLE, path, 1, high)
    for key, known in BLOCKS.items():
        value = config.get(key)
        if value is not None and (not isinstance(value, list) or not set(map(str, value)) <= set(known)):
            raise LadrError(f"{path}: {key} is {shown(value)}, must be a list of {' or '.join(known)}")
    if "scaling_factor" in config:
        require(config, "scaling_factor", NUMBER, path, 1e-6, 1e6)
