"""A pipeline's generators as the noise of a decode."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ladr.base.errors import LadrError
from ladr.decoding.noise import BITS63, ImageStreams

Generators = torch.Generator | Sequence[torch.Generator] | None


def streams(generator: Generators, images: int) -> list[torch.Generator]:
    """One generator per image."""
    if generator is None:
        return [torch.Generator().manual_seed(torch.Generator().seed() & BITS63) for _ in range(images)]
    if isinstance(generator, torch.Generator):
        if images == 1:
            return [generator]
        drawn = torch.randint(BITS63, (images,), generator=generator, device=generator.device)
        return [torch.Generator().manual_seed(seed) for seed in drawn.tolist()]
    if len(generator) < images or len(generator) % images:
        raise LadrError(f"generator: {len(generator)} for {images} images; one per image is wanted")
    return list(generator)[:images]


class GeneratorStreams(ImageStreams):
    """Each image's noise from a generator of its own, on whichever device that lives.

    From a generator that was used before a new seed is drawn, so that `seeds[i]` alone makes image i again.
    """

    def __init__(self, generators: Sequence[torch.Generator]):
        own = [_unused(generator) for generator in generators]
        super().__init__([generator.initial_seed() & BITS63 for generator in own])
        self._streams = dict(enumerate(own))

    def _uniform(self, images: Sequence[int], masked: Tensor) -> Tensor:
        own = (self._streams[i] for i in images)
        drawn = [torch.rand(masked.shape[1:], generator=g, device=g.device).to(masked.device) for g in own]
        return torch.stack(drawn)

    uniform = _uniform


def _unused(generator: torch.Generator) -> torch.Generator:
    """The generator itself where nothing was drawn from it yet, else a new one with a seed drawn from it."""
    start = torch.Generator(generator.device).manual_seed(generator.initial_seed()).get_state()
    if torch.equal(start, generator.get_state()):
        return generator
    drawn = torch.randint(BITS63, (), generator=generator, device=generator.device)
    return torch.Generator().manual_seed(int(drawn))
