"""`ladr train vq`: the tokenizer of the embedded model as a `diffusers.VQModel`.

The codebook comes first (`codebook.py`); then the decoder learns to draw images from codes, seeing a
cell's neighbours, and the encoder learns to name the code of every patch.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ladr.backbones.exact.patches import PatchCodes
from ladr.base.errors import LadrError, needs
from ladr.base.locks import hold, lock_of
from ladr.training import checkpoints
from ladr.training.codebook import latents
from ladr.training.data_set import DataSet, data_set
from ladr.training.model import multiplies_bfloat16
from ladr.training.progress import Follow

CHANNELS = 16
WIDTHS = (24, 48, 64)  # of the decoder's and encoder's blocks
BATCH = 16
RATE = 2e-3
SHARPNESS = 4.0  # of the encoder's choice among codes


def new_vq(patches: PatchCodes):
    """An untrained VQModel around the codebook of `patches`."""
    with needs("the tokenizer's VQ model"):
        from diffusers import VQModel

    model = VQModel(
        down_block_types=("DownEncoderBlock2D",) * len(WIDTHS),
        up_block_types=("UpDecoderBlock2D",) * len(WIDTHS),
        block_out_channels=WIDTHS,
        layers_per_block=1,
        latent_channels=CHANNELS,
        vq_embed_dim=CHANNELS,
        num_vq_embeddings=patches.codes,
        norm_num_groups=8,
        mid_block_add_attention=False,
        lookup_from_codebook=True,
    )
    with torch.no_grad():
        model.quantize.embedding.weight.copy_(torch.from_numpy(latents(patches, CHANNELS)))
    model.quantize.embedding.weight.requires_grad_(False)
    return model.to(memory_format=torch.channels_last)


def batch(data: DataSet, patches: PatchCodes, seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Images (B, 3, 64, 64) in [0, 1] and their codes (B, 16, 16)."""
    images = data.images(seed, range(step * BATCH, (step + 1) * BATCH))
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return pixels.contiguous(memory_format=torch.channels_last), torch.from_numpy(patches.encode(images))


def decoder_loss(model, pixels: Tensor, codes: Tensor) -> Tensor:
    """How far the drawn image is from the true one."""
    vectors = model.quantize.embedding(codes).permute(0, 3, 1, 2)
    drawn = model.decoder(model.post_quant_conv(vectors))
    return functional.l1_loss(drawn, pixels) + 8 * functional.mse_loss(drawn, pixels)


def encoder_loss(model, pixels: Tensor, codes: Tensor) -> Tensor:
    """How far each cell's vector is from its own code, and how much nearer than to any other."""
    vectors = model.quant_conv(model.encoder(pixels)).permute(0, 2, 3, 1).flatten(0, 2).float()
    book, codes = model.quantize.embedding.weight, codes.flatten()
    nearness = -SHARPNESS * torch.cdist(vectors, book).square()
    weight = 1 / torch.bincount(codes, minlength=len(book)).clamp_min(1).sqrt()
    return functional.cross_entropy(nearness, codes, weight) + functional.mse_loss(vectors, book[codes])


PHASES = {"decoder": decoder_loss, "encoder": encoder_loss}


def train_vq(
    folder: Path, *, data: str = "shapes", seed: int = 0, steps: int = 3000, save_every: int = 100
) -> None:
    """Codebook, then `steps` for the decoder and a quarter as many for the encoder, into `folder`/vqvae.

    `data` names the data set. Call again to go on after a kill. A second process in the same
    folder is a LadrError.
    """
    known, asked = data_set(data, folder), {"data": data, "seed": seed, "steps": steps}
    with hold(lock_of(folder, "vq"), f"{folder}/vq"):
        _require_same(folder, asked)
        _train_vq(folder, known, asked, save_every)


def _train_vq(folder: Path, known: DataSet, asked: Mapping[str, Any], save_every: int) -> None:
    seed, steps = asked["seed"], asked["steps"]
    book = folder / "patches.safetensors"
    if not book.exists():
        known.codebook(seed).save(book)
    patches = PatchCodes.load(book)
    torch.manual_seed(seed)  # the one use of the global stream: initial weights
    model = new_vq(patches).to("cuda" if torch.cuda.is_available() else "cpu")
    for phase, length in (("decoder", steps), ("encoder", steps // 4)):
        _train_part(model, phase, length, folder, partial(batch, known, patches, seed), save_every, asked)
    model.save_pretrained(folder / "vqvae", safe_serialization=True)


def _require_same(folder: Path, asked: Mapping[str, Any]) -> None:
    """LadrError where what is trained in the folder began with other options."""
    for place in (folder / "vq" / phase for phase in PHASES):
        state = checkpoints.state_of(place) or {}
        for name, value in asked.items():
            if state.get(name, value) != value:
                raise LadrError(
                    f"{place}: this run has {name} {state[name]!r}, and {value!r} is asked for; go on with "
                    "the options that it began with, or choose another folder"
                )


def _parts(model, phase: str) -> list[torch.nn.Module]:
    decoder = [model.decoder, model.post_quant_conv]
    return decoder if phase == "decoder" else [model.encoder, model.quant_conv]


def _train_part(
    model,
    phase: str,
    steps: int,
    folder: Path,
    draw: Callable[[int], tuple[Tensor, Tensor]],
    save_every: int,
    asked: Mapping[str, Any],
) -> None:
    parts = torch.nn.ModuleList(_parts(model, phase))
    adam = torch.optim.AdamW(parts.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.0)
    place, step, before = folder / "vq" / phase, 0, 0.0
    checkpoint = checkpoints.read(place)
    if checkpoint:
        tensors, state = checkpoint
        parts.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("parts.")})
        checkpoints.restore("adam", adam, tensors)
        step, before = state["step"], state["seconds"]
    began = time.monotonic() - before
    with Follow(phase, steps, step) as follow:
        while step < steps:
            for group in adam.param_groups:
                group["lr"] = RATE * min((step + 1) / 50, 0.5 + 0.5 * math.cos(math.pi * step / steps))
            value = _step(model, phase, parts, adam, *draw(step))
            step += 1
            follow.at(step)
            if step % 20 == 0 or step == steps:
                _log(folder, follow, phase, step, float(value), time.monotonic() - began)
            if step % save_every == 0 or step == steps:
                tensors = {f"parts.{k}": v for k, v in parts.state_dict().items()}
                tensors |= checkpoints.flatten("adam", adam)
                state = {"step": step, "seconds": time.monotonic() - began, **asked}
                checkpoints.write(place, tensors, state)


def _step(model, phase: str, parts: torch.nn.Module, adam, pixels: Tensor, codes: Tensor) -> Tensor:
    """One optimizer step; the loss before it."""
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bfloat16(device)):
        value = PHASES[phase](model, pixels.to(device), codes.to(device))
    value.backward()
    torch.nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
    adam.step()
    adam.zero_grad(set_to_none=True)
    return value.detach()


def _log(folder: Path, follow: Follow, phase: str, step: int, value: float, seconds: float) -> None:
    row = {"phase": phase, "step": step, "loss": round(value, 5), "seconds": round(seconds, 1)}
    with open(folder / "vq.jsonl", "a") as file:
        file.write(json.dumps(row) + "\n")
    follow.tell(step, value, step * BATCH / max(seconds, 1e-9))
