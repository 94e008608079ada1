"""Pictures with transparency from SVG and WebP files, 64 pixels wide, and over plain backgrounds."""

import io

import numpy as np

from ladr.base.errors import LadrError, needs
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS

SIDE = 64
LARGE = 256  # pixels at which everything is drawn before it is reduced


def reduced(image) -> np.ndarray:
    """A PIL image of 256x256 pixels as (64, 64, 4) float32 in 0..1, colours multiplied by their opacity."""
    pixels = np.asarray(image.convert("RGBA"), np.float32) / 255
    if pixels.shape[:2] != (LARGE, LARGE):
        raise LadrError(f"picture: size is {image.size[0]}x{image.size[1]}, allowed is {LARGE}x{LARGE}")
    pixels[..., :3] *= pixels[..., 3:]
    step = LARGE // SIDE
    return pixels.reshape(SIDE, step, SIDE, step, 4).mean((1, 3))


def picture_of_webp(data: bytes) -> np.ndarray:
    """A WebP file of 256x256 pixels as `reduced` gives it."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return reduced(image)


def picture_of_svg(collection: dict, name: str) -> np.ndarray:
    """The icon `name` of an Iconify collection as `reduced` gives it."""
    from PIL import Image

    with needs("pictures from SVG"):
        import resvg_py
    icon = collection["icons"][name]
    left, top, width, height = (
        icon.get(key, collection.get(key, usual))
        for key, usual in (("left", 0), ("top", 0), ("width", 16), ("height", 16))
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{LARGE}" height="{LARGE}" viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>'
    )
    data = resvg_py.svg_to_bytes(svg_string=svg, width=LARGE, height=LARGE, skip_system_fonts=True)
    with Image.open(io.BytesIO(data)) as image:
        return reduced(image)


def over(pictures: np.ndarray, background: str) -> np.ndarray:
    """Stored pictures (..., h, w, 4) uint8 over a plain colour, (..., h, w, 3) uint8."""
    colour = np.array(BACKGROUNDS[background], np.float32)
    opacity = pictures[..., 3:].astype(np.float32) / 255
    pixels = pictures[..., :3] + (1 - opacity) * colour
    return np.rint(pixels.clip(0, 255)).astype(np.uint8)
