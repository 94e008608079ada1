"""Image files that mean harm, at every door that opens one."""

import os
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PIL import Image

from ladr.base.errors import LadrError
from ladr.benchmarks.image_files import read_image, read_rgb
from ladr.benchmarks.mini.scoring import load_image
from ladr.benchmarks.official import folder
from ladr.benchmarks.official.estimate import tokens_of_image
from ladr.benchmarks.official.message import JudgeQuestion, messages
from ladr.benchmarks.official.native import key_of
from ladr.benchmarks.official.suite import Suite
from ladr.benchmarks.prompt import Prompt
from trust.box import Attempt, Box

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 64 64
%%EndComments
(executed) (w) file closefile
showpage
"""


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes, pixels: bytes = b"") -> bytes:
    """A PNG that declares this size, whatever pixels it has."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + body


def jpeg(width: int, height: int) -> bytes:
    """The head of a JPEG that declares this size."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x11\0\x02\x11\x01\x03\x11\x01"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def webp(kind: bytes, width: int, height: int) -> bytes:
    """The head of a WebP of any of its three kinds that declares this size."""
    if kind == b"VP8X":
        body = b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        body = b"\x2f" + (width - 1 | (height - 1) << 14).to_bytes(4, "little") + b"\0" * 8
    else:
        body = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 8
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBP" + kind + struct.pack("<I", len(body)) + body


def saved(box: Box, kind: str) -> bytes:
    """A true image of another kind."""
    path = box.inside / "true"
    Image.new("RGB", (64, 64), "red").save(path, format=kind)
    return path.read_bytes()


CONTENT = {
    "nothing": lambda box: b"",
    "junk": lambda box: bytes(range(256)) * 40,
    "EPS": lambda box: EPS,
    "EPS in a DOS wrapper": lambda box: b"\xc5\xd0\xd3\xc6" + struct.pack("<I", 32) + b"\0" * 24 + EPS,
    "PDF": lambda box: b"%PDF-1.4\n",
    "SVG": lambda box: b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    "pickle": lambda box: box.payload(),
    **{kind: partial(saved, kind=kind) for kind in ("GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "SGI")},
    "PNG of 60000x60000": lambda box: png(60000, 60000),
    "PNG of 2^31 a side": lambda box: png(2**31 - 1, 2**31 - 1),
    "PNG of no width": lambda box: png(0, 64),
    "PNG without pixels": lambda box: png(64, 64),
    "PNG cut short": lambda box: png(64, 64, pixels=os.urandom(64 * 193))[:-300],
    "PNG with a wrong checksum": lambda box: png(64, 64).replace(b"IHDR", b"IHDX"),
    "PNG whose text unpacks to 100 MB": lambda box: png(
        64, 64, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * (100 << 20)))
    ),
    "JPEG of 65500x65500": lambda box: jpeg(65500, 65500),
    "JPEG without pixels": lambda box: jpeg(64, 64),
    **{
        f"WebP {kind.decode().strip()} of 16383x16383": lambda box, kind=kind: webp(kind, 16383, 16383)
        for kind in (b"VP8X", b"VP8L", b"VP8 ")
    },
    "WebP without pixels": lambda box: webp(b"VP8L", 64, 64),
}


def pipe(box: Box) -> None:
    os.mkfifo(box.inside / "0.png")


def link_to(target: str, box: Box) -> None:
    (box.inside / "0.png").symlink_to(target)


def written(make, box: Box) -> None:
    (box.inside / "0.png").write_bytes(make(box))


PLACED = {
    **{name: partial(written, make) for name, make in CONTENT.items()},
    "pipe": pipe,
    "folder": lambda box: (box.inside / "0.png").mkdir(),
    "link to a device": partial(link_to, "/dev/zero"),
    "link to nothing": partial(link_to, "nowhere"),
    "link to itself": partial(link_to, "0.png"),
    "file of 300 MB": lambda box: os.truncate(
        os.open(box.inside / "0.png", os.O_RDWR | os.O_CREAT), 300 << 20
    ),
}

SUITE = Suite("geneval", 1, "x", ("c",), (Prompt("0", "a cup"),), 1, lambda i, j: "0.png")


def checked(place: Path) -> None:
    """`ladr benchmark NAME --check` of the folder; a fault that it reports is a refusal."""
    report = folder.check(SUITE, place.parent)
    fault = report.faults.get("0.png")
    if fault:
        raise LadrError(f"{place}: {fault}")


def judged(place: Path) -> None:
    messages(JudgeQuestion("q", place, "a cup?", str))


DOORS = {
    "mini benchmark": load_image,
    "official scorer": read_rgb,
    "export": read_image,
    "check": checked,
    "judge": judged,
}


def through(door, place_it, box: Box) -> None:
    place_it(box)
    door(box.inside / "0.png")


def attempts() -> Iterator[Attempt]:
    for kind, place_it in PLACED.items():
        for name, door in DOORS.items():
            yield Attempt(f"image: {kind}, {name}", partial(through, door, place_it))
    for kind in ("pipe", "folder", "link to a device", "file of 300 MB"):
        for name, door in (
            ("size", tokens_of_image),
            ("key", lambda place: key_of(SUITE, "s", place.parent, place.name)),
        ):
            yield Attempt(f"image: {kind}, {name}", partial(through, door, PLACED[kind]))
