"""A question to a judge, and the message that asks it."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ladr.base.files import sha256

Parse = Callable[[str], Any]  # answer text -> JSON value; ValueError when the text is not what was asked for


@dataclass(frozen=True)
class JudgeQuestion:
    """One question about an image, or about the part of it in `box` (left, top, right, bottom). `parse`
    checks the form of the answer."""

    id: str
    image: Path
    text: str
    parse: Parse
    box: tuple[int, int, int, int] | None = None


@lru_cache(maxsize=64)
def image_sha256(path: Path, size: int, changed: int) -> str:
    """sha256 of the file's bytes; many questions may ask about one file."""
    return sha256(path)


def messages(question: JudgeQuestion) -> list[dict[str, Any]]:
    """One user message: the image (JPEG, quality 95) first, then the text."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(question.image) as image:
        shown = image.crop(question.box) if question.box else image
        shown.convert("RGB").save(buffer, format="JPEG", quality=95)
    url = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": question.text}]
    return [{"role": "user", "content": parts}]
