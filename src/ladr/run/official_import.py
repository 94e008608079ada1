"""Official results back to the cell whose images they judge: kept beside its tokens, then scored again."""

import shutil
from pathlib import Path

from ladr.benchmarks.official import t2i
from ladr.cells import Cell
from ladr.errors import LadrError
from ladr.run import files
from ladr.run.cell import Say, tell
from ladr.run.files import CELL, TOKENS
from ladr.run.official import IMPORTED, WHOSE, grade, imported_of, layout_of

ENDING = {"geneval": ".jsonl", "unigen": ".csv", "dpg": ".txt"}
KEPT = {"geneval": "results.jsonl", "unigen": "results.csv", "dpg": "detail.txt"}
TOTALS = "results.txt"


def take(cell: Cell, folder: Path, results: Path, totals: Path | None = None, say: Say = tell) -> list[str]:
    """Check official results against the cell's prompts and images, keep them beside its tokens, and name the
    parts that they score. What is wrong with them is an error, and nothing is kept.

    results: GenEval's JSON lines, UniGenBench's CSV, DPG-Bench's detail file (with `totals`, its results
    file), or T2I-CompBench's folder of CATEGORY/annotation.../vqa_result.json with all or some categories.
    """
    if not files.done(folder / CELL):
        raise LadrError(f"cell {cell.id}: not decoded; run `ladr run {cell.id}`")
    given = _given(cell, Path(results), totals)
    place, before = folder / IMPORTED, folder / f".{IMPORTED}.before"
    if place.is_dir() and imported_of(folder) != place:
        shutil.rmtree(place)  # results of other tokens
    shutil.rmtree(before, ignore_errors=True)
    if place.is_dir():
        shutil.copytree(place, before)
    try:
        for name, source in given.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place / name)
        tokens = files.read_json(folder / CELL)["files"][TOKENS]["sha256"]
        files.write_json(place / WHOSE, {"cell": cell.id, "tokens": tokens})
        return _checked(cell, folder, given, say)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        if before.is_dir():
            before.rename(place)
        raise
    finally:
        shutil.rmtree(before, ignore_errors=True)


def _given(cell: Cell, results: Path, totals: Path | None) -> dict[str, Path]:
    """Name to keep it by -> file."""
    name = cell.spec["benchmark"]["name"]
    if name == "t2i":
        return _categories(cell, results)
    if not results.is_file():
        raise LadrError(f"{results}: no such file")
    if results.suffix != ENDING[name]:
        hint = ": the summary holds no images" if results.suffix == ".json" else ""
        raise LadrError(f"{results}: {name} results end in {ENDING[name]}{hint}")
    return {KEPT[name]: results, **({TOTALS: totals} if totals and name == "dpg" else {})}


def _categories(cell: Cell, results: Path) -> dict[str, Path]:
    wanted = dict.fromkeys(p.meta["category"] for p in cell.prompts)
    names = [f"{category}/{t2i.RESULT_OF[category]}/vqa_result.json" for category in wanted]
    found = {name: results / name for name in names if (results / name).is_file()}
    if not found:
        raise LadrError(f"{results}: holds none of {', '.join(names)}")
    return found


def _checked(cell: Cell, folder: Path, given: dict[str, Path], say: Say) -> list[str]:
    """The parts that the kept files score; LadrError where they do not score theirs."""
    benchmark = layout_of(cell).name
    parts = [name.split("/")[0] for name in given] if benchmark == "t2i" else [benchmark]
    found = grade(cell, folder, say, only=parts)
    for part in parts:
        if found.parts[part]["scorer"] is None:
            raise LadrError(found.parts[part]["reason"])
    return parts
