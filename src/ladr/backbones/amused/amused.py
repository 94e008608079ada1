"""aMUSEd, and networks called like it (Meissonic), through the parts that diffusers and transformers have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ladr.backbones.amused.conditioning import Conditioning
from ladr.backbones.amused.network import mask_id, network_config, uvit
from ladr.backbones.amused.text_encoder import Encoder
from ladr.backbones.checkpoint import fits
from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.checkpoint.hub import AMUSED, folder_of
from ladr.backbones.checkpoint.ranges import settings_of
from ladr.backbones.checkpoint.refuse import refuse_foreign_parts
from ladr.backbones.checkpoint.vq import STEM, VQPixels, codes_and_factor
from ladr.base.errors import LadrError
from ladr.decoding import schedule
from ladr.decoding.checks import check_texts
from ladr.decoding.denoiser import Denoiser
from ladr.decoding.policies.allowed import one_of
from ladr.decoding.view import MASK

FEW = 4  # cells a side of a trial
HUB = AMUSED
PARTS = {
    "transformer": {("diffusers", "UVit2DModel")},
    "vqvae": {("diffusers", "VQModel")},
    "text_encoder": {("transformers", "CLIPTextModelWithProjection")},
    "tokenizer": {("transformers", "CLIPTokenizer"), ("transformers", "CLIPTokenizerFast")},
    "scheduler": {("diffusers", "AmusedScheduler"), ("ladr.integrations.diffusers", "LADRScheduler")},
}


@dataclass(frozen=True)
class Text:
    """What a network is told about S sequences: hidden (S, L, D) and pooled (S, P) states of the text
    encoder, micro (S, 5): width, height, crop, aesthetic score."""

    hidden: Tensor
    pooled: Tensor
    micro: Tensor

    def __getitem__(self, rows: Tensor) -> "Text":
        return Text(self.hidden[rows], self.pooled[rows], self.micro[rows])


Adapter = Callable[[nn.Module, Tensor, Text, Tensor], Tensor]


def untimed(network: nn.Module, ids: Tensor, text: Text, t: Tensor) -> Tensor:
    """aMUSEd's UVit2DModel: ids (S, H, W) -> logits (S, K, H, W). It takes no time, so t (S,) is not read."""
    return network(
        ids, encoder_hidden_states=text.hidden, pooled_text_emb=text.pooled, micro_conds=text.micro
    )


@dataclass(frozen=True)
class Timed:
    """Meissonic's transformer, which takes each image's time.

    time: `mask_ratio`, 1000 times the share of masked cells, which it was trained with; or `steps`, the step
    of a decode of `steps` passes counted down to 0, which its own pipeline hands it. shrink: how many cells
    a side one position of the network covers.
    """

    time: str = "mask_ratio"
    steps: int = 64
    shrink: int = 1

    def __post_init__(self) -> None:
        one_of("time", self.time, ("mask_ratio", "steps"))

    def timestep(self, t: Tensor) -> Tensor:
        """What the network is told at effective times t (S,)."""
        if self.time == "steps":
            return (self.steps - 1 - (t * self.steps + 1e-6).floor()).clamp_min(0)
        return torch.tensor([1000 * schedule.gamma(x) for x in t.tolist()], device=t.device)

    def __call__(self, network: nn.Module, ids: Tensor, text: Text, t: Tensor) -> Tensor:
        H, W = (n // self.shrink for n in ids.shape[1:])
        places = torch.cartesian_prod(torch.arange(1), torch.arange(H), torch.arange(W))
        return network(
            hidden_states=ids,
            encoder_hidden_states=text.hidden,
            pooled_projections=text.pooled,
            micro_conds=text.micro,
            img_ids=places.to(text.hidden),
            txt_ids=text.hidden.new_zeros(text.hidden.shape[1], 3),
            timestep=self.timestep(t),
        )


class Amused:
    """A network with its text encoder and VQ model as a backbone: `codes`, `grid`, `bind`, `render`."""

    def __init__(
        self,
        network: nn.Module,
        encode: Callable[[Sequence[str]], tuple[Tensor, Tensor]],
        pixels: VQPixels,
        *,
        mask: int,
        size: tuple[int, int],
        adapter: Adapter = untimed,
        **settings: Any,
    ):
        """encode: texts -> (hidden, pooled); mask: the id of a masked cell; size: (height, width) in pixels.

        settings: the fields of `Conditioning`.
        """
        conditioning = Conditioning.of(settings)
        self.network, self.encode, self.pixels = network.eval(), encode, pixels
        self.mask, self.adapter = mask, adapter
        self.guidance, self.negative = float(conditioning.guidance), conditioning.negative
        self.codes = pixels.codes
        self.grid = _cells(size, pixels)
        self.micro = [size[1], size[0], *conditioning.crop, conditioning.aesthetic]

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path = HUB,
        revision: str | None = None,
        *,
        network: nn.Module | None = None,
        size: tuple[int, int] | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        **settings: Any,
    ) -> "Amused":
        """Load a folder in aMUSEd's layout, or `owner/name` of the hub at `revision`.

        network: your own in place of the folder's transformer, with an `adapter` that calls it: no code
        comes with a checkpoint. settings: guidance, negative, aesthetic, crop, adapter.
        """
        folder = folder_of(source, revision)
        kind = checkpoint.dtype_of("dtype", dtype)
        refuse_foreign_parts(folder, PARTS, brought=frozenset(["transformer"] if network is not None else []))
        own = network is None
        codes, factor = codes_and_factor(folder)
        config = network_config(folder / "transformer") if own else getattr(network, "config", {})
        pixels = VQPixels(folder, config.get("codebook_size", codes), factor, device)
        if size is None and "sample_size" not in config:
            raise LadrError(
                "size: this network does not say how many pixels it was made for; (height, width)"
            )
        size = size or (config["sample_size"] * factor,) * 2
        mask = mask_id(folder / "scheduler" / "scheduler_config.json", config.get("vocab_size", 1 << 24))
        fits.check(_need(folder, pixels, _cells(size, pixels), kind, own), device, str(source))
        if own:
            network = uvit(folder / "transformer", kind, device)
        backbone = cls(network, Encoder(folder, kind, device), pixels, mask=mask, size=size, **settings)
        if own:
            with settings_of(folder, "aMUSEd model"):
                backbone.try_once()
        return backbone

    @torch.no_grad()
    def try_once(self) -> None:
        """One pass over a few cells: it fails where the parts of a folder do not fit each other."""
        text = self.bind([""]).text[torch.tensor([0])]
        ids = torch.full((1, FEW, FEW), self.mask, device=self.device)
        logits = self.adapter(self.network, ids, text, torch.ones(1, device=self.device))
        if logits.shape != (1, self.codes, FEW, FEW):
            raise LadrError(f"the network gives {tuple(logits.shape)}, not (1, {self.codes}, {FEW}, {FEW})")

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def bind(self, prompts: Sequence[str]) -> "AmusedDenoiser":
        """The prompts of one decode call, read by the text encoder once."""
        check_texts(prompts)
        hidden, pooled = self.encode([*prompts, self.negative])
        micro = torch.tensor(self.micro, dtype=hidden.dtype, device=hidden.device)
        return AmusedDenoiser(self, Text(hidden, pooled, micro.expand(len(hidden), -1)))

    def render(self, tokens: Tensor) -> np.ndarray:
        """tokens (B,H,W) -> uint8 array (B,h,w,3)."""
        return self.pixels.decode(tokens).cpu().numpy()


