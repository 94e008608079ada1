"""gallery.html: one file that shows every sampler on a prompt, step by step, and what the evaluator read."""

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

from ladr.base.escape import printable
from ladr.base.files import write_text
from ladr.figures.frame.illustrations import Illustration, illustrations
from ladr.figures.frame.results import Results

NEEDS = "pictures"
RIGHT = 0.5  # an answer from this value on counts as right


@dataclass(frozen=True)
class Page:
    """One file, NAME.html, which needs no other file."""

    name: str
    text: str

    def save(self, folder: Path) -> list[Path]:
        path = folder / f"{self.name}.html"
        write_text(path, self.text)
        return [path]


def draw(results: Results) -> Iterator[Page]:
    yield Page("gallery", page([content(one) for one in illustrations(results)]))


def page(data: list[dict[str, Any]]) -> str:
    """The page with all its data."""
    template = (files("ladr.figures") / "gallery.html").read_text(encoding="utf-8")
    text = json.dumps(data, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    shown = [f"{one['backbone']}: {one['caption']}" for one in data]
    captions = "".join(f"<p>{escape(printable(line))}</p>" for line in shown)
    return template.replace("{{captions}}", captions).replace("{{data}}", text)


def content(illustration: Illustration) -> dict[str, Any]:
    """Everything that the page shows of one backbone, as JSON values."""
    arrays = illustration.arrays
    prompts = [
        {
            "id": prompt["id"],
            "image": illustration.benchmark["seed"],
            "text": prompt["text"],
            "column": prompt["column"],
            "samplers": [
                {
                    "label": label,
                    "image": _png(arrays["images"][p, s]),
                    "size": list(arrays["images"][p, s].shape[:2]),
                    "settled": arrays["settled"][p, s].tolist(),
                    "rescued": arrays["rescued"][p, s].astype(int).tolist(),
                    "passes": illustration.passes(p, s),
                    **illustration.record["detected"][p][s],
                }
                for s, label in enumerate(illustration.labels)
            ],
        }
        for p, prompt in enumerate(illustration.record["prompts"])
    ]
    caption = illustration.caption(len(prompts))
    opening = opening_of(illustration.record["detected"], _quickest(illustration))
    return {
        "backbone": illustration.backbone,
        "caption": caption,
        "opening": opening,
        "prompts": prompts,
    }


def opening_of(detected: list[list[dict[str, Any]]], quickest: int) -> int:
    """The prompt that the page opens with.

    It is the first one that the first sampler answers right and the quickest one wrong: an evaluator may find
    what was asked for in scattered tokens, and such a picture is no example. Else it is the first one that
    some samplers answer right and others wrong.
    """
    answers = [[[v["value"] >= RIGHT for v in one["verdicts"]] for one in samplers] for samplers in detected]
    fair = [place for place, own in enumerate(answers) if all(own[0]) and not all(own[quickest])]
    differing = [place for place, own in enumerate(answers) if any(one != own[0] for one in own)]
    return (*fair, *differing, 0)[0]


def _quickest(illustration: Illustration) -> int:
    """The sampler with the fewest passes over all prompts."""
    prompts, samplers = illustration.arrays["images"].shape[:2]
    passes = [sum(illustration.passes(p, s) for p in range(prompts)) for s in range(samplers)]
    return passes.index(min(passes))


def _png(image: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
