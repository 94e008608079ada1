"""Official results back to the cell whose images they judge: kept beside its tokens, then scored again."""

import shutil
from pathlib import Path, PurePath

from ladr.base import files
from ladr.base.errors import LadrError
from ladr.base.removal import remove
from ladr.benchmarks.official.images import IMPORTED, WHOSE, imported_results
from ladr.benchmarks.submission import Means
from ladr.experiment.cell import Cell
from ladr.experiment.cells.decode import Say, tell
from ladr.experiment.cells.official import layout_of, official_of, require_decoded
from ladr.experiment.cells.score import origin_of, submission_of


def take(cell: Cell, folder: Path, results: Path, totals: Path | None = None, say: Say = tell) -> list[str]:
    """Check official results against the cell's prompts and images, keep them beside its tokens, and name the
    parts that they score. What is wrong with them is an error, and nothing is kept.

    results: GenEval's JSON lines, UniGenBench's CSV, DPG-Bench's detail file (with `totals`, its results
    file), or T2I-CompBench's folder of CATEGORY/annotation.../vqa_result.json with all or some categories.
    """
    require_decoded(cell, folder)
    kept = official_of(cell).results(layout_of(cell), Path(results), totals)
    place, new, before = (folder / name for name in (IMPORTED, f".{IMPORTED}.new", f".{IMPORTED}.before"))
    remove([before], folder)
    _gather(cell, folder, kept, new)
    if place.is_dir():
        place.rename(before)
    new.rename(place)
    try:
        return _checked(cell, folder, kept, say)
    except BaseException:
        remove([place], folder)
        if before.is_dir():
            before.rename(place)
        raise
    finally:
        remove([before], folder)


def _gather(cell: Cell, folder: Path, kept: dict[str, Path], new: Path) -> None:
    """Copy into `new` all results that the cell has after this import. Where results come part by part, those
    of the other parts stay."""
    tokens = origin_of(cell, folder)["tokens"]
    remove([new], folder)
    earlier = imported_results(folder, tokens)
    if official_of(cell).by_part and earlier.is_dir():
        shutil.copytree(earlier, new)
        for name in kept:
            remove([new / PurePath(name).parts[0]], new)
    for name, source in kept.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, new / name)
    files.write_json(new / WHOSE, {"cell": cell.id, "tokens": tokens})


def _checked(cell: Cell, folder: Path, kept: dict[str, Path], say: Say) -> list[str]:
    """The parts that the kept files score; LadrError where they do not score theirs."""
    benchmark = official_of(cell)
    own = dict.fromkeys(PurePath(name).parts[0] for name in kept) if benchmark.by_part else benchmark.parts
    submission = submission_of(cell, folder, Means(cell.official, say=say), origin_of(cell, folder))
    scores = benchmark.score_parts(submission, only=list(own))
    for part in own:
        if scores.parts[part]["scorer"] is None:
            raise LadrError(scores.parts[part]["reason"])
    return list(own)
