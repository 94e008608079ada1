"""`mini-pictures`: concept, style and background, read from the pixels by the nearest template."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import ClassVar

import numpy as np

from ladr.base.errors import LadrError, nearest
from ladr.base.models import embedded
from ladr.benchmarks.benchmark import Benchmark
from ladr.benchmarks.mini.pictures.templates import WORLD, PictureReading, Templates, seen, templates_of
from ladr.benchmarks.mini.pictures.words import BACKGROUNDS, STYLES, prompt, thing
from ladr.benchmarks.mini.prompts import column_of, named, shuffled
from ladr.benchmarks.mini.scoring import Judgement, distance
from ladr.benchmarks.prompt import Prompt
from ladr.benchmarks.rows import Row
from ladr.benchmarks.sizes import per_column
from ladr.benchmarks.submission import Submission

CONCEPT, STYLE, BACKGROUND, INTACT = COLUMNS = ("Concept", "Style", "Background", "Intact")
SEEN, UNSEEN = 240, 60  # prompts of the full size: combinations that training shows, and others
SEED = 20261
SHA256 = "78ee707146f6608e22515fca5c8d40117b87ba699c5c017e56bf8cf8541f76dc"
FILE = "prompts.jsonl"


@dataclass(frozen=True, kw_only=True)
class PictureSuite(Benchmark):
    """Every prompt states a concept, a style and a background, and is judged by each.

    The fourth judgement, Intact, is whether the image is as near to its nearest template as that template is
    to the picture that it encodes. `folder` holds the templates; None means those of the embedded model.
    """

    folder: Path | None = None
    has_truth: ClassVar[bool] = True

    def prompts(self, size: str | int = "default", folder: Path | None = None) -> tuple[Prompt, ...]:
        """The first prompts of combinations that training shows, and as large a share of the others."""
        count = per_column(size)
        frozen = _frozen()
        if count is None:
            return frozen
        share = -(-min(count, SEEN) * UNSEEN // SEEN)
        shown = [each for each in frozen if each.meta["seen"]]
        return (*shown[:count], *[each for each in frozen if not each.meta["seen"]][:share])

    def rows(self, submission: Submission) -> tuple[Row, ...]:
        """The judgements of every image by its own prompt and, for the floor, by another one."""
        partner = shuffled(submission.prompts)
        shown: dict[str, list[np.ndarray]] = {each.id: [] for each in submission.prompts}
        for (name, _), image in zip(submission.keys, submission.pixels, strict=True):
            shown[name].append(image)
        rows: list[Row] = []
        for each in submission.prompts:
            rows += self._judged(each, partner[each.id], shown[each.id])
        return tuple(rows)

    def _judged(self, own: Prompt, other: Prompt, images: Sequence[np.ndarray]) -> Iterator[Row]:
        for number, image in enumerate(images):
            reading = self.read(image)
            for kind, asked in (("score", own), ("floor", other)):
                for point in self.judgements(asked, reading):
                    if (kind, point.question) != ("floor", INTACT):
                        yield Row(own.id, number, point.column, point.question, point.value, kind)
        if len(images) > 1:
            value = round(distance(images), 6)
            yield Row(own.id, -1, column_of(own), "pairwise distance", value, "diversity")

    def read(self, image: np.ndarray) -> PictureReading:
        """What an image (64, 64, 3) uint8 shows."""
        return self._templates().read(image)

    def judgements(self, prompt: Prompt, reading: PictureReading) -> list[Judgement]:
        """Four judgements of one image."""
        meta = prompt.meta
        return [
            Judgement(
                named(prompt, CONCEPT), thing(meta["concept"]), float(reading.concept == meta["concept"])
            ),
            Judgement(named(prompt, STYLE), f"{meta['style']} style", float(reading.style == meta["style"])),
            Judgement(
                named(prompt, BACKGROUND),
                f"{meta['background']} background",
                float(reading.background == meta["background"]),
            ),
            Judgement(named(prompt, INTACT), INTACT, float(reading.intact)),
        ]

    def ceiling(
        self, prompts: Sequence[Prompt], through: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[Row, ...]:
        """The judgements of the templates that the prompts state, sent `through` a tokenizer and back."""
        images = through(np.stack([self.truth(each) for each in prompts]))
        return tuple(
            Row(each.id, 0, point.column, point.question, point.value)
            for each, image in zip(prompts, images, strict=True)
            for point in self.judgements(each, self.read(image))
        )

    def truth(self, prompt: Prompt) -> np.ndarray:
        """The template that the prompt states, (64, 64, 3) uint8."""
        templates, meta = self._templates(), prompt.meta
        if meta["concept"] not in templates.names:
            raise LadrError(
                f"{prompt.id}: {meta['concept']!r} is no concept of the templates"
                f"{nearest(meta['concept'], templates.names)}"
            )
        place = templates.names.index(meta["concept"]), STYLES.index(meta["style"])
        return templates.image(*place, [*BACKGROUNDS].index(meta["background"]))

    def _templates(self) -> Templates:
        return templates_of(self.folder or embedded("pictures", WORLD))


def fresh(names: Sequence[str]) -> Iterator[Prompt]:
    """The prompts of the full size over these concepts, drawn anew: what the frozen file must hold."""
    shown = seen(len(names))
    for column, stem, count, mask in (
        (CONCEPT, "pictures", SEEN, shown),
        (CONCEPT, "pictures-unseen", UNSEEN, ~shown),
    ):
        combinations = np.argwhere(mask)
        rng = np.random.default_rng([SEED, int(mask is shown)])
        for number, index in enumerate(rng.choice(len(combinations), count, replace=False)):
            concept, style, background = combinations[index]
            stated = (names[concept], STYLES[style], [*BACKGROUNDS][background])
            meta = dict(zip(("concept", "style", "background"), stated, strict=True))
            meta |= {"column": column, "seen": mask is shown}
            yield Prompt(f"{stem}-{number:03d}", prompt(*stated), meta)


def lines(names: Sequence[str]) -> bytes:
    """The frozen file over these concepts, byte for byte."""
    rows = ({"id": each.id, "text": each.text, "meta": dict(each.meta)} for each in fresh(names))
    return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)


@lru_cache(maxsize=1)
def _frozen() -> tuple[Prompt, ...]:
    data = (resources.files("ladr.benchmarks.mini.pictures") / FILE).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise LadrError(
            f"{FILE} of mini-pictures: sha256 is {digest[:12]}, not {SHA256[:12]}: restore the file"
        )
    return tuple(Prompt(row["id"], row["text"], row["meta"]) for row in map(json.loads, data.splitlines()))


SUITE = PictureSuite(name="mini-pictures", version=1, columns=COLUMNS, overall=(CONCEPT, STYLE, BACKGROUND))
