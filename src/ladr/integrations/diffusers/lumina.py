"""Lumina-DiMOO as a pipeline of diffusers, which has none of its own: the tokens of `ladr.decode`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ladr.base import outside
from ladr.base.errors import LadrError, nearest, needs
from ladr.decoding.caches import Cache
from ladr.decoding.loop import Decoded, decode
from ladr.decoding.policies.base import Rule
from ladr.decoding.view import View
from ladr.integrations.diffusers.streams import Generators, GeneratorStreams, streams

with needs("LuminaDiMOOPipeline"):
    from diffusers import DiffusionPipeline
    from diffusers.utils import BaseOutput, numpy_to_pil

BACKBONE = "ladr.backbones.lumina.dimoo:DiMOO"
HUB = "Alpha-VLLM/Lumina-DiMOO"
OUTPUTS = ("pil", "np", "pt", "latent")
OnStep = Callable[[View, Tensor], None]


@dataclass
class LuminaDiMOOPipelineOutput(BaseOutput):
    """images: N images of PIL, or float arrays (N, h, w, 3), float tensors (N, 3, h, w), or codes (N, H, W);
    decoded: what `ladr.decode` returned, with the trace of every image."""

    images: Any
    decoded: Decoded | None = None


class LuminaDiMOOPipeline(DiffusionPipeline):
    """Text to image with Lumina-DiMOO, or with any checkpoint folder of its layout.

    policy: which masked cells a pass commits: a name of `ladr.POLICIES`, a plain dict, a Policy, or a
    function of a view. cache: what a pass recomputes (`ladr.decoding.caches`), None for everything.
    batch_size: images that are decoded at once. All three may be set at any time.

    A checkpoint folder is the form that it is stored in, so `save_pretrained` is refused.
    """

    model_cpu_offload_seq = "transformer->vqvae"

    def __init__(self, transformer: torch.nn.Module, vqvae: Any, tokenizer: Any, backbone: Any = None):
        """Call `from_pretrained` or `of`: the three modules are those of the backbone."""
        super().__init__()
        if backbone is None:
            raise LadrError("LuminaDiMOOPipeline: build it with from_pretrained(source) or of(backbone)")
        self.register_modules(transformer=transformer, vqvae=vqvae, tokenizer=tokenizer)
        self.backbone = backbone
        self.policy: Rule | str | Mapping[str, Any] = "ladr"
        self.cache: Cache | None = None
        self.batch_size = 8

    @classmethod
    def of(cls, backbone: Any) -> "LuminaDiMOOPipeline":
        """The pipeline around a loaded backbone, such as `ladr.backbones.load("lumina-dimoo")`."""
        return cls(backbone.model, backbone.pixels.model, backbone.words, backbone)

    @classmethod
    def from_pretrained(  # type: ignore[override]  # diffusers takes anything at all
        cls, source: str | Path = HUB, revision: str | None = None, **settings: Any
    ) -> "LuminaDiMOOPipeline":
        """Load a checkpoint folder, or `owner/name` of the hub.

        settings: torch_dtype (default: float32), device, size (height, width) in pixels, and the others of
        `ladr.backbones.lumina.dimoo.DiMOO.from_pretrained`.
        """
        dtype = settings.pop("torch_dtype", None)
        if dtype is not None:
            settings["dtype"] = str(dtype).removeprefix("torch.")
        loaded = outside.imported(BACKBONE, "LuminaDiMOOPipeline").from_pretrained(
            source, revision, **settings
        )
        return cls.of(loaded)

    def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
        raise LadrError("LuminaDiMOOPipeline: not saved; copy the checkpoint folder that it was loaded from")

    def __call__(
        self,
        prompt: str | Sequence[str],
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        num_images_per_prompt: int = 1,
        generator: Generators = None,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: Callable[..., Any] | None = None,
    ) -> LuminaDiMOOPipelineOutput | tuple[Any]:
        """Decode one image per prompt, times num_images_per_prompt.

        num_inference_steps: T of the schedules, of which a sampler may need fewer (default: its own number).
        guidance_scale (default: the backbone's own, 4 of Lumina-DiMOO). generator: one for each image, which
        gives the tokens of `ladr.decode` with the same seeds; from a single one for several images, one seed
        per image is drawn. output_type: pil, np, pt, or latent for the codes.
        callback_on_step_end(pipe, step, t, {"tokens": (B, H, W)}) is called after every pass with the B rows
        that were decoded in it and their times t (B,); masked cells are -1. What it returns is not read.
        """
        if output_type not in OUTPUTS:
            raise LadrError(f"output_type: {output_type!r} is not allowed{nearest(output_type, OUTPUTS)}")
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        prompts = [text for text in prompts for _ in range(num_images_per_prompt)]
        backbone = self.backbone.variant(**({} if guidance_scale is None else {"guidance": guidance_scale}))
        H, W = backbone.grid
        with self.progress_bar(total=len(prompts) * H * W) as bar:
            decoded = decode(
                backbone,
                prompts,
                self.policy,
                steps=num_inference_steps,
                noise=GeneratorStreams(streams(generator, len(prompts))),
                batch_size=self.batch_size,
                cache=self.cache,
                on_step=self._follower(bar, callback_on_step_end),
            )
        images = _converted(backbone, decoded.tokens, output_type)
        self.maybe_free_model_hooks()
        return LuminaDiMOOPipelineOutput(images, decoded) if return_dict else (images,)

    def _follower(self, bar: Any, callback: Callable[..., Any] | None) -> OnStep:
        """What calls the callback, and moves the bar on by the cells that an image never had before: what is
        masked again, or decoded once more, does not count twice."""
        most: dict[int, int] = {}

        def follow(view: View, take: Tensor) -> None:
            known = (~(view.masked & ~take)).flatten(1).sum(1).tolist()
            before = sum(most.values())
            for image, now in zip(view.images, known, strict=True):
                most[image] = max(now, most.get(image, 0))
            bar.update(sum(most.values()) - before)
            if callback is not None:
                callback(self, max(view.step), view.t, {"tokens": view.after(take).tokens})

        return follow


def _converted(backbone: Any, tokens: Tensor, output_type: str) -> Any:
    """tokens (N, H, W) as what output_type names."""
    if output_type == "latent":
        return tokens
    pixels = backbone.render(tokens).astype("float32") / 255
    if output_type == "pt":
        return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return numpy_to_pil(pixels) if output_type == "pil" else pixels
