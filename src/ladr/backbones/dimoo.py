"""Lumina-DiMOO's layout around the transformer: prompts, special ids, guidance, pixels."""

from dataclasses import dataclass

SYSTEM = "Generate an image according to the text prompt."


@dataclass(frozen=True)
class Layout:
    """What surrounds the image codes: the `ladr` section of config.json (defaults: the 8B model).

    A sequence is: text ids, boa, boi, then per grid row its codes and one newline, then eoi, eoa.
    `template` holds `{prompt}`; the unconditional text is the template with `uncondition` in its place.
    """

    template: str = f"<system>{SYSTEM}</system><user>{{prompt}}</user>"
    uncondition: str = "<uncondition>"
    mask: int = 126336
    newline: int = 126084
    boi: int = 126349
    eoi: int = 126350
    uncond: int = 126351
    boa: int = 126354
    eoa: int = 126355
    image_offset: int = 126356
    codebook: int = 8192
    grid: tuple[int, int] = (64, 64)
    vq_factor: int = 16
