"""gallery.html: one file that shows every sampler on a prompt, step by step, and what the evaluator saw."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ladr.figures.frame.images import Pictures, pictures
from ladr.figures.frame.results import Results

NEEDS = "pictures"


@dataclass(frozen=True)
class Page:
    """NAME.html, which needs nothing beside it."""

    name: str
    text: str

    def save(self, folder: Path) -> list[Path]:
        path = folder / f"{self.name}.html"
        path.write_text(self.text, encoding="utf-8")
        return [path]


def draw(results: Results) -> Iterator[Page]:
    yield Page("gallery", page([content(found) for found in pictures(results)]))


def page(data: list[dict[str, Any]]) -> str:
    """The page with everything in it."""
    template = (files("ladr.figures") / "gallery.html").read_text(encoding="utf-8")
    told = json.dumps(data, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    captions = "".join(f"<p>{escape(d['backbone'])}: {escape(d['caption'])}</p>" for d in data)
    return template.replace("{{captions}}", captions).replace("{{data}}", told)


def content(found: Pictures) -> dict[str, Any]:
    """All that the page shows of one backbone, as plain values."""
    settled, rescued = found.arrays["settled"], found.arrays["rescued"]
    prompts = [
        {
            "id": prompt["id"],
            "image": found.asked["seed"],
            "text": prompt["text"],
            "column": prompt["column"],
            "samplers": [
                {
                    "label": label,
                    "image": _png(found.arrays["images"][p, s]),
                    "size": list(found.arrays["images"][p, s].shape[:2]),
                    "settled": settled[p, s].tolist(),
                    "rescued": rescued[p, s].astype(int).tolist(),
                    "passes": found.passes(p, s),
                    **found.told["detected"][p][s],
                }
                for s, label in enumerate(found.labels)
            ],
        }
        for p, prompt in enumerate(found.told["prompts"])
    ]
    return {"backbone": found.backbone, "caption": found.caption(len(prompts)), "prompts": prompts}


def _png(image: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
