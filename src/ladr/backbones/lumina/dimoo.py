"""Lumina-DiMOO's layout around the transformer: prompts, special ids, guidance, pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladr.backbones.checkpoint import fits
from ladr.backbones.checkpoint import safetensors_folder as checkpoint
from ladr.backbones.checkpoint.hub import LUMINA, folder_of
from ladr.backbones.checkpoint.pixels import Mosaic, pixels_of
from ladr.backbones.checkpoint.ranges import IDS as VOCABULARY
from ladr.backbones.checkpoint.ranges import NUMBER, TEXT, WHOLE, require, require_sizes
from ladr.backbones.checkpoint.refuse import refuse_foreign_code
from ladr.backbones.checkpoint.vq import VQPixels
from ladr.backbones.lumina.compiled import compiled
from ladr.backbones.lumina.denoiser import GuidedDenoiser
from ladr.backbones.lumina.grids import cells_of, require_room
from ladr.backbones.lumina.llada import LLaDA
from ladr.backbones.lumina.packing import Frame
from ladr.backbones.lumina.sizes import LLaDAConfig
from ladr.backbones.lumina.tokenizer import Words
from ladr.backbones.pages import keep_pages
from ladr.base.errors import LadrError, nearest, shown
from ladr.base.models import embedded
from ladr.decoding.checks import check_texts

SYSTEM = "Generate an image according to the text prompt."
REAL_LENGTH = 8192
IDS = ("mask", "newline", "boi", "eoi", "uncond", "boa", "eoa")
LARGEST_SIDE, LARGEST_FACTOR = 1024, 128  # cells of a grid's side, pixels of a cell's side
HUB = LUMINA
SETTINGS = ("guidance", "size", "sampling_dtype", "limit", "compile")
LOADING = ("dtype", "device", "revision", "pixels")


@dataclass(frozen=True)
class Layout:
    """What surrounds the image codes: the `ladr` section of config.json (defaults: the 8B model).

    A sequence is: text ids, boa, boi, then per grid row its codes and one newline, then eoi, eoa.
    `template` holds `{prompt}`; the unconditional text is the template with `uncondition` in its place.
    `guidance` is what a decode uses when it names none.
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
    guidance: float = 4.0

    @classmethod
    def of(cls, section: Mapping[str, Any], path: Path) -> "Layout":
        """The layout in the `ladr` section of the config at `path`; an unknown key is refused."""
        if not isinstance(section, Mapping):
            raise LadrError(f"{path}: ladr is {shown(section)}, must be an object")
        known = [field.name for field in fields(cls)]
        for key in section:
            if key not in known:
                raise LadrError(f"{path}: ladr.{key} is not a field of the layout{nearest(key, known)}")
        layout = cls(**section)
        _refuse_values(asdict(layout), path)
        return cls(**{**asdict(layout), "grid": tuple(layout.grid)})

    def check(self, config: LLaDAConfig, path: Path) -> None:
        """Refuse a vocabulary that does not hold this layout's ids."""
        if "{prompt}" not in self.template:
            raise LadrError(f"{path}: ladr.template {self.template!r} has no {{prompt}}")
        end = self.image_offset + self.codebook
        if end > config.embedding_size:
            raise LadrError(
                f"{path}: embedding_size is {config.embedding_size}, but image codes end at {end} "
                f"(image_offset {self.image_offset} + codebook {self.codebook}): made for another vocabulary"
            )
        for name in ("mask", "newline", "boi", "eoi", "uncond", "boa", "eoa"):
            if not 0 <= getattr(self, name) < self.image_offset:
                raise LadrError(
                    f"{path}: ladr.{name} is {getattr(self, name)}; ids below {self.image_offset} are text"
                )

    def text(self, prompt: str) -> str:
        return self.template.replace("{prompt}", prompt)

    def frame(self, grid: tuple[int, int], device: str | torch.device = "cpu") -> Frame:
        """The ids after the text for `grid`, and where its cells are among them."""
        H, W = grid
        block = torch.full((H, W + 1), self.mask)
        block[:, W] = self.newline
        marks = [torch.tensor([self.boa, self.boi]), block.flatten(), torch.tensor([self.eoi, self.eoa])]
        cells = 2 + (torch.arange(H)[:, None] * (W + 1) + torch.arange(W)).flatten()
        return Frame(
            self.mask, self.image_offset, self.codebook, torch.cat(marks).to(device), cells.to(device)
        )


def _refuse_values(values: Mapping[str, Any], path: Path) -> None:
    for name in ("template", "uncondition"):
        require(values, f"ladr.{name}", TEXT, path)
    for name in (*IDS, "image_offset"):
        require(values, f"ladr.{name}", WHOLE, path, *VOCABULARY)
    require(values, "ladr.codebook", WHOLE, path, 1, VOCABULARY[1])
    require(values, "ladr.vq_factor", WHOLE, path, 1, LARGEST_FACTOR)
    require(values, "ladr.guidance", NUMBER, path, 0, 1000)
    require_sizes(values, "ladr.grid", path, 2, LARGEST_SIDE)
    if len(values["grid"]) != 2:
        raise LadrError(f"{path}: ladr.grid is {shown(values['grid'])}, must be [rows, columns]")


