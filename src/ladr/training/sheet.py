"""What a training run can draw so far: a grid of images with their prompts, from the averaged weights."""

import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ladr.backbones.exact.patches import PatchCodes
from ladr.backbones.lumina.dimoo import DiMOO
from ladr.backbones.lumina.llada import LLaDA
from ladr.backbones.lumina.tokenizer import Words
from ladr.base.errors import LadrError
from ladr.base.files import appearing
from ladr.decoding.loop import decode
from ladr.decoding.noise import seed_of
from ladr.training import checkpoints
from ladr.training.data_set import data_set
from ladr.training.settings import read_settings

ENLARGED, LINE, ROWS, GAP = 3, 15, 3, 8  # a pixel's side, a line of text, lines under an image, space
INK, WRONG = (30, 30, 34), (179, 69, 44)


def averaged(run: Path) -> tuple[DiMOO, int]:
    """The averaged weights of the last checkpoint as a backbone without a VQ model, and their step."""
    stored = checkpoints.read(run / "model")
    if stored is None:
        raise LadrError(f"{run / 'model'}: no checkpoint; run `ladr train model --folder {run}` first")
    tensors, state = stored
    settings = read_settings(run / "model" / "settings.json")
    model = LLaDA(settings.config).requires_grad_(False)
    head = "average."
    model.load_state_dict({k.removeprefix(head): v for k, v in tensors.items() if k.startswith(head)})
    with tempfile.TemporaryDirectory() as folder:
        data_set(settings.data, run).tokenizer().save(f"{folder}/tokenizer.json")
        words = Words(folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return DiMOO(model.to(device), settings.layout, words, None), state["step"]


def sheet(run: Path, to: Path, *, each: int = 2, steps: int = 32) -> dict[str, Any]:
    """Write a picture of `each` rows of held-out prompts, one of each column of the exam.

    Drawn in `steps` cosine passes, every code as its mean patch. Says at which step the weights were and how
    many images hold all that their prompt states.
    """
    backbone, step = averaged(run)
    data = data_set(read_settings(run / "model" / "settings.json").data, run)
    rows = zip(*(data.questions(column, each) for column in data.columns), strict=True)
    questions = [question for row in rows for question in row]
    words = [question.text for question in questions]
    seeds = [seed_of("sheet", text, number) for number, text in enumerate(words)]
    tokens = decode(backbone, words, "cosine", steps=steps, seeds=seeds).tokens.cpu().numpy()
    images = PatchCodes.load(run / "patches.safetensors").mosaic(tokens)
    right = [question.right(image) for question, image in zip(questions, images, strict=True)]
    with appearing(to) as half:
        grid(images, words, right).save(half, format="png")
    return {"step": step, "images": len(right), "right": sum(right), "out": str(to)}


def grid(images: np.ndarray, words: Sequence[str], right: Sequence[bool], columns: int = 8) -> Any:
    """A PIL image: images (n, h, w, 3) with their prompts below, in red where a stated fact is missing."""
    from PIL import Image, ImageDraw, ImageFont

    n, h, w, _ = images.shape
    columns = min(n, columns)
    width, height = w * ENLARGED + GAP, h * ENLARGED + ROWS * LINE + GAP
    page = Image.new("RGB", (columns * width + GAP, -(-n // columns) * height + GAP), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=11)
    for i, (image, text, good) in enumerate(zip(images, words, right, strict=True)):
        x, y = GAP + i % columns * width, GAP + i // columns * height
        tile = Image.fromarray(image).resize((w * ENLARGED, h * ENLARGED), Image.Resampling.NEAREST)
        page.paste(tile, (x, y))
        lines = textwrap.wrap(text, w * ENLARGED // 6, max_lines=ROWS, placeholder=" ...")
        pen.text(
            (x, y + h * ENLARGED + 1), "\n".join(lines), fill=INK if good else WRONG, font=font, spacing=2
        )
    return page
