"""Score decoded cells from their tokens: each is scored by its benchmark, which is given its images."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ladr import backbones
from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.locks import hold, lock_of
from ladr.benchmarks.submission import Means, Submission
from ladr.experiment.cell import Cell, canonical
from ladr.experiment.cells import record
from ladr.experiment.cells.decode import Say, folder_of, tell
from ladr.experiment.cells.decoded import read_tokens, undecoded
from ladr.experiment.cells.record import CELL, RESULTS, SHEET, TOKENS
from ladr.experiment.cells.rows import scored, write_scores
from ladr.experiment.cells.sheet import sheet, spread


class Models:
    """The backbone and the renderer that were loaded last, so that cells with the same one share it."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, Any]] = {}

    def backbone(self, cell: Cell) -> Any:
        """The whole model."""
        return self._one("backbone", cell, lambda name, settings: backbones.load(name, **settings))

    def renderer(self, cell: Cell) -> Any:
        """What draws tokens, without what only decodes."""
        return self._one("renderer", cell, lambda name, settings: backbones.kind(name).drawing(settings))

    def _one(self, role: str, cell: Cell, load: Any) -> Any:
        spec = cell.spec["backbone"]
        if self._held.get(role, ("", None))[0] != canonical(spec):
            self._held[role] = canonical(spec), load(spec["name"], spec["settings"])
        return self._held[role][1]


def score(
    cells: Iterable[Cell],
    *,
    results: Path = RESULTS,
    processes: int = 1,
    say: Say = tell,
    again: bool = False,
) -> None:
    """Write the scores of each cell that has none, or with `again` of each cell."""
    models = Models()
    for cell in cells:
        folder = folder_of(cell.id, results)
        if not folder.is_dir():
            raise undecoded(folder)
        with hold(lock_of(results, cell.id), cell.id, wait=True, say=say):
            if scored(folder, cell) and not again:
                say(f"{cell.id}: scored already")
            else:
                _score(cell, folder, models, Means(cell.official, processes, say))


def _score(cell: Cell, folder: Path, models: Models, means: Means) -> None:
    submission = submission_of(cell, folder, means, origin_of(cell, folder), models)
    scores = cell.benchmark.score(submission)
    # the first image of each prompt
    first = range(0, len(submission.tokens), submission.images_per_prompt)
    with files.appearing(folder / SHEET) as half:
        sheet(submission.some([first[i] for i in spread(len(first))])).save(half, format="png")
    write_scores(cell, folder, scores)
    means.say(f"{cell.id}: {len(scores.rows)} judgements")


def origin_of(cell: Cell, folder: Path) -> dict[str, Any]:
    """Where the images of a decoded cell come from."""
    return {
        "cell": cell.id,
        "tokens": record.read(folder / CELL)["files"][TOKENS]["sha256"],
        "sampler": dict(cell.spec["sampler"]),
        "backbone": dict(cell.spec["backbone"]),
        "seed": cell.spec["benchmark"]["seed"],
    }


def submission_of(
    cell: Cell, folder: Path, means: Means, origin: dict[str, Any], models: Models | None = None
) -> Submission:
    """A decoded cell as its benchmark is given it."""
    held = models or Models()
    images = cell.spec["benchmark"]["images"]
    tokens = read_tokens(folder)["tokens"].long()
    if len(tokens) != (due := images * len(cell.prompts)):
        raise LadrError(f"{folder / TOKENS}: {len(tokens)} images, {due} were asked for")
    backbone, renderer = (lambda: held.backbone(cell)), (lambda: held.renderer(cell))
    return Submission(cell.prompts, images, tokens, backbone, renderer, folder, origin, means)
