"""What the trainer asks of a data set, and the two that there are: `shapes` and `pictures`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ladr.backbones.exact.patches import PatchCodes
from ladr.base.errors import LadrError, nearest
from ladr.benchmarks.mini.pictures.templates import PATCHES, TEMPLATES, WORLD, templates_of
from ladr.training import shape_exam, shape_samples, vocabulary
from ladr.training.codebook import learn_codebook
from ladr.training.data import Sample
from ladr.training.pictures import captions, samples
from ladr.training.pictures import exam as picture_exam
from ladr.training.pictures.settings import picture_settings
from ladr.training.question import Question
from ladr.training.settings import Settings


@dataclass(frozen=True)
class DataSet:
    """One data set of the trainer.

    `sample` makes a sample of (seed, number, early), `early` being how many samples belong to the early part
    of a run. `images` are what the tokenizer is trained on, of (seed, numbers). `questions` gives so many
    prompts of a column of the exam, with their judgements; `columns` has the columns and their target scores.
    `files` are those of the run's folder that a checkpoint carries.
    """

    sample: Callable[[int, int, int], Sample]
    images: Callable[[int, range], np.ndarray]
    tokenizer: Callable[[], Tokenizer]
    codebook: Callable[[int], PatchCodes]
    columns: Mapping[str, float]
    questions: Callable[[str, int], list[Question]]
    files: tuple[str, ...] = ()

    def numbered(self, seed: int, early: int) -> Callable[[int], Sample]:
        """What makes the sample of a number of the stream `seed`."""
        return lambda number: self.sample(seed, number, early)


def data_set(name: str, folder: Path) -> DataSet:
    """The data set of that name; `folder` is that of the run or checkpoint, where a data set has files."""
    require_known(name)
    return DATA_SETS[name](folder)


def require_known(name: str) -> None:
    """LadrError unless there is a data set of that name."""
    if name not in DATA_SETS:
        raise LadrError(f"data: {name!r} is unknown{nearest(name, DATA_SETS)}")


def default_settings(name: str) -> Settings:
    """The settings of a run on the data set of that name, which need not be there yet."""
    require_known(name)
    return {"pictures": picture_settings}.get(name, Settings)()


def _shapes(folder: Path) -> DataSet:
    if (folder / WORLD).exists():
        raise LadrError(f"data: {folder} is of pictures, as it has {WORLD}; --data pictures")
    return DataSet(
        sample=shape_samples.finished,
        images=shape_samples.images,
        tokenizer=vocabulary.build,
        codebook=lambda seed: learn_codebook(seed=seed),
        columns=shape_exam.COLUMNS,
        questions=shape_exam.questions,
    )


def _pictures(folder: Path) -> DataSet:
    if not (folder / WORLD).exists():
        raise LadrError(f"{folder / WORLD}: not there; `ladr train data pictures --from PACKAGES` makes it")
    return DataSet(
        sample=partial(samples.sample, folder),
        images=partial(samples.images, folder),
        tokenizer=lambda: captions.tokenizer(templates_of(folder).names),
        codebook=lambda seed: PatchCodes.load(folder / PATCHES),
        columns=picture_exam.COLUMNS,
        questions=partial(picture_exam.questions, folder),
        files=(TEMPLATES, WORLD),
    )


DATA_SETS = {"shapes": _shapes, "pictures": _pictures}
