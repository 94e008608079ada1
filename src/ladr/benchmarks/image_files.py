"""The one way to open an image file of others: its kind by its content, its size before its pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ladr.base.errors import LadrError
from ladr.base.foreign import opened

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_BYTES = 256 << 20  # of an image file
MOST_PIXELS = 1 << 26  # of an image: 8192x8192


def read_image(path: Path) -> "Image":
    """The image with its pixels, in the mode of the file."""
    with _declared(path) as image:
        image.load()
        return image.copy()


def read_rgb(path: Path) -> "Image":
    """The image as RGB, turned as its EXIF data says."""
    from PIL import ImageOps

    with _declared(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) in pixels, which are not read."""
    with _declared(path) as image:
        return image.size


@contextmanager
def _declared(path: Path) -> Iterator[Any]:
    """The image whose head has been read. Whatever is wrong with the file is one LadrError."""
    from PIL import Image

    with opened(path, MOST_BYTES) as file:
        try:
            _refuse_large(_webp_size(file), path)
            with Image.open(file, formats=FORMATS) as image:
                _refuse_large(image.size, path)
                yield image
        except LadrError:
            raise
        except Image.UnidentifiedImageError:
            raise LadrError(f"{path}: cannot be read as an image; it must be PNG, JPEG or WebP") from None
        except Exception as error:  # a broken file may raise anything in a decoder
            raise LadrError(f"{path}: cannot be read as an image ({error})") from None


def _refuse_large(size: tuple[int, int], path: Path) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise LadrError(f"{path}: is {size[0]}x{size[1]}; at most {MOST_PIXELS} pixels are read")


def _webp_size(file: BinaryIO) -> tuple[int, int]:
    """The size that a WebP file declares, whose decoder makes room for pixels as it opens; else (0, 0)."""
    head = file.read(30)
    file.seek(0)
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return 0, 0
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