class AmusedDenoiser(Denoiser):
    """Guided logits: packed (M, K) for the M masked cells, dense (B, H, W, K) with `everywhere`.

    `conditional` (M, K) is the last call's conditional branch alone.
    """

    def __init__(self, model: Amused, text: Text):
        """text: the prompts', then that of the unconditional branch."""
        self.model, self.text, self.everywhere = model, text, False
        self.conditional: Tensor | None = None

    @torch.no_grad()
    def logits(
        self, tokens: Tensor, rows: Tensor, *, t: Tensor | None = None, recompute: Any = None
    ) -> Tensor:
        """See `ladr.decoding.denoiser.Denoiser`; `t` goes to the network where its adapter wants it."""
        if recompute is not None:
            raise LadrError("cache: this network has no cached passes; leave `cache` out")
        model = self.model
        masked = tokens == MASK
        ids = tokens.masked_fill(masked, model.mask)
        guided = model.guidance > 1
        if guided:
            blank = torch.full_like(rows, len(self.text.hidden) - 1)
            ids, rows, t = ids.repeat(2, 1, 1), torch.cat([blank, rows]), t.repeat(2)
        out = model.adapter(model.network, ids, self.text[rows], t).float().permute(0, 2, 3, 1)
        self.conditional = out[-len(tokens) :][masked]
        if guided:
            uncond, cond = out.chunk(2)
            out = uncond + model.guidance * (cond - uncond)
        return out if self.everywhere else out[masked]


def _need(folder: Path, pixels: VQPixels, grid: tuple[int, int], dtype: torch.dtype, own: bool) -> fits.Need:
    """Memory for one guided image, from the heads of the files; `own`: with the transformer."""
    parts = [("text_encoder", "model"), ("transformer", STEM)][: 1 + own]
    numbers = sum(checkpoint.numbers(folder / part, stem) for part, stem in parts)
    return fits.of_amused(
        numbers, pixels.numbers(), grid, pixels.codes, pixels.factor, bytes_each=dtype.itemsize
    )


def _cells(size: tuple[int, int], pixels: VQPixels) -> tuple[int, int]:
    factor = 2 ** (len(pixels.config["block_out_channels"]) - 1)
    for name, n in zip(("height", "width"), size, strict=True):
        if n < factor or n % factor:
            raise LadrError(f"size: {name} {n} is not allowed; a multiple of {factor} pixels")
    return size[0] // factor, size[1] // factor


def load(source: str | Path = HUB, revision: str | None = None, **settings: Any) -> Amused:
    """aMUSEd by its hub name or from a folder."""
    return Amused.from_pretrained(source, revision, **settings)
