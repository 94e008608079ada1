"""Randomness as an argument: one stream per image, or the recipe of the Lumina-DiMOO reference decoder.

A noise object owns both draws of a pass, the tokens of the masked cells and the selection noise. The decoding
loop calls `tokens` and then `gumbel` in every pass, whether a policy reads them or not, so that two policies
see the same noise.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

from ladr.base.errors import LadrError, shown
from ladr.base.late import Tensor, torch
from ladr.decoding.marginals import Marginals

BITS63 = (1 << 63) - 1


def seed_of(benchmark: str, prompt_id: str, image_no: int) -> int:
    """The 63-bit seed of one image. The sampler is not part of it, so all samplers share their noise."""
    text = f"{benchmark}\x1f{prompt_id}\x1f{image_no}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") & BITS63


def check_seed(seed: Any, name: str) -> None:
    """Raise unless this is a seed: an integer of 63 bits."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= BITS63:
        raise LadrError(f"{name}: {shown(seed)} is not allowed; a seed is an integer in 0..2**63-1")


def gumbel_of(uniform: Tensor) -> Tensor:
    """Standard Gumbel noise from uniforms in [0, 1), finite for every float32 uniform."""
    return -torch.log(-torch.log(uniform + 1e-20) + 1e-20)


def derived(seed: int, *labels: object) -> "torch.Generator":
    """A generator whose stream depends on the seed and the labels, and on nothing else."""
    text = "\x1f".join(map(str, (seed, *labels)))
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") & BITS63)


class Noise(Protocol):
    """What the decoding loop asks of a source of randomness."""

    def tokens(
        self, images: Sequence[int], masked: Tensor, marginals: Marginals, temperature: float
    ) -> Tensor:
        """(M,) int64: one code for each masked cell of `masked` (B, H, W), in row-major order."""
        ...

    def gumbel(self, images: Sequence[int], masked: Tensor) -> Tensor:
        """(B, H, W) float32: selection noise; only the masked cells are read."""
        ...

    def keys(self, images: Sequence[int], labels: Sequence[object], grid: tuple[int, int]) -> Tensor:
        """(B, H, W) float32 uniforms that depend on the image and its label alone; drawing shifts no
        stream."""
        ...


class ImageStreams:
    """One stream per image: H*W uniforms for the tokens, then H*W for the selection, in every pass.

    The uniforms do not depend on the batch, its order or the device, and neither do tokens, as far as the
    network rounds alike. `seeds[i]` is the seed of image i of the call.
    """

    def __init__(self, seeds: Sequence[int]):
        for i, seed in enumerate(seeds):
            check_seed(seed, f"seeds[{i}]")
        self.seeds = list(seeds)
        self._streams: dict[int, torch.Generator] = {}

    def _uniform(self, images: Sequence[int], masked: Tensor) -> Tensor:
        for i in images:
            if i not in self._streams:
                self._streams[i] = torch.Generator().manual_seed(self.seeds[i])
        drawn = [torch.rand(masked.shape[1:], generator=self._streams[i]) for i in images]
        return torch.stack(drawn).to(masked.device)

    def tokens(
        self, images: Sequence[int], masked: Tensor, marginals: Marginals, temperature: float
    ) -> Tensor:
        """One uniform per cell, through the inverse of the cumulative distribution at that temperature."""
        uniform = self._uniform(images, masked)
        return marginals.draw(uniform[masked], temperature)

    def gumbel(self, images: Sequence[int], masked: Tensor) -> Tensor:
        return gumbel_of(self._uniform(images, masked))

    def keys(self, images: Sequence[int], labels: Sequence[object], grid: tuple[int, int]) -> Tensor:
        pairs = zip(images, labels, strict=True)
        return torch.stack([torch.rand(grid, generator=derived(self.seeds[i], label)) for i, label in pairs])


class UpstreamGumbel:
    """The reference decoder's own recipe for one image: Gumbel-max over packed (1, n, K) logits, then (1,
    n).

    It reproduces the reference's tokens from its seed. Temperature 0 takes the arg-max and draws no token
    noise; the selection noise is drawn always.
    """

    def __init__(self, seed: int):
        check_seed(seed, "seed")
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)

    def tokens(
        self, images: Sequence[int], masked: Tensor, marginals: Marginals, temperature: float
    ) -> Tensor:
        if len(images) != 1:
            raise LadrError(
                f"batch_size: UpstreamGumbel decodes one image at a time, got {len(images)} at once"
            )
        if temperature == 0:
            return marginals.argmax
        logits = marginals.logits
        uniform = torch.rand((1, *logits.shape), generator=self.generator).to(logits.device)
        return (logits / temperature + gumbel_of(uniform)[0]).argmax(-1)

    def gumbel(self, images: Sequence[int], masked: Tensor) -> Tensor:
        uniform = torch.rand((1, int(masked.sum())), generator=self.generator).to(masked.device)
        return torch.zeros(masked.shape, device=masked.device).masked_scatter(masked, gumbel_of(uniform))

    def keys(self, images: Sequence[int], labels: Sequence[object], grid: tuple[int, int]) -> Tensor:
        return torch.stack([torch.rand(grid, generator=derived(self.seed, label)) for label in labels])
