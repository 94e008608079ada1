"""Pictures for people: contact sheets, and an image with what the evaluator read drawn on it."""

import textwrap
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ladr.shapes.reading import Reading
from ladr.shapes.scene import CANVAS

ZOOM = 8  # of an annotated image
TILE = 2  # zoom of a contact sheet
ACROSS = 8  # images in a row of a contact sheet
_SURE, _DOUBTFUL, _UNKNOWN = (0, 150, 60), (220, 120, 0), (200, 0, 0)


def contact_sheet(images: Sequence[np.ndarray], captions: Sequence[str]) -> Image.Image:
    """Images in rows, each over its caption."""
    side = CANVAS * TILE
    foot = 48
    rows = -(-len(images) // ACROSS)
    sheet = Image.new("RGB", (ACROSS * (side + 8), rows * (side + foot)), (235, 235, 235))
    draw = ImageDraw.Draw(sheet)
    for k, (image, words) in enumerate(zip(images, captions, strict=True)):
        x, y = k % ACROSS * (side + 8) + 4, k // ACROSS * (side + foot) + 4
        sheet.paste(Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST), (x, y))
        draw.multiline_text((x, y + side), "\n".join(textwrap.wrap(words, 22)[:4]), (0, 0, 0), font_size=9)
    return sheet


def annotated(image: np.ndarray, reading: Reading, verdicts: Sequence[tuple[str, bool]]) -> Image.Image:
    """The image enlarged, with a box around each thing that was detected and the verdicts beside it."""
    side = CANVAS * ZOOM
    canvas = Image.new("RGB", (side + 420, side), (255, 255, 255))
    canvas.paste(Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST), (0, 0))
    draw = ImageDraw.Draw(canvas)
    for d in (*reading.things, *reading.letters):
        y, x, h, w = (ZOOM * v for v in d.box)
        known = d.shape or d.letter
        paint = _UNKNOWN if known is None else _SURE if d.sure else _DOUBTFUL
        draw.rectangle((x, y, x + w - 1, y + h - 1), outline=paint, width=2)
        words = [d.color, d.texture if d.shape else "", known or "unknown", f"{d.score:.2f}"]
        draw.text(
            (x + 3, y + 2),
            " ".join(filter(None, words)),
            paint,
            font_size=11,
            stroke_width=1,
            stroke_fill=(255, 255, 255),
        )
    for k, (question, passed) in enumerate(verdicts):
        verdict = f"{'yes' if passed else 'NO '}  {question}"
        draw.text((side + 10, 8 + 16 * k), verdict, _SURE if passed else _UNKNOWN, font_size=12)
    return canvas
