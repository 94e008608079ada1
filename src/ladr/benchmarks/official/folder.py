"""Write and check a folder of images in an official layout, one image at a time."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from PIL import Image

from ladr.base.errors import LadrError
from ladr.base.files import appearing, read_json, write_text
from ladr.base.foreign import read_text
from ladr.benchmarks.image_files import read_image
from ladr.benchmarks.official.suite import GRID_SIDE, Suite, some

Rendered = np.ndarray | Image.Image | Path
RECORD = ("cell", "sampler", "seed")  # what a caller must say about where the images come from


def manifest_path(folder: Path) -> Path:
    """The manifest lies beside the folder, never in it: DPG-Bench scores every file that it finds there."""
    return folder.parent / f"{folder.name}.manifest.json"


def export(
    suite: Suite,
    folder: Path,
    image_of: Callable[[int, int], Rendered],
    record: Mapping[str, object],
    progress: Callable[[int], None] = lambda done: None,
    others: Sequence[Path] = (),
) -> int:
    """Write every image of `suite` below `folder` and its manifest beside it; return how many were new.

    `image_of(prompt_index, image_no)` is called only for files that are not there yet: it renders the image
    (H, W, 3 uint8, or PIL) or names a PNG, which is hard-linked where the file system can. A file that a
    complete export of the same images has, beside `folder` or in one of `others`, is linked from there and
    not rendered. Files appear whole or not at all, so an interrupted export goes on where it stopped; a
    folder that holds another run's images is refused.
    """
    folder = Path(folder)
    manifest = _manifest(suite, record)
    _claim(folder, manifest)
    twins = _twins(folder, manifest, others)
    new = 0
    for path, text in suite.sidecars():
        write_text(folder / path, text)
    for done, (path, i, tiles) in enumerate(suite.files(), start=1):
        target = folder / path
        if not target.exists():
            twin = next((there / path for there in twins if (there / path).is_file()), None)
            _place([twin] if twin else [image_of(i, j) for j in tiles], target)
            new += 1
        progress(done)
    write_text(
        manifest_path(folder), json.dumps({**manifest, "complete": True}, indent=2, ensure_ascii=False) + "\n"
    )
    return new


def _manifest(suite: Suite, record: Mapping[str, object]) -> dict[str, object]:
    if lacking := [key for key in RECORD if key not in record]:
        raise LadrError(f"record: {some(lacking)} missing; an export says {some(RECORD)}")
    return {
        "benchmark": suite.name,
        "version": suite.version,
        "source": suite.source,
        "prompts": len(suite.prompts),
        "prompts_sha256": suite.prompts_sha256,
        "images_per_prompt": suite.images_per_prompt,
        **record,
    }


def _claim(folder: Path, manifest: Mapping[str, object]) -> None:
    """Start or continue `folder` for this run. LadrError if it belongs to another run."""
    path = manifest_path(folder)
    if path.exists():
        held = read_json(path)
        held.pop("complete", None)
        differs = sorted(k for k in held.keys() | manifest.keys() if held.get(k) != _json(manifest.get(k)))
        if differs:
            key = differs[0]
            there, here = held.get(key), manifest.get(key)
            raise LadrError(f"{path}: {key} is {there!r} there and {here!r} here; choose another folder")
    elif folder.exists() and any(folder.iterdir()):
        raise LadrError(f"{folder}: holds files and has no manifest; choose an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({**manifest, "complete": False}, indent=2, ensure_ascii=False) + "\n")


def manifest_of(folder: Path) -> dict[str, object]:
    """The manifest of an exported folder; empty if there is none."""
    try:
        return dict(json.loads(manifest_path(Path(folder)).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _twins(folder: Path, manifest: Mapping[str, object], others: Sequence[Path]) -> list[Path]:
    """The folders, among `others` and those beside `folder`, that hold all images of `manifest`."""
    complete = _json({**manifest, "complete": True})
    ending = ".manifest.json"
    beside = (p.with_name(p.name.removesuffix(ending)) for p in sorted(folder.parent.glob(f"*{ending}")))
    known = dict.fromkeys(Path(path) for path in (*others, *beside))
    return [path for path in known if path != folder and manifest_of(path) == complete]


def _json(value: object) -> object:
    return json.loads(json.dumps(value))


def _place(tiles: list[Rendered], target: Path) -> None:
    if len(tiles) == 1 and isinstance(tiles[0], Path) and tiles[0].suffix.lower() == target.suffix:
        _link(tiles[0], target)
        return
    images = [_open(tile) for tile in tiles]
    whole = images[0] if len(images) == 1 else _grid(images, target)
    with appearing(target) as half:
        whole.save(half, format="PNG", compress_level=1)


def _open(tile: Rendered) -> Image.Image:
    if isinstance(tile, Path):
        return read_image(tile).convert("RGB")
    return tile if isinstance(tile, Image.Image) else Image.fromarray(np.asarray(tile, dtype=np.uint8))


def _grid(images: list[Image.Image], target: Path) -> Image.Image:
    side = images[0].size[0]
    if len(images) != GRID_SIDE**2 or any(image.size != (side, side) for image in images):
        raise LadrError(f"{target.name}: a grid takes {GRID_SIDE**2} square tiles of one size")
    whole = Image.new("RGB", (side * GRID_SIDE, side * GRID_SIDE))
    for k, image in enumerate(images):
        whole.paste(image, (k % GRID_SIDE * side, k // GRID_SIDE * side))
    return whole


def crop_tile(image: Image.Image, tile: int, tiles: int) -> Image.Image:
    """Tile `tile` of an image of `tiles` tiles."""
    return image if tiles == 1 else image.crop(tile_box(image.size, tile))


def tile_box(size: tuple[int, int], tile: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a tile in a grid of that size."""
    side = size[0] // GRID_SIDE
    left, top = tile % GRID_SIDE * side, tile // GRID_SIDE * side
    return left, top, left + side, top + side