class DiMOO:
    """A checkpoint folder as a backbone: `codes`, `grid`, `bind(prompts)`, `render(tokens)`."""

    def __init__(
        self, model: LLaDA, layout: Layout, words: Words, pixels: VQPixels | Mosaic | None, **settings: Any
    ):
        """settings: guidance, size (height, width) in pixels, sampling_dtype, limit (positions), compile."""
        for name in settings:
            if name not in SETTINGS:
                raise LadrError(f"backbone: no setting {name!r}{nearest(name, [*SETTINGS, *LOADING])}")
        self.model, self.layout, self.words, self.pixels = model.eval(), layout, words, pixels
        self.settings = settings
        self.guidance = settings.get("guidance")
        self.guidance = layout.guidance if self.guidance is None else self.guidance
        if not self.guidance >= 0:
            raise LadrError(f"guidance: {self.guidance!r} is not allowed; a number from 0 (no guidance) up")
        self.exact = (
            checkpoint.dtype_of("sampling_dtype", settings.get("sampling_dtype", "float32")) == torch.float32
        )
        keep_pages()
        self.compiled = compiled(self.model, settings.get("compile", False))
        self.limit = settings.get("limit") or model.config.max_sequence_length
        self.codes = layout.codebook
        self.grid = cells_of(settings.get("size"), layout.grid, layout.vq_factor)
        self.frame = layout.frame(self.grid, self.device)
        H, W = self.grid
        text = len(self.words.ids(layout.text(layout.uncondition), "uncondition"))
        require_room(self.grid, layout.vq_factor, text + len(self.frame.tail) - H * (W + 1), self.limit)
        self._blank = self._ids(layout.uncondition, "uncondition")

    @classmethod
    def from_pretrained(cls, source: str | Path, revision: str | None = None, **settings: Any) -> "DiMOO":
        """Load a folder, or `owner/name` of the hub at `revision`.

        settings: guidance (default: the checkpoint's), size (height, width) in pixels, dtype and
        sampling_dtype ("float32" or "bfloat16"), device, pixels ("vq", or "mosaic" for an embedded model: the
        mean patches, which need no diffusers). With sampling_dtype "bfloat16" logits and guidance are rounded
        as the reference decoder rounds them: large logits tie, and ties fall to the lowest code.
        """
        folder = folder_of(source, revision)
        path = folder / "config.json"
        content = checkpoint.read_json(path)
        refuse_foreign_code(content, path)
        config = LLaDAConfig.of(content, path)
        section = content.get("ladr", {})
        layout = Layout.of(section, path)
        layout.check(config, path)
        words = Words(folder)
        if words.size() > config.embedding_size:
            raise LadrError(
                f"{words.path}: ids up to {words.size() - 1}; embedding_size is {config.embedding_size}"
            )
        device = settings.pop("device", "cpu")
        dtype = checkpoint.dtype_of("dtype", settings.pop("dtype", "float32"))
        pixels = pixels_of(settings.pop("pixels", "vq"), folder, layout.codebook, layout.vq_factor, device)
        pixels.numbers()
        grid = cells_of(settings.get("size"), layout.grid, layout.vq_factor)
        need = fits.of_dimoo(config, grid, layout.codebook, layout.vq_factor, bytes_each=dtype.itemsize)
        fits.check(need, device, str(source))
        with torch.device("meta"):
            model = LLaDA(config)
        checkpoint.load(model, folder, dtype=dtype, device=device)
        # The hub's model repeats its text parent's max_sequence_length, which nothing there enforces.
        limit = config.max_sequence_length if section else max(REAL_LENGTH, config.max_sequence_length)
        return cls(model.requires_grad_(False), layout, words, pixels, limit=limit, **settings)

    @property
    def device(self) -> torch.device:
        return self.model.body["wte"].weight.device

    def variant(self, **settings: Any) -> "DiMOO":
        """The same weights with other settings, such as guidance; None is the checkpoint's own."""
        return type(self)(self.model, self.layout, self.words, self.pixels, **{**self.settings, **settings})

    def _ids(self, prompt: str, where: str) -> Tensor:
        ids = self.words.ids(self.layout.text(prompt), where)
        room = self.limit - len(self.frame.tail)
        if len(ids) > room:
            H, W = self.grid
            raise LadrError(
                f"{where}: {len(ids)} tokens with its template; beside a grid of {H}x{W} at most "
                f"{max(room, 0)} fit (max_sequence_length {self.limit})"
            )
        return torch.tensor(ids, dtype=torch.int64, device=self.device)

    def bind(self, prompts: Sequence[str]) -> GuidedDenoiser:
        """The prompts of one decode call, tokenised; lengths may differ."""
        check_texts(prompts)
        texts = [self._ids(prompt, f"prompts[{i}]") for i, prompt in enumerate(prompts)]
        return GuidedDenoiser(
            self.model, self.frame, texts, self._blank, self.guidance, self.exact, self.compiled
        )

    def render(self, tokens: Tensor) -> np.ndarray:
        """tokens (B,H,W) -> uint8 array (B,h,w,3)."""
        if self.pixels is None:
            raise LadrError("render: this backbone was built without a VQ model")
        return self.pixels.decode(tokens).cpu().numpy()


def shapes(folder: str | Path | None = None, **settings: Any) -> DiMOO:
    """The embedded model, or another checkpoint folder of its kind."""
    return DiMOO.from_pretrained(folder or embedded("shapes"), **settings)


def pictures(folder: str | Path | None = None, **settings: Any) -> DiMOO:
    """The embedded model of pictures, or another checkpoint folder of its kind."""
    return DiMOO.from_pretrained(folder or embedded("pictures"), **settings)


def lumina(source: str | Path = HUB, revision: str | None = None, **settings: Any) -> DiMOO:
    """Lumina-DiMOO by its hub name or from a folder."""
    return DiMOO.from_pretrained(source, revision, **settings)


def public_gigabytes() -> float:
    """What one image of the public 8B model in bfloat16 needs."""
    layout = Layout()
    need = fits.of_dimoo(LLaDAConfig(), layout.grid, layout.codebook, layout.vq_factor, bytes_each=2)
    return need.total / fits.GB
