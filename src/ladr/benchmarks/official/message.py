"""A question to a judge, and the message that asks it."""

import base64
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ladr.base.foreign import read_bytes
from ladr.benchmarks.image_files import MOST_BYTES, read_image

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
    return hashlib.sha256(read_bytes(path, MOST_BYTES)).hexdigest()


def messages(question: JudgeQuestion) -> list[dict[str, Any]]:
    """One user message: the image (JPEG, quality 95) first, then the text."""
    buffer = io.BytesIO()
    image = read_image(question.image)
    shown = image.crop(question.box) if question.box else image
    shown.convert("RGB").save(buffer, format="JPEG", quality=95)
    url = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": question.text}]
    return [{"role": "user", "content": parts}]