def _link(source: Path, target: Path) -> None:
    with appearing(target) as half:
        try:
            os.link(source, half)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, half)


@dataclass
class Report:
    """What `check` found. `faults` maps a relative path to why it cannot be scored."""

    expected: int
    present: int = 0
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.faults


def check(
    suite: Suite, folder: Path, *, decode: bool = True, progress: Callable[[int], None] = lambda n: None
) -> Report:
    """Compare `folder` with the layout of `suite`: missing, surplus and unreadable files, each with a reason.

    With `decode` every image is opened and must have more than one colour (an all-black image is what a
    failed render or a wrong grid leaves)."""
    folder = Path(folder)
    if not folder.is_dir():
        raise LadrError(f"{folder}: no such folder")
    expected = {path: tiles for path, _, tiles in suite.files()}
    texts = dict(suite.sidecars())
    present = set(_walk(folder))
    report = Report(expected=len(expected), present=len(expected.keys() & present))
    for path in sorted(present - expected.keys() - texts.keys()):
        if not any(fnmatch(path, pattern) for pattern in suite.outputs):
            report.faults[path] = "surplus: no such image in this benchmark"
    for path, text in texts.items():
        if path not in present:
            report.faults[path] = "missing"
        elif fault := _sidecar_fault(folder / path, text):
            report.faults[path] = fault
    for done, (path, tiles) in enumerate(expected.items(), start=1):
        reason = "missing" if path not in present else _fault(folder / path, len(tiles)) if decode else ""
        if reason:
            report.faults[path] = reason
        progress(done)
    return report


def _sidecar_fault(path: Path, text: str) -> str:
    try:
        same = read_text(path).split() == text.split()
    except LadrError as error:
        return f"unreadable: {error}"
    return "" if same else "differs from the benchmark's own: another version's file?"


def _walk(folder: Path) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in names:
            yield (Path(root) / name).relative_to(folder).as_posix()


def _fault(path: Path, tiles: int) -> str:
    try:
        image = np.asarray(read_image(path).convert("RGB"))
    except LadrError as error:
        return f"unreadable: {error}"
    height, width, _ = image.shape
    if tiles > 1 and (width != height or width % GRID_SIDE):
        return f"{width}x{height}: {tiles} tiles need a square of even side"
    if (image == image[0, 0]).all():
        return "one single colour"
    return ""
