"""The VQ model of a checkpoint: codes to pixels and back. diffusers is imported at the first pixel."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.base.errors import LadrError, needs

STEM = "diffusion_pytorch_model"
CELLS = 1 << 14  # decoded at once: 64 images of the miniature, 4 of 1024x1024


class VQPixels:
    """`vqvae/` of a checkpoint folder, loaded strictly: `codebook` codes, cells of `factor` pixels."""

    def __init__(self, folder: str | Path, codebook: int, factor: int, device: str | torch.device = "cpu"):
        self.folder, self.device = Path(folder) / "vqvae", device
        path = self.folder / "config.json"
        config = self.config = checkpoint.read_json(path)
        if config.get("num_vq_embeddings") != codebook:
            codes = config.get("num_vq_embeddings")
            raise LadrError(
                f"{path}: num_vq_embeddings is {codes}; the transformer was made for {codebook} codes"
            )
        shrink = 2 ** (len(config.get("block_out_channels", [])) - 1)
        if shrink != factor:
            raise LadrError(f"{path}: its blocks shrink by {shrink}; vq_factor is {factor}")
        if not config.get("lookup_from_codebook", False):
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

            model = VQModel.from_config(self.config)
            checkpoint.load(model, self.folder, STEM, device=self.device)
            self._model = model.eval().requires_grad_(False)
        return self._model

    @torch.inference_mode()
    def decode(self, tokens: Tensor) -> Tensor:
        """tokens (B,H,W) codes -> (B, H * factor, W * factor, 3) uint8."""
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
