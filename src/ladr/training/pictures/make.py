"""`ladr train data pictures`: from the packages to pictures and their codes on disk."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from ladr.backbones.exact.patches import PatchCodes
from ladr.base.errors import LadrError
from ladr.base.files import appearing, write_json
from ladr.benchmarks.mini.pictures.templates import PATCHES, TEMPLATES, WORLD
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, STYLES
from ladr.training.pictures import packages
from ladr.training.pictures.codebook import learn_codebook
from ladr.training.pictures.concepts import GROUPS, Concept, concepts, drawings
from ladr.training.pictures.render import over

DRAWINGS = "drawings.safetensors"
CODES = 1024


def make(
    source: Path, folder: Path, groups: tuple[str, ...] = GROUPS, codes: int = CODES, seed: int = 0
) -> dict[str, int]:
    """Render the packages of `source` and encode every picture into `folder`.

    The codebook of a folder that has one is kept. The list of concepts is written last: a data set is
    complete when it has one.
    """
    require_no_other(folder)
    packages.check(source)
    kept, pictures = drawings(source, concepts(source, groups))
    stored = np.rint(255 * pictures).astype(np.uint8)
    return write(folder, kept, stored, codes, seed, groups)


def require_no_other(folder: Path) -> None:
    """LadrError where the folder holds a run of shapes, whose codes are not for pictures."""
    runs = [name for name in ("vq", "vqvae", "model") if (folder / name).exists()]
    if runs and not (folder / WORLD).exists():
        raise LadrError(f"{folder}: holds a run of shapes ({runs[0]}); choose another folder")


def write(
    folder: Path, kept: list[Concept], stored: np.ndarray, codes: int, seed: int, groups: tuple[str, ...]
) -> dict[str, int]:
    """Encode `stored` (concepts, styles, h, w, 4) over every background into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.stack([over(stored, background) for background in BACKGROUNDS], 2)
    flat = images.reshape(-1, *images.shape[3:])
    book = folder / PATCHES
    if not book.exists():
        learn_codebook(flat, codes, np.random.default_rng([seed, 0])).save(book)
    patches = PatchCodes.load(book)
    grid = patches.encode(flat)
    apart = (patches.mosaic(grid).astype(np.float32) - flat) ** 2
    own = np.sqrt(apart.mean((1, 2, 3))).reshape(images.shape[:3])
    with appearing(folder / DRAWINGS) as half:
        save_file({"pictures": stored}, half)
    tensors = {"codes": grid.astype(np.uint16).reshape(*images.shape[:3], *grid.shape[1:]), "own": own}
    with appearing(folder / TEMPLATES) as half:
        save_file(tensors, half)
    _write_world(folder / WORLD, kept, groups)
    return {"concepts": len(kept), "pictures": len(flat), "codes": patches.codes}


def _write_world(path: Path, kept: list[Concept], groups: tuple[str, ...]) -> None:
    """The manifest: where the pictures come from, under which licence, and what they show."""
    world = {
        "packages": [asdict(package) for package in packages.PACKAGES],
        "groups": list(groups),
        "styles": list(STYLES),
        "backgrounds": {name: list(colour) for name, colour in BACKGROUNDS.items()},
        "concepts": [asdict(concept) for concept in kept],
    }
    write_json(path, world)
