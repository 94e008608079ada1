"""Official results back to the cell whose images they judge: kept beside its tokens, then scored again."""

import shutil
from pathlib import Path, PurePath

from ladr.base.errors import LadrError
from ladr.benchmarks.official import t2i
from ladr.experiment.cell import Cell
from ladr.experiment.cells import record as files
from ladr.experiment.cells.decode import Say, tell
from ladr.experiment.cells.official import IMPORTED, WHOSE, grade, imported_of, layout_of
from ladr.experiment.cells.record import CELL, TOKENS

ENDING = {"geneval": ".jsonl", "unigen": ".csv", "dpg": ".txt"}
KEPT = {"geneval": "results.jsonl", "unigen": "results.csv", "dpg": "detail.txt"}
TOTALS, RESULT = "results.txt", "vqa_result.json"


def take(cell: Cell, folder: Path, results: Path, totals: Path | None = None, say: Say = tell) -> list[str]:
    """Check official results against the cell's prompts and images, keep them beside its tokens, and name the
    parts that they score. What is wrong with them is an error, and nothing is kept.

    results: GenEval's JSON lines, UniGenBench's CSV, DPG-Bench's detail file (with `totals`, its results
    file), or T2I-CompBench's folder of CATEGORY/annotation.../vqa_result.json with all or some categories.
    """
    if not files.done(folder / CELL):
        raise LadrError(f"cell {cell.id}: not decoded; run `ladr run {cell.id}`")
    given = _given(cell, Path(results), totals)
    place, new, before = (folder / name for name in (IMPORTED, f".{IMPORTED}.new", f".{IMPORTED}.before"))
    shutil.rmtree(before, ignore_errors=True)
    _gathered(cell, folder, given, new)
    if place.is_dir():
        place.rename(before)
    new.rename(place)
    try:
        return _checked(cell, folder, given, say)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        if before.is_dir():
            before.rename(place)
        raise
    finally:
        shutil.rmtree(before, ignore_errors=True)


def _gathered(cell: Cell, folder: Path, given: dict[str, Path], new: Path) -> None:
    """Into `new` what the cell has after this import: of T2I-CompBench the other categories stay."""
    shutil.rmtree(new, ignore_errors=True)
    if _categorical(cell) and imported_of(folder).is_dir():
        shutil.copytree(imported_of(folder), new)
        for name in given:
            shutil.rmtree(new / PurePath(name).parts[0], ignore_errors=True)
    for name, source in given.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, new / name)
    tokens = files.read_json(folder / CELL)["files"][TOKENS]["sha256"]
    files.write_json(new / WHOSE, {"cell": cell.id, "tokens": tokens})


def _categorical(cell: Cell) -> bool:
    """Do its results come by category, some now, some later?"""
    return cell.spec["benchmark"]["name"] == "t2i"


def _given(cell: Cell, results: Path, totals: Path | None) -> dict[str, Path]:
    """Name to keep it by -> file."""
    name = cell.spec["benchmark"]["name"]
    if _categorical(cell):
        return _categories(cell, results)
    if not results.is_file():
        raise LadrError(f"{results}: no such file")
    if results.suffix != ENDING[name]:
        hint = ": the summary holds no images" if results.suffix == ".json" else ""
        raise LadrError(f"{results}: {name} results end in {ENDING[name]}{hint}")
    return {KEPT[name]: results, **({TOTALS: totals} if totals and name == "dpg" else {})}


def _categories(cell: Cell, results: Path) -> dict[str, Path]:
    """The results of all or some categories, and beside each what says that it is not official's."""
    wanted = dict.fromkeys(p.meta["category"] for p in cell.prompts)
    places = {category: f"{category}/{t2i.RESULT_OF[category]}" for category in wanted}
    there = {c: place for c, place in places.items() if (results / place / RESULT).is_file()}
    if not there:
        raise LadrError(f"{results}: holds none of {', '.join(f'{p}/{RESULT}' for p in places.values())}")
    for category in there:
        t2i.check_samples(layout_of(cell), category, results)
    names = [f"{place}/{name}" for place in there.values() for name in (RESULT, "scorer.json")]
    return {name: results / name for name in names if (results / name).is_file()}


def _checked(cell: Cell, folder: Path, given: dict[str, Path], say: Say) -> list[str]:
    """The parts that the kept files score; LadrError where they do not score theirs."""
    benchmark = cell.spec["benchmark"]["name"]
    parts = list(dict.fromkeys(name.split("/")[0] for name in given)) if _categorical(cell) else [benchmark]
    found = grade(cell, folder, say, only=parts)
    for part in parts:
        if found.parts[part]["scorer"] is None:
            raise LadrError(found.parts[part]["reason"])
    return parts
